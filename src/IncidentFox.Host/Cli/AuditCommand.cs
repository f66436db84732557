using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using Spectre.Console;

namespace IncidentFox.Host.Cli;

/// <summary><c>incidentfox audit tail|verify|export</c>.</summary>
public static class AuditCommand
{
    private const int ExportPage = 1_000;

    /// <summary>The command with its subcommands.</summary>
    public static Command Create(Option<FileInfo?> config)
    {
        var command = new Command("audit", "Reads and proves the audit trail.");
        command.Subcommands.Add(Tail(config));
        command.Subcommands.Add(Verify(config));
        command.Subcommands.Add(Export(config));
        return command;
    }

    private static Command Tail(Option<FileInfo?> config)
    {
        var lines = AuditFollow.Lines("How many events to begin with.", 50);
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on with new events until interrupted." };
        var investigation = new Option<string?>("--investigation") { Description = "Only this investigation (inv_…)." };
        var type = new Option<string?>("--type") { Description = "Only this event type, e.g. tool_executed." };
        var json = new Option<bool>("--json") { Description = "One JSON object a line, in the documented format." };
        var command = new Command("tail", "Prints the last events, oldest first.") { lines, follow, investigation, type, json };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await DatabaseAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            Guid? id = null;
            if (parse.GetValue(investigation) is { } text)
            {
                if (!InvestigationId.TryParse(text, out var parsed))
                {
                    Console.Error.WriteLine($"'{text}' is no investigation id: it looks like inv_ and 32 digits.");
                    return 2;
                }
                id = parsed.Value;
            }
            var filter = new AuditFilter { InvestigationId = id, EventType = parse.GetValue(type) };
            var reader = new AuditReader(access.Database, access.Cipher);
            if (parse.GetValue(follow))
                await AuditFollow.RunAsync(reader, parse.GetValue(lines), filter, e => Print(e, parse.GetValue(json)), ct);
            else
            {
                foreach (var e in await reader.LastAsync(parse.GetValue(lines), filter, ct))
                    Print(e, parse.GetValue(json));
            }
            return 0;
        });
        return command;
    }

    private static Command Verify(Option<FileInfo?> config)
    {
        var command = new Command("verify", "Recomputes the hash chain from the events as they stand. Exit code 1 when it does not hold.");
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await DatabaseAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            var result = await new AuditVerifier(access.Database, access.Cipher).VerifyAsync(ct);
            foreach (var problem in result.Problems)
                Console.WriteLine($"PROBLEM {problem}");
            Console.WriteLine(result.Holds
                ? $"The chain holds: {result.Links} events sealed, {result.Unsealed} waiting, head {result.Head}"
                : $"The chain does not hold: {result.Problems.Count} problem(s) in {result.Links} events.");
            return result.Holds ? 0 : 1;
        });
        return command;
    }

    private static Command Export(Option<FileInfo?> config)
    {
        var team = new Option<string?>("--team") { Description = "Only this team's events." };
        var since = new Option<DateTimeOffset?>("--since") { Description = "Only events from this time on, e.g. 2026-01-31T00:00:00Z." };
        var command = new Command("export", "Prints every sealed event as one JSON object a line, in the chain's order. That it was done is written into the trail.") { team, since };
        command.SetAction(async (parse, ct) =>
        {
            await using var access = await DatabaseAccess.OpenAsync(parse.GetValue(config), ct);
            if (access is null)
                return 2;
            var filter = new AuditFilter { TeamId = parse.GetValue(team) };
            await new AuditLog(access.Database, access.Cipher).AppendAsync(new AuditEvent
            {
                EventType = AuditEventTypes.DataAccessed, TeamId = filter.TeamId, UserId = PolicyAccess.Who, Status = "success",
                Details = new JsonObject { ["data_source"] = "audit trail" },
            }, ct);
            var reader = new AuditReader(access.Database, access.Cipher);
            var from = parse.GetValue(since) ?? DateTimeOffset.MinValue;
            for (var (page, at) = (await reader.AfterAsync(0, ExportPage, filter, ct), 0L); page.Next > at; page = await reader.AfterAsync(at, ExportPage, filter, ct))
            {
                at = page.Next;
                foreach (var (_, e) in page.Events.Where(s => s.Event.At >= from))
                    Console.WriteLine(AuditJson.Format(e).ToJsonString());
            }
            return 0;
        });
        return command;
    }

    private static void Print(AuditEvent e, bool json)
    {
        if (json)
        {
            Console.WriteLine(AuditJson.Format(e).ToJsonString());
            return;
        }
        // A pipe has no width: one line an event.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = int.MaxValue;
        var color = e.Status switch { "success" or "caged" => "green", "denied" or "error" or "not_caged" => "red", "unknown" => "yellow", _ => "grey" };
        var parts = new[]
        {
            e.Tool, e.Parameters is { Count: > 0 } p ? p.ToJsonString() : null, e.Query is null ? null : JsonSerializer.Serialize(e.Query),
            e.Details?.ToJsonString(), e.DurationMs is { } ms ? $"{ms} ms" : null,
        };
        AnsiConsole.MarkupLineInterpolated(
            $"[grey]{e.At:HH:mm:ss.fff}[/] [{color}]{Inert.Text(e.Status ?? "-"),-9}[/] [bold]{Inert.Text(e.EventType),-22}[/] {Inert.Text(e.UserId ?? "-")} {string.Join(' ', parts.Where(x => x is not null).Select(Inert.Text))}");
    }
}
