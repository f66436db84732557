using IncidentFox.Bot.Inbound;
using IncidentFox.Core.Identity;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Commands;

/// <summary>One subcommand.</summary>
internal interface ICommand
{
    /// <summary>The word after the slash command.</summary>
    string Name { get; }

    /// <summary>True: of <c>/incidentfox-admin</c>.</summary>
    bool Admin { get; }

    /// <summary>How it is typed.</summary>
    string Usage { get; }

    /// <summary>What it does, in a line.</summary>
    string Summary { get; }

    /// <summary>What is needed, in the order in which words are looked for; the router checks it before the command runs.</summary>
    IReadOnlyList<Need> Needs { get; }

    ValueTask<SlackReply> RunAsync(CommandRequest request, CancellationToken cancellationToken);
}

/// <summary>A parsed command.</summary>
/// <param name="Caller">Who.</param>
/// <param name="Team">The channel's team, in which the caller may do this; default for a command that judges by itself.</param>
/// <param name="Argument">What was typed after the subcommand, trimmed.</param>
/// <param name="DeliveryKey">The same on each delivery of the same command.</param>
/// <param name="ResponseUrl">Where this person can be told something later.</param>
/// <param name="TriggerId">Opens a modal for three seconds.</param>
internal sealed record CommandRequest(Caller Caller, Resource Team, string Argument, string DeliveryKey, string? ResponseUrl, string TriggerId);

/// <summary>Finds the subcommand and asks whether the caller may use it. What is not known gets help and the nearest one that is.</summary>
internal sealed class CommandRouter(IEnumerable<ICommand> commands, Callers callers)
{
    private readonly ICommand[] _commands = [.. commands];

    /// <summary>All there are.</summary>
    public IReadOnlyList<ICommand> Commands => _commands;

    public async ValueTask<SlackReply> RunAsync(SlashCommand command, Caller caller, CancellationToken cancellationToken)
    {
        var admin = command.Command.EndsWith("-admin", StringComparison.OrdinalIgnoreCase);
        var mine = _commands.Where(c => c.Admin == admin).ToArray();
        var (word, argument) = Split(command.Text);
        if (word.Length == 0 || word.Equals("help", StringComparison.OrdinalIgnoreCase))
            return SlackReply.Ephemeral(HelpText.All(mine, admin));
        if (mine.FirstOrDefault(c => c.Name.Equals(word, StringComparison.OrdinalIgnoreCase)) is { } found)
            return await AdmitAsync(found, new CommandRequest(caller, default, argument, $"command:{command.TeamId}:{command.TriggerId}", command.ResponseUrl, command.TriggerId), cancellationToken);
        return SlackReply.Ephemeral(HelpText.Unknown(word, mine, admin));
    }

    private async ValueTask<SlackReply> AdmitAsync(ICommand command, CommandRequest request, CancellationToken cancellationToken)
    {
        if (Need.Of(command.Needs, request.Argument) is not { } need)
            return SlackReply.Ephemeral(HelpText.Of(command));
        if (need.Permission is not { } permission)
            return await command.RunAsync(request, cancellationToken);
        var what = need.Word is null ? command.Name : $"{command.Name} {need.Word}";
        var (team, refusal) = await callers.RequireAsync(request.Caller, permission, what, cancellationToken);
        return refusal ?? await command.RunAsync(request with { Team = team }, cancellationToken);
    }

    private static (string Word, string Argument) Split(string text)
    {
        var trimmed = text.Trim();
        var end = trimmed.AsSpan().IndexOfAny(" \t\r\n");
        return end < 0 ? (trimmed, "") : (trimmed[..end], trimmed[end..].Trim());
    }
}
