using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Fuzz.Generators;

/// <summary>JSON as an agent could send it: right, nearly right, and nothing of the kind. As text, because the worst of it is no JSON.</summary>
internal static class Json
{
    private static readonly string[] Scraps =
    [
        "null", "true", "1", "-0", "1e400", "1E-400", "9007199254740993", "0.1", "1.0", "01", "NaN", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "\"a\\nb\"", "[]", "{}", "[[[]]]", "{\"\":1}", "\"\\/\"",
        "\"../../x\"", "\"{pod}\"", "\"http://169.254.169.254/\"", "/*x*/1", "1,", "\"unterminated", "'single'", "\"\u202e\"",
    ];

    /// <summary>Arguments for a rule.</summary>
    public static string Arguments(Dice dice, ToolRule rule)
    {
        var members = rule.Parameters.Where(p => p.Required ? !dice.OneIn(12) : dice.OneIn(2)).Select(p => (p.Name, Value: Value(dice, p))).ToList();
        if (dice.OneIn(8))
            members.Add((dice.OneIn(2) ? dice.AnyText(8) : "extra", dice.Of(Scraps)));
        if (dice.OneIn(10) && members.Count > 0)
            members.Add(dice.Of(members));
        var text = "{" + string.Join(',', members.Select(m => $"{Quote(m.Name)}:{m.Value}")) + "}";
        return dice.OneIn(10) ? Spoil(dice, text) : text;
    }

    /// <summary>One to three small changes.</summary>
    public static string Spoil(Dice dice, string text)
    {
        for (var changes = 1 + dice.Below(3); changes > 0; changes--)
        {
            var at = dice.Below(text.Length + 1);
            var count = Math.Min(dice.Below(6), text.Length - at);
            text = dice.Below(4) switch
            {
                0 => text.Insert(at, dice.Of(Scraps)),
                1 => text.Remove(at, count),
                2 => text.Insert(at, text.Substring(at, count)),
                _ => text.Insert(at, dice.AnyText(3)),
            };
        }
        return dice.OneIn(50) ? new string('[', 2_000) + text : text;
    }

    public static string Quote(string text) => JsonValue.Create(string.Concat(text.Where(c => !char.IsSurrogate(c)))).ToJsonString();

    private static string Value(Dice dice, ToolParameter parameter)
    {
        if (dice.OneIn(12))
            return dice.Of(Scraps);
        if (parameter.Allowed.Count > 0 && !dice.OneIn(8))
            return Quote(dice.Of(parameter.Allowed));
        return parameter.Type switch
        {
            ParameterType.Boolean => dice.OneIn(2) ? "true" : "false",
            ParameterType.Integer => ((long)(parameter.Min ?? 0) + dice.Below(100)).ToString(CultureInfo.InvariantCulture) + (dice.OneIn(10) ? ".0" : ""),
            ParameterType.Number => ((dice.Below(2_000) - 1_000) / 8m).ToString(CultureInfo.InvariantCulture) + (dice.OneIn(10) ? "e1" : ""),
            ParameterType.StringList => $"[{string.Join(',', Enumerable.Range(0, dice.Below(4)).Select(_ => Text(dice)))}]",
            ParameterType.String => Text(dice),
            _ => dice.Of(["{}", """{"a":{"b":[1,"x"]}}""", """{"a":1,"a":2}""", "[]", "\"a/b/c\"", "\"a/../b\"", "\"/a\"", "\"a\""]),
        };
    }

    private static string Text(Dice dice) => dice.Below(5) switch
    {
        0 => Quote(dice.AnyText(20)),
        1 => Quote(dice.Text("abc019-._/ =,!()", 16)),
        2 => Quote(dice.Of(["2026-11-22T16:00:00Z", "5m", "up{job=\"x\"}", "true", "12", "a/b", "..", "%2e%2e", "a;b", "a?b", "a#b", "\u00e9"])),
        _ => Quote(dice.Text("abcdefghij0123456789", 12) + "a"),
    };
}
