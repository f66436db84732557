using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using IncidentFox.Contracts;

namespace IncidentFox.Agent.Tests;

/// <summary>What a tool answers.</summary>
internal sealed record ToolAnswer(int Status, byte[] Body, bool FromUpstream = true, string ContentType = "application/json")
{
    public static ToolAnswer Json(string json) => new(200, Encoding.UTF8.GetBytes(json));

    public static ToolAnswer Text(string text) => new(200, Encoding.UTF8.GetBytes(text), ContentType: "text/plain");

    public static ToolAnswer Error(int status, string code, string message) =>
        new(status, MessageCodec.Write(new GatewayError { Code = code, Message = message, CorrelationId = "c" }, ContractsJson.Default.GatewayError), FromUpstream: false);

    public static ToolAnswer Approval(string id, DateTimeOffset expiresAt) =>
        new(202, MessageCodec.Write(new ApprovalRequired { ApprovalId = id, ExpiresAt = expiresAt }, ContractsJson.Default.ApprovalRequired), FromUpstream: false);
}

/// <summary>
/// A gateway on a Unix socket that holds the agent to the contract: order of the calls, versions, types, bounds and sequences. What breaks it
/// is a violation, which fails the test.
/// </summary>
internal sealed class FakeGateway : IAsyncDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "ifx" + Guid.NewGuid().ToString("N")[..8]);
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<AgentEvent> _events = [];
    private readonly List<string> _violations = [];
    private readonly List<(string Tool, JsonElement Arguments, string? Reason)> _calls = [];
    private readonly List<string> _authorizations = [];
    private bool _welcomed;

    public FakeGateway()
    {
        Directory.CreateDirectory(_folder);
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(64);
        _ = AcceptAsync();
    }

    public string SocketPath => Path.Combine(_folder, "g.sock");
    public AgentTask? Task { get; set; }
    public IReadOnlyList<string> ToolNames { get; set; } = [];
    public Func<string, JsonElement, ToolAnswer> Answer { get; set; } = (_, _) => ToolAnswer.Error(403, "no_rule", "No rule.");
    public Func<string, ApprovalStatus?> Approval { get; set; } = _ => null;

    /// <summary>Sees each request first; an answer here replaces the gateway's own. An empty one closes the connection.</summary>
    public Func<string, string, byte[]?>? Intercept { get; set; }

    /// <summary>Paths that are never answered.</summary>
    public Func<string, bool> Hangs { get; set; } = _ => false;

    /// <summary>How many batches of events are taken and then lost on the way back.</summary>
    public int LostAcknowledgements { get; set; }

    /// <summary>The Authorization headers that came, oldest first.</summary>
    public IReadOnlyList<string> Authorizations { get { lock (_lock) return [.. _authorizations]; } }

    /// <summary>Batches as they came, repeated ones too.</summary>
    public int Batches { get; private set; }

    public IReadOnlyList<AgentEvent> Events { get { lock (_lock) return [.. _events]; } }
    public IReadOnlyList<string> Violations { get { lock (_lock) return [.. _violations]; } }
    public IReadOnlyList<(string Tool, JsonElement Arguments, string? Reason)> Calls { get { lock (_lock) return [.. _calls]; } }
    public AgentHello? Hello { get; private set; }
    public IEnumerable<ReportEvent> Reports => Events.OfType<ReportEvent>();
    public Report Final => Reports.Single(r => r.Final).Report;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async System.Threading.Tasks.Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async System.Threading.Tasks.Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await ReadRequestAsync(stream) is var (method, path, body))
            {
                if (Hangs(path))
                    await System.Threading.Tasks.Task.Delay(Timeout.Infinite, _stop.Token);
                var answer = Intercept?.Invoke(method, path) ?? Respond(method, path, body);
                await stream.WriteAsync(answer, _stop.Token);
                if (answer.Length == 0)
                    return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task<(string Method, string Path, byte[] Body)?> ReadRequestAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one) == 0)
                return null;
            head.Append((char)one[0]);
        }
        var lines = head.ToString().Split("\r\n");
        var length = lines.Where(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Select(l => int.Parse(l.Split(':')[1])).FirstOrDefault();
        lock (_lock)
            _authorizations.AddRange(lines.Where(l => l.StartsWith("Authorization:", StringComparison.OrdinalIgnoreCase)).Select(l => l["Authorization:".Length..].Trim()));
        var body = new byte[length];
        await stream.ReadExactlyAsync(body);
        var parts = lines[0].Split(' ');
        return (parts[0], parts[1], body);
    }

    public static byte[] Http(int status, byte[] body, bool upstream = false, string contentType = "application/json") =>
    [
        .. Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\nContent-Type: {contentType}\r\n{Protocol.SourceHeader}: {(upstream ? "upstream" : "gateway")}\r\n{(status == 204 ? "" : $"Content-Length: {body.Length}\r\n")}\r\n"),
        .. body,
    ];

    private byte[] Respond(string method, string path, byte[] body)
    {
        lock (_lock)
        {
            switch (method, path)
            {
                case ("POST", Protocol.HelloPath):
                    Hello = Read(body, "hello", ContractsJson.Default.AgentHello);
                    if (Hello is null || Hello.Cage.Any(p => p.Reached))
                        return Refusal(403, "not_caged");
                    _welcomed = true;
                    return Http(200, MessageCodec.Write(new AgentWelcome { SandboxId = "sbx_1" }, ContractsJson.Default.AgentWelcome));
                case var _ when !_welcomed:
                    _violations.Add($"{path} before a good hello");
                    return Refusal(403, "hello_first");
                case ("GET", Protocol.TaskPath):
                    return Task is null ? Http(204, []) : Http(200, MessageCodec.Write(Task, ContractsJson.Default.AgentTask));
                case ("GET", Protocol.ToolsPath):
                    return Http(200, MessageCodec.Write(Tools(), ContractsJson.Default.ToolList));
                case ("POST", Protocol.EventsPath):
                    return Accept(Read(body, "events", ContractsJson.Default.EventBatch));
                case ("POST", var tool) when tool.StartsWith(Protocol.ToolPathPrefix, StringComparison.Ordinal):
                    return Call(tool[Protocol.ToolPathPrefix.Length..], Read(body, "tool_request", ContractsJson.Default.ToolRequest));
                case ("GET", var approval) when approval.StartsWith(Protocol.ApprovalPathPrefix, StringComparison.Ordinal):
                    var status = Approval(approval[Protocol.ApprovalPathPrefix.Length..].Split('?')[0]);
                    return status is null ? Refusal(404, "no_such_approval") : Http(200, MessageCodec.Write(status, ContractsJson.Default.ApprovalStatus));
                default:
                    _violations.Add($"no such path: {method} {path}");
                    return Refusal(404, "no_such_path");
            }
        }
    }

    private byte[] Call(string tool, ToolRequest? request)
    {
        if (request is null)
            return Refusal(400, "bad_arguments");
        if (!ToolNames.Contains(tool))
            _violations.Add($"{tool} is not in the tool list");
        _calls.Add((tool, request.Arguments, request.Reason));
        var answer = Answer(tool, request.Arguments);
        return Http(answer.Status, answer.Body, answer.FromUpstream, answer.ContentType);
    }

    private byte[] Accept(EventBatch? batch)
    {
        if (batch is null)
            return Refusal(400, "bad_message");
        if (batch.Events.Count is 0 or > 50)
            _violations.Add($"{batch.Events.Count} events in a batch");
        foreach (var next in batch.Events)
        {
            if (_events.Any(e => e.Sequence == next.Sequence))
                continue;
            if (next.Sequence != _events.Count + 1)
                _violations.Add($"sequence {next.Sequence} after {_events.Count}");
            _violations.AddRange(Bounds.Violations(next));
            _events.Add(next);
        }
        Batches++;
        return LostAcknowledgements-- > 0 ? [] : Http(202, []);
    }

    private T? Read<T>(byte[] body, string type, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> info) where T : Message
    {
        var read = MessageCodec.Read(body, type, info);
        if (read.Error is not null)
            _violations.Add(read.Error);
        return read.Value;
    }

    private ToolList Tools() => new()
    {
        Tools = [.. ToolNames.Select(name => new ToolDescription { Name = name, Integration = "x", Description = "x", Effect = "read", NeedsApproval = false, InputSchema = JsonDocument.Parse("{}").RootElement })],
    };

    private static byte[] Refusal(int status, string code) =>
        Http(status, MessageCodec.Write(new GatewayError { Code = code, Message = "Refused.", CorrelationId = "c" }, ContractsJson.Default.GatewayError));
}

/// <summary>The bounds that the contract states on events.</summary>
internal static class Bounds
{
    public static IEnumerable<string> Violations(AgentEvent e) => e switch
    {
        PlanEvent p => [.. Over(p.Steps.Count, 12, "steps"), .. p.Steps.SelectMany(s => Text(s.Title, 120, "title"))],
        StepEvent s => [.. Text(s.Title, 120, "title"), .. Text(s.Note ?? "", 300, "note")],
        NoticeEvent n => Text(n.Text, 600, "notice"),
        ReportEvent { Report: var r } =>
        [
            .. Text(r.WhatHappened, 1000, "what happened"), .. Text(r.Why, 1000, "why"), .. Over(r.Evidence.Count, 10, "evidence"), .. Over(r.NextSteps.Count, 6, "next steps"), .. Over(r.NotSeen.Count, 10, "not seen"),
            .. r.Evidence.SelectMany(x => Text(x.Statement, 300, "statement").Concat(Text((x.Excerpt ?? "").Replace("\n", "", StringComparison.Ordinal), 600, "excerpt"))),
            .. r.NextSteps.Concat(r.NotSeen).SelectMany(x => Text(x, 300, "line")),
        ],
        _ => [],
    };

    private static IEnumerable<string> Over(int count, int most, string what) => count > most ? [$"{count} {what}"] : [];

    private static IEnumerable<string> Text(string text, int most, string what)
    {
        if (text.Length > most)
            yield return $"{what} of {text.Length} characters";
        if (text.Any(char.IsControl))
            yield return $"{what} with control characters";
    }
}
