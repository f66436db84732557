using System.Text.RegularExpressions;

namespace IncidentFox.Workbench.SlackWorkspace.Acts;

/// <summary>What a person types becomes what Slack stores and delivers: escaped, with mentions, channels and links as tokens.</summary>
internal static partial class TypedText
{
    public static string ToSlack(string typed)
    {
        var escaped = typed.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
        return Token().Replace(escaped, match => Replace(match.Value));
    }

    private static string Replace(string token)
    {
        if (token.StartsWith("http", StringComparison.Ordinal)) return $"<{token}>";
        if (token.StartsWith("&lt;@", StringComparison.Ordinal))
        {
            // A test may name a person by id, the way the page never would.
            return DemoPeople.All.FirstOrDefault(p => p.Id == token[5..^4]) is { } named ? $"<@{named.Id}>" : token;
        }

        if (token[0] == '#') return DemoPeople.Channels.FirstOrDefault(c => c.Name == token[1..]) is { } channel ? $"<#{channel.Id}|{channel.Name}>" : token;
        return DemoPeople.All.FirstOrDefault(p => p.Handle.Equals(token[1..], StringComparison.OrdinalIgnoreCase)) is { } person ? $"<@{person.Id}>" : token;
    }

    [GeneratedRegex(@"https?://[^\s|]+|&lt;@U[A-Z0-9]{6,20}&gt;|@[a-z][a-z0-9_-]*|#[a-z][a-z0-9_-]*", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Token();
}
