using System.Globalization;
using System.Text.RegularExpressions;
using IncidentFox.Core.Identity;

namespace IncidentFox.Bot.Roles;

/// <summary><c>@person role [time] [reason]</c>, as typed after <c>roles grant</c> and <c>roles revoke</c>.</summary>
internal sealed partial record RoleArguments(string UserId, Role Role, TimeSpan? Duration, string? Reason)
{
    /// <summary>Null with a sentence that says what is wrong.</summary>
    public static (RoleArguments? Arguments, string? Error) Parse(string text)
    {
        var words = text.Split([' ', '\t', '\r', '\n'], 4, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length < 2)
            return (null, "Say who and which role, such as: @ada operator 8h on call tonight.");
        if (UserOf(words[0]) is not { } user)
            return (null, "Name the person with @, or give their member id (U0123ABCD).");
        if (!RoleNames.TryParse(words[1], out var role))
            return (null, "The role is one of viewer, operator, admin, org_admin.");
        var rest = words[2..];
        TimeSpan? duration = null;
        if (rest.Length > 0 && DurationPattern().Match(rest[0]) is { Success: true } match)
        {
            var number = int.Parse(match.Groups["number"].ValueSpan, CultureInfo.InvariantCulture);
            duration = match.Groups["unit"].Value switch { "m" => TimeSpan.FromMinutes(number), "h" => TimeSpan.FromHours(number), _ => TimeSpan.FromDays(number) };
            rest = rest[1..];
        }
        var reason = string.Join(' ', rest);
        if (reason.Length > RoleGrants.MaxReason)
            return (null, $"The reason has {reason.Length} characters; at most {RoleGrants.MaxReason}.");
        return (new(user, role, duration, reason.Length == 0 ? null : reason), null);
    }

    /// <summary><c>&lt;@U1|name&gt;</c> as Slack writes a mention in a command, or the id.</summary>
    private static string? UserOf(string word) => UserPattern().Match(word) is { Success: true } match ? match.Groups["mention"].Value + match.Groups["id"].Value : null;

    [GeneratedRegex("\\A(<@(?<mention>[UW][A-Z0-9]{1,39})(\\|[^<>]{0,100})?>|(?<id>[UW][A-Z0-9]{1,39}))\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex UserPattern();

    [GeneratedRegex("\\A(?<number>[0-9]{1,5})(?<unit>[mhd])\\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex DurationPattern();
}
