using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// The spellings of a secret that steps can't undo, because nothing marks where they begin: base64 and hexadecimal digits, of the secret
/// as it stands and of what encoders make of it first.
/// </summary>
internal static class SecretSpellings
{
    // Spellings of spellings are many times as long; of what is longer than any token only the first kind is looked for.
    private const int LongestTwice = 1024;

    /// <summary>As it stands, or as an encoder leaves it that escapes nothing or all that needs it.</summary>
    public static IEnumerable<byte[]> Escaped(string secret)
    {
        yield return Encoding.UTF8.GetBytes(secret);
        foreach (var text in new[]
        {
            Inside(JsonSerializer.Serialize(secret, Relaxed)),
            Inside(JsonSerializer.Serialize(secret)),
            Inside(JsonSerializer.Serialize(secret, Relaxed)).Replace("/", "\\/", StringComparison.Ordinal),
            Uri.EscapeDataString(secret),
            WebUtility.UrlEncode(secret),
            WebUtility.HtmlEncode(secret),
            secret + "\n",
        })
            yield return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>In base64, with the standard alphabet: once, and of every way to write the secret first.</summary>
    public static IEnumerable<byte[]> InBase64(string secret)
    {
        var plain = Encoding.UTF8.GetBytes(secret);
        foreach (var core in Base64Cores(plain))
            yield return core;
        if (plain.Length > LongestTwice)
            yield break;
        foreach (var first in Escaped(secret).Skip(1).Concat(Digits(plain)).Concat(Base64Cores(plain).SelectMany(BothAlphabets)))
        {
            foreach (var core in Base64Cores(first))
                yield return core;
        }
    }

    /// <summary>In hexadecimal digits, lower case.</summary>
    public static IEnumerable<byte[]> InHex(string secret)
    {
        var plain = Encoding.UTF8.GetBytes(secret);
        yield return Lower(plain);
        if (plain.Length > LongestTwice)
            yield break;
        foreach (var first in Escaped(secret).Skip(1).Concat(Base64Cores(plain).SelectMany(BothAlphabets)))
            yield return Lower(first);
    }

    /// <summary>A text in base64 as both alphabets spell it.</summary>
    public static IEnumerable<byte[]> BothAlphabets(byte[] base64)
    {
        yield return base64;
        if (base64.AsSpan().IndexOfAny((byte)'+', (byte)'/') >= 0)
            yield return Array.ConvertAll(base64, b => b switch { (byte)'+' => (byte)'-', (byte)'/' => (byte)'_', _ => b });
    }

    /// <summary>A text in hexadecimal digits as both cases spell it.</summary>
    public static IEnumerable<byte[]> BothCases(byte[] lower)
    {
        yield return lower;
        yield return Array.ConvertAll(lower, b => (byte)char.ToUpperInvariant((char)b));
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Inside(string json) => json[1..^1];

    private static IEnumerable<byte[]> Digits(byte[] plain) => BothCases(Lower(plain));

    private static byte[] Lower(byte[] bytes) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes));

    // Within a longer text a secret may begin at any of three places of a base64 group. What is looked for is what depends on it alone:
    // the characters at both ends also hold bits of its neighbours.
    private static IEnumerable<byte[]> Base64Cores(byte[] secret)
    {
        for (var before = 0; before < 3; before++)
        {
            var text = Convert.ToBase64String([.. new byte[before], .. secret]);
            var first = before == 0 ? 0 : before + 1;
            var last = (before + secret.Length) * 8 / 6;
            yield return Encoding.ASCII.GetBytes(text[first..last]);
        }
    }
}
