using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>Socket Mode: tickets, up to ten connections, and envelopes that go to one of them.</summary>
internal sealed class SocketDoor(SlackDoubleOptions options, Changes changes)
{
    private readonly Lock gate = new();
    private readonly HashSet<string> tickets = [];
    private readonly List<SocketConnection> connections = [];
    private int next;

    public int Count
    {
        get
        {
            lock (gate) return connections.Count(c => !c.IsRetiring);
        }
    }

    /// <summary>A single-use ticket for a new connection; null when the app already holds as many as Slack allows.</summary>
    public string? NewTicket()
    {
        lock (gate)
        {
            if (connections.Count >= options.Limits.SocketConnections) return null;
            var ticket = RandomNumberGenerator.GetHexString(32, lowercase: true);
            tickets.Add(ticket);
            return ticket;
        }
    }

    public bool Redeem(string ticket)
    {
        lock (gate) return tickets.Remove(ticket);
    }

    public async Task ServeAsync(WebSocket socket, CancellationToken ct)
    {
        var connection = new SocketConnection(socket);
        int count;
        lock (gate)
        {
            connections.Add(connection);
            count = connections.Count;
        }

        changes.Tell("app");
        try
        {
            await connection.SendAsync(Hello(count), ct);
            await connection.ReadAsync(ct);
        }
        finally
        {
            lock (gate) connections.Remove(connection);
            changes.Tell("app");
        }
    }

    /// <summary>Delivers through one connection; when that one ends before the acknowledgement, through another.</summary>
    public async Task<DeliveryResult> SendAsync(Delivery delivery, (int Number, string Reason)? retry, CancellationToken ct)
    {
        var started = options.TimeProvider.GetTimestamp();
        using var timeout = new CancellationTokenSource(options.Limits.DeliveryTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        DeliveryResult Result(DeliveryOutcome outcome, string body = "") => new(outcome, null, body, options.TimeProvider.GetElapsedTime(started));
        var envelopeId = Guid.NewGuid().ToString();
        try
        {
            while (Pick() is { } connection)
            {
                var answer = await connection.ExchangeAsync(envelopeId, Envelope(envelopeId, delivery, retry), either.Token);
                if (answer is not null) return Result(DeliveryOutcome.Answered, answer);
                Forget(connection);
            }

            return Result(DeliveryOutcome.Unreachable);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            return Result(DeliveryOutcome.TimedOut);
        }
    }

    /// <summary>Asks the app to open new connections, as Slack does every few hours; <paramref name="abort"/> cuts the old ones at once.</summary>
    public async Task RefreshAsync(bool abort, CancellationToken ct)
    {
        List<SocketConnection> all;
        lock (gate) all = [.. connections];
        foreach (var connection in all)
        {
            if (abort) connection.Abort();
            else await connection.RetireAsync("refresh_requested", ct);
        }
    }

    private SocketConnection? Pick()
    {
        lock (gate)
        {
            var usable = connections.Where(c => !c.IsRetiring).ToList();
            return usable.Count == 0 ? null : usable[next++ % usable.Count];
        }
    }

    private void Forget(SocketConnection connection)
    {
        lock (gate) connections.Remove(connection);
    }

    private static JsonObject Envelope(string id, Delivery delivery, (int Number, string Reason)? retry)
    {
        var envelope = new JsonObject
        {
            ["envelope_id"] = id,
            ["type"] = delivery.EnvelopeType,
            ["payload"] = delivery.Payload.DeepClone(),
            ["accepts_response_payload"] = delivery.Kind != DeliveryKind.Event,
        };
        if (delivery.Kind == DeliveryKind.Event)
        {
            envelope["retry_attempt"] = retry?.Number ?? 0;
            envelope["retry_reason"] = retry?.Reason ?? "";
        }

        return envelope;
    }

    private static JsonObject Hello(int count) => new()
    {
        ["type"] = "hello",
        ["num_connections"] = count,
        ["connection_info"] = new JsonObject { ["app_id"] = DemoPeople.AppId },
        ["debug_info"] = new JsonObject { ["host"] = "workbench", ["build_number"] = 1, ["approximate_connection_time"] = 18060 },
    };
}
