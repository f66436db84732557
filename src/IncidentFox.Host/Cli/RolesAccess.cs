using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Storage;

namespace IncidentFox.Host.Cli;

/// <summary>What the commands for roles and stops work with: the bot's database login, the configured organization, and the operator who runs the command.</summary>
internal sealed class RolesAccess : IAsyncDisposable
{
    private readonly DatabaseAccess _access;

    private RolesAccess(DatabaseAccess access, DirectoryOptions directory)
    {
        _access = access;
        Directory = directory;
        Audit = new AuditLog(access.Database, access.Cipher);
    }

    /// <summary>As the bot's role: it may change roles and stops, and can neither approve nor execute.</summary>
    public Database Database => _access.Database;

    public AuditLog Audit { get; }

    public DirectoryOptions Directory { get; }

    public OrgId Org => new(Directory.Id);

    /// <summary>Whoever runs this; may do what an org admin may, except vote.</summary>
    public Principal Operator => CommandLineOperator.Of(Org, Environment.UserName);

    /// <summary>Null after every error was printed.</summary>
    public static async Task<RolesAccess?> OpenAsync(FileInfo? config, CancellationToken cancellationToken)
    {
        if (Start.Load(config) is not { } configuration)
            return null;
        var directory = configuration.GetSection(DirectoryOptions.Section).Get<DirectoryOptions>() ?? new DirectoryOptions();
        if (directory.Validate().ToList() is { Count: > 0 } errors)
            return Start.Refuse<RolesAccess>(errors);
        return await DatabaseAccess.OpenAsync(config, cancellationToken, asBot: true) is { } access ? new RolesAccess(access, directory) : null;
    }

    /// <summary>Prints the sentence: to the output and 0 when it was done, else to the errors and 1.</summary>
    public static int Say(bool done, string message)
    {
        (done ? Console.Out : Console.Error).WriteLine(Inert.Text(message));
        return done ? 0 : 1;
    }

    /// <summary>The person behind a Slack member id; null when the product never met them.</summary>
    public async Task<PersonId?> PersonAsync(string slack, CancellationToken cancellationToken) =>
        (await new IdentityStore(Database).FindSlackUserAsync(Directory.SlackWorkspace, slack, cancellationToken))?.Person;

    public bool KnowsTeam(string? team) => team is null || Directory.Teams.Any(t => t.Id == team);

    public ValueTask DisposeAsync() => _access.DisposeAsync();
}
