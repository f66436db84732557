using IncidentFox.Gateway.Rules;

namespace IncidentFox.Fuzz.Generators;

/// <summary>Request targets: good ones of a rule, spoiled ones, and those from the corpus.</summary>
internal static class Targets
{
    private static readonly IReadOnlyList<string> Known = Corpus.Lines("targets.txt");

    private static readonly string[] Pieces =
    [
        "/", "//", "/./", "/../", "%2e", "%2E%2E", "..", ".", "%2f", "%2F", "%5c", "\\", "%00", "%0a", "%0d%0a", "%25", "%252e", "%c0%ae", "%e0%80%ae", "%f0%80%80%ae", "%ff", "%C3%A4",
        "%u002e", "%", "%1", "%zz", ";", ";a=b", "?", "&", "&&", "=", "#", "+", "%20", " ", "*", "@", ":", "http://", "//evil.example", "{pod}", "\u00e4", "\uff0f", "\u2025", "~", "|",
        "secrets", "proxy", "exec", "log", "limit=1", "watch=true", "labelSelector=a", "%6cabelSelector=a", "dryRun=All", "[]", "[0]", "\0", "\r\n", "\x7f",
    ];

    private static readonly string[] Names = ["shop", "checkout-1", "a", "kube-system", "x.y", "0", "A", "-a", "a-", "secrets", "proxy", "..", ".", "a b", "a/b", "a%2fb", "\u00e9", "", "status", "log"];

    public static string Any(Dice dice, IReadOnlyList<ToolRule> rules) => dice.Below(10) switch
    {
        0 => dice.Of(Known),
        1 => Spoil(dice, dice.Of(Known)),
        2 => dice.AnyText(60),
        3 => string.Concat(Enumerable.Range(0, dice.Below(12)).Select(_ => dice.Of(Pieces))),
        4 or 5 => Of(dice, dice.Of(rules)),
        _ => Spoil(dice, Of(dice, dice.Of(rules))),
    };

    /// <summary>A target of a rule's shape, its values good or bad.</summary>
    public static string Of(Dice dice, ToolRule rule)
    {
        var path = string.Concat(rule.Path.Select(s => "/" + (s.Literal ?? (dice.OneIn(8) ? Uri.EscapeDataString(Plain(dice)) : dice.Of(Names)))));
        var keys = rule.Query.Where(_ => !dice.OneIn(2)).SelectMany(k => Enumerable.Repeat(k, dice.OneIn(6) ? 2 : 1));
        var query = string.Join('&', keys.Select(k => $"{k.Key}={k.Literal ?? Value(dice)}"));
        return path + (query.Length == 0 ? "" : "?" + query);
    }

    /// <summary>One to four small changes.</summary>
    public static string Spoil(Dice dice, string text)
    {
        for (var changes = 1 + dice.Below(4); changes > 0; changes--)
        {
            var at = dice.Below(text.Length + 1);
            var count = Math.Min(dice.Below(4), text.Length - at);
            text = dice.Below(5) switch
            {
                0 => text.Insert(at, dice.Of(Pieces)),
                1 => text.Remove(at, count),
                2 => text.Remove(at, count).Insert(at, dice.Of(Pieces)),
                3 => text.Insert(at, text.Substring(at, count)),
                _ => at < text.Length ? text.Remove(at, 1).Insert(at, $"%{(int)text[at]:X2}") : text + "/",
            };
        }
        return text;
    }

    private static string Value(Dice dice) => dice.Below(6) switch
    {
        0 => dice.Below(5_000).ToString(System.Globalization.CultureInfo.InvariantCulture),
        1 => dice.Of(["true", "false", "True", "1", "0", "1.0", "01", "1e2", "-1", "+1", "", "All"]),
        2 => Uri.EscapeDataString(Plain(dice)),
        3 => dice.Of(Pieces),
        4 => dice.Text("abcxyz=,!()_./- +%", 20),
        _ => dice.Of(Names),
    };

    // EscapeDataString does not take half a pair.
    private static string Plain(Dice dice) => string.Concat(dice.AnyText(12).Where(c => !char.IsSurrogate(c)));
}
