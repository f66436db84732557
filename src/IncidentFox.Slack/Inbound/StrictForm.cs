using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace IncidentFox.Slack.Inbound;

/// <summary>
/// application/x-www-form-urlencoded, read strictly: every key once, valid percent-encoding, valid UTF-8, no NUL.
/// A second meaning of the same bytes is what request smuggling is made of.
/// </summary>
internal static class StrictForm
{
    private const int MaxFields = 64;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out IReadOnlyDictionary<string, string>? fields)
    {
        fields = null;
        var parsed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var range in body.Split((byte)'&'))
        {
            var pair = body[range];
            var equals = pair.IndexOf((byte)'=');
            if (equals <= 0 || parsed.Count == MaxFields
                || !TryDecode(pair[..equals], out var key) || !TryDecode(pair[(equals + 1)..], out var value)
                || !parsed.TryAdd(key, value))
            {
                return false;
            }
        }

        fields = parsed;
        return true;
    }

    private static bool TryDecode(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out string? text)
    {
        text = null;
        var bytes = new byte[encoded.Length];
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            switch (encoded[i])
            {
                case (byte)'+':
                    bytes[length++] = (byte)' ';
                    break;
                case (byte)'%':
                    if (i + 2 >= encoded.Length || !char.IsAsciiHexDigit((char)encoded[i + 1]) || !char.IsAsciiHexDigit((char)encoded[i + 2]))
                    {
                        return false;
                    }

                    bytes[length++] = (byte)((HexValue(encoded[i + 1]) << 4) | HexValue(encoded[i + 2]));
                    i += 2;
                    break;
                case var plain:
                    bytes[length++] = plain;
                    break;
            }
        }

        if (bytes.AsSpan(0, length).Contains((byte)0))
        {
            return false;
        }

        try
        {
            text = StrictUtf8.GetString(bytes, 0, length);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static int HexValue(byte digit) => char.IsAsciiDigit((char)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
