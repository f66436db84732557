using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Core;
using IncidentFox.Core.Identity;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox roles list|grant|revoke|bootstrap</c>: the same as in Slack, for operators without it.</summary>
public static class RolesCommand
{
    private const int MinToken = 32;

    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var command = new Command("roles", "Who has which role; gives and takes roles.");
        command.Subcommands.Add(List(config));
        command.Subcommands.Add(Change(config, give: true));
        command.Subcommands.Add(Change(config, give: false));
        command.Subcommands.Add(Bootstrap(config));
        return command;
    }

    private static Command List(Option<FileInfo?> config)
    {
        var team = new Option<string?>("--team") { Description = "Only this team, with what comes from the organization." };
        var command = new Command("list", "Prints every role in force.") { team };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await RolesAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            TeamId? only = parse.GetValue(team) is { } t ? new TeamId(t) : null;
            foreach (var line in await new AccessReview(access.Database).ReadAsync(access.Org, only, ct))
                Console.WriteLine(Inert.Text($"{line.Name}  {line.Role.Name()}  {line.Team?.Value ?? "(organization)"}  {line.Source} {line.GrantedBy}  {(line.ExpiresAt is { } u ? $"until {u:yyyy-MM-dd HH:mm}Z" : "for good")}"));
            return 0;
        });
        return command;
    }

    private static Command Change(Option<FileInfo?> config, bool give)
    {
        var person = new Argument<string>("person") { Description = "Slack member id (U0123ABCD) of somebody the product knows." };
        var role = new Argument<string>("role") { Description = "viewer, operator, admin (of a team) or org_admin." };
        var team = new Option<string?>("--team") { Description = "The team; leave out for org_admin." };
        var duration = new Option<string?>("--for") { Description = "How long, such as 30m, 8h or 14d; without it, for good." };
        var reason = new Option<string?>("--reason") { Description = "Why; stands in the audit trail." };
        var command = new Command(give ? "grant" : "revoke", give ? "Gives a role." : "Takes a role that was given.") { person, role, team, reason };
        if (give)
            command.Options.Add(duration);
        command.SetAction(async (parse, ct) =>
        {
            if (!RoleNames.TryParse(parse.GetValue(role), out var parsed))
                return RolesAccess.Say(false, "The role is one of viewer, operator, admin, org_admin.");
            TimeSpan? time = null;
            if (give && parse.GetValue(duration) is { } text && (time = Duration(text)) is null)
                return RolesAccess.Say(false, $"'{text}' is no time: give one such as 30m, 8h or 14d.");
            await using var access = await RolesAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            if (!access.KnowsTeam(parse.GetValue(team)))
                return RolesAccess.Say(false, $"There is no team '{parse.GetValue(team)}' in the configuration.");
            if (await access.PersonAsync(parse.GetValue(person)!, ct) is not { } found)
                return RolesAccess.Say(false, "The product does not know this person. Let an admin grant the role in Slack, or list them in Organization:People.");
            var change = new RoleChange(access.Org, parse.GetValue(team) is { } t ? new TeamId(t) : null, found, parsed);
            var grants = new RoleGrants(access.Database, access.Audit);
            var outcome = give
                ? await grants.GrantAsync(access.Operator, change, time, parse.GetValue(reason), ct)
                : await grants.RevokeAsync(access.Operator, change, parse.GetValue(reason), ct);
            return RolesAccess.Say(outcome.Done, outcome.Message);
        });
        return command;
    }

    private static Command Bootstrap(Option<FileInfo?> config)
    {
        var person = new Argument<string>("person") { Description = "Slack member id (U0123ABCD) of the first org admin." };
        var command = new Command("bootstrap", "Makes the first org admin. Needs the token of Organization:AdminToken in the environment variable ADMIN_TOKEN.") { person };
        command.SetAction(async (parse, ct) =>
        {
            var slack = parse.GetValue(person)!;
            if (slack.Length is < 2 or > 40 || slack[0] is not ('U' or 'W') || !slack.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c)))
                return RolesAccess.Say(false, "Give the member id, such as U0123ABCD (Slack: profile > ⋮ > Copy member ID).");
            await using var access = await RolesAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            if (await TokenErrorAsync(parse.GetValue(config), access.Directory.AdminToken, ct) is { } error)
                return RolesAccess.Say(false, error);
            await EnsureOrganizationAsync(access, ct);
            var id = await new People(access.Database).EnsureSlackUserAsync(access.Org, access.Directory.SlackWorkspace, slack, slack, ct);
            var outcome = await new RoleGrants(access.Database, access.Audit).BootstrapAsync(access.Org, id, $"ADMIN_TOKEN {access.Operator.AuditName}", ct);
            return RolesAccess.Say(outcome.Done, outcome.Message);
        });
        return command;
    }

    // The first org admin may be made before the product has ever been started.
    private static Task EnsureOrganizationAsync(RolesAccess access, CancellationToken ct) => new DirectorySync(access.Database, access.Audit).ApplyAsync(access.Directory, ct);

    private static async Task<string?> TokenErrorAsync(FileInfo? config, string? reference, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(reference))
            return "Organization:AdminToken is empty: give a secret reference to a token of at least 32 characters. Or let an owner of the Slack workspace say /incidentfox-admin roles bootstrap.";
        if (Start.Load(config) is not { } configuration)
            return "There is no configuration.";
        var errors = new List<string>();
        await using var services = Start.Secrets(configuration, errors);
        if (services is null)
            return string.Join(' ', errors);
        var secrets = new SecretResolver(services.GetRequiredService<SecretStore>());
        var expected = (await secrets.TextAsync("Organization:AdminToken", reference, ct)).Trim();
        if (secrets.Errors.Count > 0)
            return string.Join(' ', secrets.Errors);
        if (expected.Length < MinToken)
            return $"The token of Organization:AdminToken has less than {MinToken} characters. Make one with: openssl rand -base64 32";
        var given = new ConfigurationBuilder().AddEnvironmentVariables().Build()["ADMIN_TOKEN"] ?? "";
        return CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(expected)), SHA256.HashData(Encoding.UTF8.GetBytes(given.Trim())))
            ? null
            : "The environment variable ADMIN_TOKEN is not the token of Organization:AdminToken.";
    }

    private static TimeSpan? Duration(string text)
    {
        if (text.Length is < 2 or > 6 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return null;
        return text[^1] switch { 'm' => TimeSpan.FromMinutes(number), 'h' => TimeSpan.FromHours(number), 'd' => TimeSpan.FromDays(number), _ => null };
    }
}
