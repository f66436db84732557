using System.Globalization;
using System.Text;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>Keeps the end of what a sandbox prints and throws the rest away, however much it is.</summary>
internal sealed class LogTail
{
    public const int MaxBytes = 8 * 1024;

    private readonly Lock gate = new();
    private readonly byte[] ring = new byte[MaxBytes];
    private long written;

    /// <summary>Reads until the other end is closed.</summary>
    public async Task DrainAsync(Stream stream)
    {
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
            {
                Append(buffer.AsSpan(0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The pipe was taken away: what was read so far is the tail.
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        lock (gate)
        {
            foreach (var value in bytes)
            {
                ring[written++ % MaxBytes] = value;
            }
        }
    }

    /// <summary>Text only: no control or format characters (terminal escapes, bidirectional overrides) but line ends.</summary>
    public override string ToString()
    {
        byte[] bytes;
        lock (gate)
        {
            var length = (int)Math.Min(written, MaxBytes);
            bytes = new byte[length];
            for (var i = 0; i < length; i++)
            {
                bytes[i] = ring[(written - length + i) % MaxBytes];
            }
        }

        var text = new StringBuilder(bytes.Length);
        foreach (var rune in Encoding.UTF8.GetString(bytes).EnumerateRunes())
        {
            if (rune.Value == '\n' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate))
            {
                text.Append(rune.ToString());
            }
        }

        return text.ToString().Trim();
    }
}
