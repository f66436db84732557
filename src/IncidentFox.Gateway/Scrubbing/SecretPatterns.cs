using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// What to look for so that none of a call's secrets comes back: each secret as it stands and in base64. Escapes, letter case and line
/// breaks are undone by the lanes (<see cref="Lane"/>), so that no list of spellings has to be complete.
/// </summary>
public sealed class SecretPatterns
{
    /// <summary>
    /// The shortest secret, in bytes of UTF-8, that can be looked for. A shorter one would be found all over harmless text, and the gaps
    /// would tell what it is: such a credential is not used at all.
    /// </summary>
    public const int Shortest = 6;

    /// <summary>The longest one. A header can't carry more anyway.</summary>
    public const int Longest = 16 * 1024;

    private SecretPatterns(IReadOnlyList<string> secrets)
    {
        var raw = secrets.Select(Encoding.UTF8.GetBytes).ToArray();
        var base64 = raw.SelectMany(Base64Cores).ToArray();
        var base64Url = base64.Select(c => Array.ConvertAll(c, b => b switch { (byte)'+' => (byte)'-', (byte)'/' => (byte)'_', _ => b })).ToArray();
        var form = secrets.Where(s => s.Contains(' ', StringComparison.Ordinal)).Select(s => Encoding.UTF8.GetBytes(s.Replace(' ', '+')));
        Plain = new([.. raw, .. secrets.Select(Encoding.Unicode.GetBytes), .. secrets.Select(Encoding.BigEndianUnicode.GetBytes)]);
        Percent = new([.. raw, .. form, .. base64, .. base64Url]);
        Escaped = new([.. raw, .. base64]);
        Hex = new(raw.Select(s => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(s))));
        Base64 = new(base64);
    }

    internal PatternTree Plain { get; }

    internal PatternTree Percent { get; }

    internal PatternTree Escaped { get; }

    internal PatternTree Hex { get; }

    internal PatternTree Base64 { get; }

    /// <summary>Prepares to look for these.</summary>
    /// <exception cref="ArgumentException">One of them is too short or too long; <see cref="CanHold"/> tells before it is used.</exception>
    public static SecretPatterns Of(IReadOnlyList<string> secrets) => secrets.All(CanHold)
        ? new([.. secrets.Distinct(StringComparer.Ordinal)])
        : throw new ArgumentException("A secret is too short or too long to be looked for.", nameof(secrets));

    /// <summary>Whether it can be looked for.</summary>
    public static bool CanHold(string secret) => Encoding.UTF8.GetByteCount(secret) is >= Shortest and <= Longest;

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
