using System.Globalization;
using System.Text;
using CsCheck;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Tests.BlockKit;

public sealed class InertTextTests
{
    private static readonly string[] Pieces =
    [
        "<!channel>", "<!here|here>", "<@U123ABC>", "<#C1|x>", "<https://evil.example|Approve>", "https://evil.example/", "<!date^1^{date}|x>", "<!subteam^S1>", "&lt;", "&amp;",
        "*bold*", "_it_", "~x~", "`code`", "```", ":white_check_mark:", "> quote", "@channel", "@here", "#general", "[x](https://evil.example)", "![x](https://evil.example/i.png)",
        "\u202Egnp.exe", "\u200B", "\u2066", "\uFEFF", "\u00AD", "\u0000", "\u001b[31m", "\r\n", "\n\n\n\n", "\t", "\u2028", "\u3164", "\u2800", "\ud800", "\udc00", "👩‍👩‍👧", "é", "e\u0301",
        "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307", "\\", "\"", "</script>", "|", "^", "\U000E0041", "x", " ",
    ];

    /// <summary>Random text, and text built from the pieces an attacker would use.</summary>
    internal static readonly Gen<string> Hostile = Gen.Frequency(
        (1, Gen.String),
        (3, Gen.Int[0, Pieces.Length - 1].Array[0, 40].Select(parts => string.Concat(parts.Select(p => Pieces[p])))));

    [Fact]
    public void Whatever_goes_in_comes_out_visible_on_one_line_and_short_enough() =>
        Gen.Select(Hostile, Gen.Int[1, 200]).Sample((text, max) =>
        {
            var inert = SlackText.Inert(text, max);
            return inert.Length <= max && IsWellFormed(inert) && inert.EnumerateRunes().All(r => !SlackText.IsDangerous(r)) && !inert.Contains("  ", StringComparison.Ordinal);
        });

    [Fact]
    public void Lines_are_kept_only_where_asked_for() =>
        Gen.Select(Hostile, Gen.Int[1, 200]).Sample((text, max) =>
        {
            var inert = SlackText.InertLines(text, max);
            return inert.Length <= max && IsWellFormed(inert) && inert.EnumerateRunes().All(r => r.Value == '\n' || !SlackText.IsDangerous(r))
                && !inert.Contains("\n\n\n", StringComparison.Ordinal);
        });

    [Fact]
    public void Doing_it_twice_changes_nothing() =>
        Hostile.Sample(text => SlackText.Inert(SlackText.Inert(text, 500), 500) == SlackText.Inert(text, 500));

    [Fact]
    public void A_cut_text_ends_with_an_ellipsis_and_no_character_is_split() =>
        Gen.Select(Hostile, Gen.Int[1, 50]).Sample((text, max) =>
        {
            var fit = SlackText.Fit(text, max);
            return text.Length <= max ? fit == text : fit.Length <= max && fit.EndsWith(SlackText.Ellipsis, StringComparison.Ordinal) && IsPrefixOnBoundary(text, fit[..^1]);
        });

    [Theory]
    [InlineData("a\u200Bb", "a\\u{200B}b")]
    [InlineData("\u202Etxt.exe", "\\u{202E}txt.exe")]
    [InlineData("a\0b", "a\\u{0000}b")]
    [InlineData("  a \r\n\t b  ", "a b")]
    [InlineData("a\u3164b", "a\\u{3164}b")]
    [InlineData("\ud83d\ude00", "😀")]
    [InlineData(null, "")]
    public void Hidden_characters_become_visible(string? text, string expected) => Assert.Equal(expected, SlackText.Inert(text, 100));

    [Fact]
    public void Half_a_character_becomes_a_replacement_character() => Assert.Equal("a\uFFFDb", SlackText.Inert("a" + (char)0xD800 + "b", 100));

    [Fact]
    public void Marks_cannot_be_stacked_without_end() => Assert.Equal(5, SlackText.Inert("a" + new string('\u0301', 1000), 2000).Length);

    [Fact]
    public void A_megabyte_is_cut_without_reading_it_all() => Assert.Equal(100, SlackText.Inert(new string('x', 1_000_000), 100).Length);

    [Fact]
    public void Nothing_left_is_replaced_by_what_was_asked_for() => Assert.Equal("(empty)", SlackText.Inert(" \n ", 100, "(empty)"));

    [Fact]
    public void Indentation_survives_in_excerpts() => Assert.Equal("a:\n  b: 1\n\nc", SlackText.InertLines("a:\n  b: 1\n\n\n\nc\n", 100));

    internal static bool IsWellFormed(string text)
    {
        try
        {
            _ = new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text);
            return true;
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    private static bool IsPrefixOnBoundary(string text, string prefix)
    {
        var boundaries = StringInfo.ParseCombiningCharacters(text);
        return text.StartsWith(prefix, StringComparison.Ordinal)
            && (boundaries.Contains(prefix.Length) || text[prefix.Length..].TrimStart() != text[prefix.Length..]);
    }
}
