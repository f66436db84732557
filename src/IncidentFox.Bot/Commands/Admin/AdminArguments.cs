using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace IncidentFox.Bot.Commands.Admin;

/// <summary>
/// What was typed after a subcommand: words, <c>setting=value</c> pairs, <c>--org</c> and <c>--note "why"</c>. Quotes keep spaces together. Slack writes
/// people, channels, groups and addresses in a form of its own; they become what policies write.
/// </summary>
internal sealed partial record AdminArguments
{
    private const int MaxLength = 4_000;

    /// <summary>What is neither a setting nor an option, in order; the subcommand itself is not among them.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>By name; the last one counts.</summary>
    public required IReadOnlyDictionary<string, string> Settings { get; init; }

    /// <summary>True with <c>--org</c>: the organization's policy is meant, not the team's.</summary>
    public bool Org { get; init; }

    /// <summary>Why, in their words.</summary>
    public string? Note { get; init; }

    /// <summary>Why it can't be read; null: it can.</summary>
    public string? Fault { get; init; }

    /// <summary>Reads what stands after the subcommand, whose word comes first.</summary>
    public static AdminArguments Parse(string text)
    {
        if (text.Length > MaxLength)
            return Nothing($"That is {text.Length} characters; at most {MaxLength} can be read.");
        if (Split(Plain(text)) is not { } all)
            return Nothing("A quotation mark is not closed.");
        var words = new List<string>();
        var settings = new Dictionary<string, string>();
        var (org, note) = (false, (string?)null);
        for (var i = 1; i < all.Count; i++)
        {
            var word = all[i];
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (word is "--org")
                org = true;
            else if (word is "--note" && i + 1 < all.Count)
                note = all[++i];
            else if (word.StartsWith("--", StringComparison.Ordinal))
                return Nothing($"{word} is not known here, or something is missing after it. There are --org and --note \"why\".");
            else if (equals > 0)
                settings[word[..equals].ToLowerInvariant()] = word[(equals + 1)..];
            else
                words.Add(word);
        }
        return new() { Words = words, Settings = settings, Org = org, Note = note };
    }

    /// <summary>Slack's own forms as people and policies write them.</summary>
    internal static string Plain(string text) => WebUtility.HtmlDecode(SlackForm().Replace(text, m => m.Groups["kind"].Value switch
    {
        "#" => m.Groups["label"].Length > 0 ? "#" + m.Groups["label"].Value : m.Groups["id"].Value,
        "@" => m.Groups["id"].Value,
        "!subteam^" => (text.AsSpan(0, m.Index).EndsWith("group:", StringComparison.Ordinal) ? "" : "group:") + m.Groups["id"].Value,
        _ => m.Groups["label"].Length > 0 ? m.Groups["label"].Value : m.Groups["id"].Value,
    }));

    private static AdminArguments Nothing(string fault) => new() { Words = [], Settings = new Dictionary<string, string>(), Fault = fault };

    // Some keyboards write typographic quotation marks by themselves.
    private static List<string>? Split(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var (quoted, any) = (false, false);
        foreach (var c in text)
        {
            if (c is '"' or '“' or '”')
                (quoted, any) = (!quoted, true);
            else if (!quoted && char.IsWhiteSpace(c))
                Finish();
            else
                word.Append(c);
        }
        if (quoted)
            return null;
        Finish();
        return words;

        void Finish()
        {
            if (word.Length > 0 || any)
                words.Add(word.ToString());
            word.Clear();
            any = false;
        }
    }

    [GeneratedRegex(@"<(?<kind>#|@|!subteam\^|mailto:)(?<id>[^|>]+)(\|(?<label>[^>]*))?>", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex SlackForm();
}
