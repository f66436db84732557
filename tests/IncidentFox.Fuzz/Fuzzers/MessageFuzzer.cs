using System.Text;
using System.Text.Json.Serialization.Metadata;
using IncidentFox.Contracts;
using IncidentFox.Fuzz.Generators;
using IncidentFox.Gateway.AgentDoor;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>Messages of an agent: read or refused with a sentence, never an exception; what is kept is within its bounds.</summary>
internal sealed class MessageFuzzer : IFuzzer
{
    private static readonly IReadOnlyList<string> Known = Corpus.Lines("messages.txt");
    private int _accepted;

    public string Name => "messages";
    public double Share => 1;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_accepted:N0} accepted";

    public Task<string?> TryAsync(Dice dice)
    {
        var text = dice.Of(Known);
        if (!dice.OneIn(5))
            text = Json.Spoil(dice, text);
        if (dice.OneIn(8))
            text = text.Replace("\"x\"", Json.Quote(dice.AnyText(3_000)), StringComparison.Ordinal);
        var bytes = Encoding.UTF8.GetBytes(text);
        if (dice.OneIn(10) && bytes.Length > 0)
            bytes[dice.Below(bytes.Length)] = (byte)dice.Below(256);
        LastInput = Convert.ToBase64String(bytes);
        return Task.FromResult(Read(bytes, "hello", ContractsJson.Default.AgentHello, _ => null)
            ?? Read(bytes, "tool_request", ContractsJson.Default.ToolRequest, r => Bounds.Cut(r.Reason, 1_000)?.Length > 1_000 ? "a reason is longer than it may be" : null)
            ?? Read(bytes, "events", ContractsJson.Default.EventBatch, Events));
    }

    public Task<string?> FinishAsync() => Task.FromResult(_accepted == 0 ? "no input was accepted: this tests nothing" : null);

    private string? Read<T>(byte[] bytes, string type, JsonTypeInfo<T> info, Func<T, string?> check) where T : Message
    {
        var (message, error) = MessageCodec.Read(bytes, type, info);
        if (message is null)
        {
            return error is null ? "refused without a reason"
                : error.Length > 800 || error.Any(c => c is < ' ' or > '~') ? $"an error can't be shown: {Uri.EscapeDataString(error)}" : null;
        }
        _accepted++;
        var written = MessageCodec.Write(message, info);
        var (again, problem) = MessageCodec.Read(written, type, info);
        return again is null || !MessageCodec.Write(again, info).AsSpan().SequenceEqual(written) ? $"a {type} does not read back as itself: {problem}" : check(message);
    }

    private static string? Events(EventBatch batch)
    {
        if (Bounds.Problem(batch) is not null)
            return null;
        foreach (var e in batch.Events.Select(Bounds.Within))
        {
            var problem = e switch
            {
                NoticeEvent n when n.Text.Length > 600 => "a notice is too long",
                NoticeEvent n when n.Text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')) => "a notice has control characters",
                ReportEvent r when r.Report.WhatHappened.Length > 1_000 || r.Report.Evidence.Any(i => i.Excerpt?.Length > 600) => "a report is too long",
                StepEvent s when s.Title.Length > 120 || s.Id.Length > 60 => "a step is too long",
                PlanEvent p when p.Steps.Count > 12 || p.Steps.Any(s => s.Title.Length > 120) => "a plan is too long",
                _ => null,
            };
            if (problem is not null)
                return problem;
        }
        return null;
    }
}
