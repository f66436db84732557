using System.Text.RegularExpressions;

namespace IncidentFox.Gateway.Rules.Files;

// "Token {api_key}": literal text and slots, for the value of a header or a query parameter.
internal static partial class CredentialText
{
    // Framing and routing are the sender's; a cookie is a header that many things share.
    private static readonly HashSet<string> NotHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Content-Length", "Content-Type",
        "Content-Encoding", "Accept", "Accept-Encoding", "Cookie", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "Forwarded", "Range",
    };

    public static IReadOnlyList<CredentialPart>? Parse(string text)
    {
        // Spaces inside only: HTTP drops those at the ends.
        if (text.Length > 500 || !Whole().IsMatch(text) || text[0] == ' ' || text[^1] == ' ')
            return null;
        var parts = new List<CredentialPart>();
        var at = 0;
        foreach (Match slot in Slot().Matches(text))
        {
            if (slot.Index > at)
                parts.Add(new(text[at..slot.Index], null));
            parts.Add(new(null, slot.Groups["slot"].Value));
            at = slot.Index + slot.Length;
        }
        if (at < text.Length)
            parts.Add(new(text[at..], null));
        return parts.Any(p => p.Slot is not null) ? parts : null;
    }

    public static bool IsHeader(string name) => name.Length <= 60 && HeaderName().IsMatch(name) && !NotHeaders.Contains(name);

    public static bool IsQueryKey(string name) => QueryKey().IsMatch(name);

    [GeneratedRegex("^([ -z|~]|\\{[a-z][a-z0-9_]{0,39}\\})+\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Whole();

    [GeneratedRegex("\\{(?<slot>[a-z][a-z0-9_]{0,39})\\}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Slot();

    [GeneratedRegex("^[A-Za-z0-9!#$%&'*+.^_`|~-]+\\z", RegexOptions.NonBacktracking)]
    private static partial Regex HeaderName();

    [GeneratedRegex("^[A-Za-z0-9._~-]{1,60}\\z", RegexOptions.NonBacktracking)]
    private static partial Regex QueryKey();
}
