using System.Collections.Concurrent;
using System.Text;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// What to look for so that none of a call's secrets comes back: each secret as it stands, in base64 and in hexadecimal digits. Escapes,
/// letter case and line breaks are undone while reading (<see cref="Lanes"/>), so that no list of spellings has to be complete.
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

    private const int MostAtRest = 64;
    private readonly ConcurrentQueue<Scrubber> _atRest = [];

    private SecretPatterns(IReadOnlyList<string> secrets)
    {
        var base64 = secrets.SelectMany(SecretSpellings.InBase64).ToArray();
        var hex = secrets.SelectMany(SecretSpellings.InHex).ToArray();
        Base64 = new(base64);
        Hex = new(hex);
        Text = new([
            .. secrets.Select(Encoding.UTF8.GetBytes),
            .. secrets.Where(s => s.Contains(' ', StringComparison.Ordinal)).Select(s => Encoding.UTF8.GetBytes(s.Replace(' ', '+'))),
            .. secrets.Select(Encoding.Unicode.GetBytes),
            .. secrets.Select(Encoding.BigEndianUnicode.GetBytes),
            .. base64.SelectMany(SecretSpellings.BothAlphabets),
            .. hex.SelectMany(SecretSpellings.BothCases),
        ]);
        Filter = new Prefilter(this);
    }

    /// <summary>Patterns of text whose escapes were undone.</summary>
    internal PatternTree Text { get; }

    /// <summary>Patterns of hexadecimal digits in lower case.</summary>
    internal PatternTree Hex { get; }

    /// <summary>Patterns of base64 in the standard alphabet without line breaks.</summary>
    internal PatternTree Base64 { get; }

    /// <summary>Finds where one of them may begin.</summary>
    internal Prefilter Filter { get; }

    /// <summary>Whether there is nothing to look for.</summary>
    internal bool IsEmpty => Text.Longest == 0;

    /// <summary>About how much memory it takes, in bytes.</summary>
    internal long Size => Text.Size + Hex.Size + Base64.Size + Prefilter.Size;

    /// <summary>Prepares to look for these.</summary>
    /// <exception cref="ArgumentException">One of them is too short or too long; <see cref="CanHold"/> tells before it is used.</exception>
    public static SecretPatterns Of(IReadOnlyList<string> secrets) => secrets.All(CanHold)
        ? new([.. secrets.Distinct(StringComparer.Ordinal)])
        : throw new ArgumentException("A secret is too short or too long to be looked for.", nameof(secrets));

    /// <summary>A scrubber for one stream; one that another stream is done with, where there is one.</summary>
    internal Scrubber Rent() => _atRest.TryDequeue(out var used) ? used : new Scrubber(this);

    /// <summary>Its stream is over. One that was in the midst of something is not used again.</summary>
    internal void Return(Scrubber scrubber)
    {
        if (scrubber.IsAtRest && _atRest.Count < MostAtRest)
            _atRest.Enqueue(scrubber);
    }

    /// <summary>Whether it can be looked for.</summary>
    public static bool CanHold(string secret) => Encoding.UTF8.GetByteCount(secret) is >= Shortest and <= Longest;
}
