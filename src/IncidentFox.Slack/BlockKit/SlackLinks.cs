using System.Diagnostics.CodeAnalysis;

namespace IncidentFox.Slack.BlockKit;

/// <summary>A link that may be live. Only <see cref="SlackLinks"/> makes one.</summary>
public sealed record SlackLink
{
    internal SlackLink(string url) => Url = url;

    public string Url { get; }
}

/// <summary>
/// Decides which links may be live: https (http for loopback hosts) to a host that was declared, nothing else.
/// Everything that is not declared is shown as plain text.
/// </summary>
public sealed class SlackLinks
{
    private const int MaxUrlLength = 2000;
    private readonly HashSet<string> _hosts;

    /// <param name="hosts">Host names, exact, without wildcards; with a port when it is not the scheme's own.</param>
    public SlackLinks(IEnumerable<string> hosts) => _hosts = new HashSet<string>(hosts, StringComparer.OrdinalIgnoreCase);

    public bool TryAllow(string? url, [NotNullWhen(true)] out SlackLink? link)
    {
        link = null;
        if (url is null || url.Length > MaxUrlLength || !Uri.TryCreate(url, UriKind.Absolute, out var uri)
            || !SlackOptions.IsHttpsOrLoopback(uri) || uri.UserInfo.Length > 0 || !_hosts.Contains(uri.Authority))
        {
            return false;
        }

        // The canonical form: what is shown and what is checked are the same address.
        var canonical = uri.GetComponents(UriComponents.HttpRequestUrl | UriComponents.Fragment, UriFormat.UriEscaped);
        if (canonical.Length > MaxUrlLength || canonical.AsSpan().IndexOfAny("<>\"|\\ ") >= 0)
        {
            return false;
        }

        link = new SlackLink(canonical);
        return true;
    }
}
