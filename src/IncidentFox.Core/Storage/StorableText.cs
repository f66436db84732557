using System.Buffers;
using System.Text;

namespace IncidentFox.Core.Storage;

/// <summary>Text as PostgreSQL takes it: it refuses U+0000 and lone surrogates, and a refused insert would refuse the change it belongs to.</summary>
internal static class StorableText
{
    private static readonly SearchValues<char> Suspicious = SearchValues.Create(
        ['\0', .. Enumerable.Range(0xD800, 0xE000 - 0xD800).Select(c => (char)c)]);

    /// <summary>The text with what can't be stored replaced by U+FFFD, cut and marked beyond the length.</summary>
    public static string Of(string text, int maxLength)
    {
        // Almost every text there is.
        if (text.Length <= maxLength && text.AsSpan().IndexOfAny(Suspicious) < 0)
            return text;
        var cut = text.Length > maxLength ? text[..maxLength] + "…" : text;
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut)).Replace('\0', '\uFFFD');
    }
}
