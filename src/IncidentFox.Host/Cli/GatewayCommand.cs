using System.CommandLine;
using System.Text.Json.Nodes;
using IncidentFox.Core.Audit;
using Spectre.Console;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox gateway tail</c>: what agents ask of the gateway, one line a call, as it happens.</summary>
public static class GatewayCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var command = new Command("gateway", "Shows what passes the gateway.");
        command.Subcommands.Add(Tail(config));
        return command;
    }

    private static Command Tail(Option<FileInfo?> config)
    {
        var lines = AuditFollow.Lines("How many calls to begin with.", 20);
        var team = new Option<string?>("--team") { Description = "Only this team's calls." };
        var tool = new Option<string?>("--tool") { Description = "Only calls of this tool." };
        var refused = new Option<bool>("--refused") { Description = "Only what was refused." };
        var once = new Option<bool>("--no-follow") { Description = "Print the last calls and end." };
        var json = new Option<bool>("--json") { Description = "One JSON object a line, in the audit trail's documented format." };
        var command = new Command("tail", "Prints calls as they end or are refused, until Ctrl+C. A call appears within about a second.") { lines, team, tool, refused, once, json };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await DatabaseAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            var filter = new AuditFilter
            {
                EventTypes = parse.GetValue(refused) ? CallLine.Refusals : [AuditEventTypes.ToolExecuted, AuditEventTypes.ModelAnswered, .. CallLine.Refusals],
                TeamId = parse.GetValue(team),
                Tool = parse.GetValue(tool),
            };
            var reader = new AuditReader(access.Database, access.Cipher);
            void Print(AuditEvent e)
            {
                if (parse.GetValue(json))
                    Console.WriteLine(AuditJson.Format(e).ToJsonString());
                else
                    PrintLine(e);
            }
            if (parse.GetValue(once))
            {
                foreach (var e in await reader.LastAsync(parse.GetValue(lines), filter, ct))
                    Print(e);
            }
            else
                await AuditFollow.RunAsync(reader, parse.GetValue(lines), filter, Print, ct);
            return 0;
        });
        return command;
    }

    private static void PrintLine(AuditEvent e)
    {
        // A pipe has no width: one line a call.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = int.MaxValue;
        var color = CallLine.IsRefused(e) ? "yellow" : e.Status == "success" ? "green" : "red";
        AnsiConsole.MarkupLineInterpolated($"[grey]{e.At:HH:mm:ss.fff}[/] [{color}]{CallLine.Outcome(e),-8}[/] {CallLine.Of(e)}");
    }
}

/// <summary>One call in a line.</summary>
public static class CallLine
{
    /// <summary>Event types of calls that were not made: of tools and of models.</summary>
    public static IReadOnlyList<string> Refusals { get; } = [AuditEventTypes.ToolRefused, AuditEventTypes.ModelRefused];

    /// <summary>Whether it was refused.</summary>
    public static bool IsRefused(AuditEvent e) => Refusals.Contains(e.EventType);

    /// <summary><c>success, error, refused, unknown</c>.</summary>
    public static string Outcome(AuditEvent e) => IsRefused(e) ? "refused" : Inert.Text(e.Status ?? "-");

    /// <summary>Team, investigation, tool, integration, code, time, rows, and for a refusal why.</summary>
    public static string Of(AuditEvent e)
    {
        var parts = new[]
        {
            e.TeamId ?? "-",
            e.InvestigationId is { } id ? $"inv_{id:N}"[..12] + "…" : "-",
            e.Tool ?? "(no tool)",
            Detail(e, "integration") ?? Detail(e, "provider"),
            Detail(e, "code") is { } code ? $"[{code}]" : null,
            Detail(e, "upstream_status") is { } status ? $"status {status}" : null,
            e.DurationMs is { } ms ? $"{ms} ms" : null,
            Detail(e, "row_count") is { } rows ? $"{rows} rows" : null,
            Detail(e, "input_tokens") is { } read ? $"{read} tokens in" : null,
            Detail(e, "output_tokens") is { } written ? $"{written} tokens out" : null,
            Detail(e, "reason"),
        };
        return string.Join("  ", parts.OfType<string>().Select(Inert.Text));
    }

    private static string? Detail(AuditEvent e, string name) => e.Details?[name] switch
    {
        null => null,
        JsonValue v when v.TryGetValue<string>(out var text) => text,
        var other => other.ToJsonString(),
    };
}
