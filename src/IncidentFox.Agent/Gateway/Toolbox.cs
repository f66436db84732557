using System.Net;
using System.Text;
using System.Text.Json;
using IncidentFox.Agent.Reporting;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Gateway;

/// <summary>What came of asking for a write: it ran, people are asked, or it was refused.</summary>
internal abstract record WriteAnswer
{
    public sealed record Ran : WriteAnswer;

    public sealed record Asked(string ApprovalId, DateTimeOffset ExpiresAt) : WriteAnswer;

    public sealed record Refused(string Why) : WriteAnswer;

    /// <summary>The answer was lost: it may have run.</summary>
    public sealed record Unclear(string Why) : WriteAnswer;
}

/// <summary>
/// The tools of this investigation, by name, within a budget. A tool that is missing, denied or failing is no error: the answer is null and
/// one line of <see cref="NotSeen"/> says what could not be looked at and why.
/// </summary>
internal sealed class Toolbox(GatewayClient gateway, IReadOnlyList<ToolDescription> tools, int mostCalls, CancellationToken outOfTime)
{
    private const int AtOnce = 4;

    private readonly HashSet<string> _known = tools.Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(AtOnce);
    private readonly Lock _lock = new();
    private readonly List<(string What, string Why)> _notSeen = [];
    private int _calls;

    public bool Has(string tool) => _known.Contains(tool);

    /// <summary>What could not be looked at and why, one line per reason.</summary>
    public IReadOnlyList<string> NotSeen
    {
        get
        {
            lock (_lock)
                return [.. _notSeen.GroupBy(n => n.Why, StringComparer.Ordinal)
                    .Select(same => Plain.Line($"{string.Join(", ", same.Select(n => n.What).Distinct(StringComparer.Ordinal).Take(6))}: {same.Key}.".Replace("..", ".", StringComparison.Ordinal), 300))];
        }
    }

    /// <summary>How many times something could not be looked at.</summary>
    public int Problems
    {
        get
        {
            lock (_lock)
                return _notSeen.Count;
        }
    }

    /// <summary>The last of them.</summary>
    public string LastProblem
    {
        get
        {
            lock (_lock)
                return _notSeen.Count == 0 ? "" : $"{_notSeen[^1].What}: {_notSeen[^1].Why}";
        }
    }

    public void CouldNotSee(string what, string why)
    {
        lock (_lock)
            _notSeen.Add((what, why.TrimEnd('.')));
    }

    /// <summary>The answer's JSON, or null.</summary>
    public async Task<JsonElement?> ReadJsonAsync(string tool, string what, JsonElement arguments, CancellationToken ct)
    {
        if (await ReadAsync(tool, what, arguments, ct) is not { } body)
            return null;
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 64 });
            return document.RootElement.Clone();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            CouldNotSee(what, $"{tool} answered something that is not JSON");
            return null;
        }
    }

    /// <summary>The answer's text, or null.</summary>
    public async Task<string?> ReadTextAsync(string tool, string what, JsonElement arguments, CancellationToken ct) =>
        await ReadAsync(tool, what, arguments, ct) is { } body ? Encoding.UTF8.GetString(body) : null;

    /// <summary>Asks for a change. It is sent once: nothing is repeated that may have run.</summary>
    public async Task<WriteAnswer> AskAsync(string tool, JsonElement arguments, string reason, CancellationToken ct)
    {
        if (!Has(tool))
            return new WriteAnswer.Refused($"the tool {tool} is not offered to this investigation");
        var reply = await PostAsync(tool, arguments, reason, ct);
        if (reply is { Status: HttpStatusCode.Accepted, FromUpstream: false })
        {
            var asked = MessageCodec.Read(reply.Body, "approval_required", ContractsJson.Default.ApprovalRequired);
            return asked.Value is { } approval
                ? new WriteAnswer.Asked(approval.ApprovalId, approval.ExpiresAt)
                : new WriteAnswer.Unclear(asked.Error!);
        }
        return reply.Succeeded ? new WriteAnswer.Ran()
            : reply.Unreachable ? new WriteAnswer.Unclear(reply.Failure())
            : new WriteAnswer.Refused(reply.Failure());
    }

    private async Task<byte[]?> ReadAsync(string tool, string what, JsonElement arguments, CancellationToken ct)
    {
        if (!Has(tool))
            CouldNotSee(what, $"the tool {tool} is not offered to this investigation");
        else if (outOfTime.IsCancellationRequested)
            CouldNotSee(what, "the investigation's time was used up");
        else if (Interlocked.Increment(ref _calls) > mostCalls)
            CouldNotSee(what, $"the budget of {mostCalls} tool calls was used up");
        else
            return await ReadWithinTimeAsync(tool, what, arguments, ct);
        return null;
    }

    private async Task<byte[]?> ReadWithinTimeAsync(string tool, string what, JsonElement arguments, CancellationToken ct)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, outOfTime);
        try
        {
            await _gate.WaitAsync(either.Token);
            try
            {
                var reply = await PostAsync(tool, arguments, null, either.Token);
                if (reply.Unreachable)
                    reply = await PostAsync(tool, arguments, null, either.Token);
                if (reply.Succeeded && (reply.FromUpstream || reply.Status != HttpStatusCode.Accepted))
                    return reply.Body;
                CouldNotSee(what, reply.Status == HttpStatusCode.Accepted ? $"{tool} needs an approval, which is not asked for reading" : reply.Failure());
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            CouldNotSee(what, "the investigation's time was used up");
        }
        return null;
    }

    private Task<GatewayReply> PostAsync(string tool, JsonElement arguments, string? reason, CancellationToken ct) =>
        gateway.PostAsync(
            Protocol.ToolPathPrefix + Uri.EscapeDataString(tool),
            MessageCodec.Write(new ToolRequest { Arguments = arguments, Reason = reason is null ? null : Plain.Line(reason, 1000) }, ContractsJson.Default.ToolRequest),
            ct);
}
