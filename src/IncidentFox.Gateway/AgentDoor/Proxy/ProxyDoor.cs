using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.AgentDoor.Sockets;
using IncidentFox.Gateway.Alerts;
using IncidentFox.Gateway.Rules;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>
/// Looks at the first bytes of a sandbox's connection. What begins with a <c>CONNECT</c> is answered here: for a host and port of one of the team's
/// integrations the connection is handed over to have its TLS ended, for everything else it is refused in plain text. All other connections pass.
/// </summary>
internal sealed class ProxyDoor(
    ProxyOptions options, IntegrationSource integrations, SessionCache sessions, Traffic traffic, ProxyTrail trail, TunnelQueue tunnels, SecurityAlerts alerts, ILogger<ProxyDoor> logger)
{
    private static readonly TimeSpan HeadLimit = TimeSpan.FromSeconds(10);
    private static readonly byte[] Established = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    private sealed record Refusal(int Status, string Code, string Sentence);

    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<SandboxConnection>() is not { } sandbox || !await IsConnectAsync(connection))
        {
            await next(connection);
            return;
        }
        var correlation = Guid.CreateVersion7().ToString("N");
        try
        {
            await ConnectAsync(connection, sandbox, correlation);
        }
        catch (Exception e) when (e is OperationCanceledException or ConnectionResetException or ConnectionAbortedException)
        {
            // Too slow, or gone; nobody is there to be answered.
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogError(e, "The database failed a CONNECT of {Sandbox} ({CorrelationId})", sandbox.Sandbox, correlation);
            await AnswerAsync(connection, new(503, "database_unavailable", "The gateway can't reach its database, so nothing was done. Try again."), correlation);
        }
    }

    private async Task ConnectAsync(ConnectionContext connection, SandboxConnection sandbox, string correlation)
    {
        var (head, problem) = await ReadHeadAsync(connection);
        if (head is null)
        {
            await AnswerAsync(connection, new(problem!.Value.Status, problem.Value.Code, problem.Value.Sentence), correlation);
            return;
        }
        Refusal? refusal;
        SandboxSession? session = null;
        using (var turn = traffic.TryEnter(sandbox.Sandbox, out var busy))
            (refusal, session) = turn is null ? (new(429, "too_many_requests", busy), null) : await JudgeAsync(sandbox, head, correlation);
        if (refusal is not null)
        {
            alerts.Refused(sandbox.Sandbox, refusal.Code, head, correlation);
            await AnswerAsync(connection, refusal, correlation);
            return;
        }
        await connection.Transport.Output.WriteAsync(Established);
        var tunnel = new Tunnel(head);
        if (await BeginsTlsAsync(connection, tunnel))
            await tunnels.RunAsync(new TunnelConnection(connection, sandbox, tunnel));
        else if (tunnel.Problem is null)
            return;   // closed without a word
        if (tunnel.Verdict() is { } verdict)
            await trail.RefusedAsync(session!, tunnel.Authority, verdict.Code, verdict.Sentence, correlation, isOver: true);
    }

    // What was looked up lately may be out of date: a tunnel is no permission, and every request in it is judged again.
    private async Task<(Refusal? Refusal, SandboxSession? Session)> JudgeAsync(SandboxConnection sandbox, ConnectHead head, string correlation)
    {
        var session = await sessions.FindAsync(sandbox.Sandbox, CancellationToken.None);
        if (session is null)
            return (new(403, "session_over", AgentRequest.SessionOver), null);
        if (session.State == "starting")
            return (new(403, "not_caged", $"Say hello first: POST {Protocol.HelloPath}."), null);
        var catalog = integrations.Current;
        if (ProxyOrigins.At(catalog, session.Resource.Team, head.Host, head.Port).Count > 0)
            return (null, session);
        var refusal = new Refusal(403, "no_rule", $"No integration of this team is at {head.Authority}; there is: {ProxyOrigins.Known(catalog, session.Resource.Team)}.");
        return await trail.RefusedAsync(session, head.Authority, refusal.Code, refusal.Sentence, correlation) switch
        {
            AuditOutcome.Committed => (refusal, session),
            AuditOutcome.SessionChanged => (new(403, "session_over", "This sandbox's investigation is over, or changed. Try again."), null),
            _ => (new(503, "audit_unavailable", "The audit row could not be written, so nothing was done. Try again."), null),
        };
    }

    // Nothing is taken: whoever comes next reads the same bytes.
    private static async ValueTask<bool> IsConnectAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        while (true)
        {
            ReadResult read;
            try
            {
                using var limit = Limit(connection, HeadLimit);
                read = await input.ReadAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                return false;   // the server has limits of its own for who says nothing
            }
            var known = StartsWithConnect(read.Buffer);
            if (known is null && !read.IsCompleted)
            {
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            input.AdvanceTo(read.Buffer.Start);
            return known == true;
        }
    }

    private static bool? StartsWithConnect(ReadOnlySequence<byte> buffer)
    {
        Span<byte> first = stackalloc byte[8];
        var length = (int)Math.Min(buffer.Length, first.Length);
        buffer.Slice(0, length).CopyTo(first);
        return !"CONNECT "u8.StartsWith(first[..length]) ? false : length == first.Length ? true : null;
    }

    private static async Task<(ConnectHead? Head, RequestProblem? Problem)> ReadHeadAsync(ConnectionContext connection)
    {
        using var limit = Limit(connection, HeadLimit);
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(limit.Token);
            var seen = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, ConnectHead.MaxBytes)).ToArray();
            var end = seen.AsSpan().IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                // What follows belongs to the tunnel, and only if there will be one.
                input.AdvanceTo(read.Buffer.GetPosition(end + 4));
                return ConnectHead.Parse(Encoding.Latin1.GetString(seen, 0, end));
            }
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (seen.Length == ConnectHead.MaxBytes)
                return (null, new(431, "too_large", $"The head of a CONNECT has at most {ConnectHead.MaxBytes} bytes."));
            if (read.IsCompleted)
                return (null, new(400, "bad_request", "The CONNECT broke off."));
        }
    }

    // A TLS connection begins with a handshake record (RFC 8446, 5.1): 22, and then the version's first byte.
    private async Task<bool> BeginsTlsAsync(ConnectionContext connection, Tunnel tunnel)
    {
        using var limit = Limit(connection, TimeSpan.FromSeconds(options.HandshakeSeconds));
        var input = connection.Transport.Input;
        while (true)
        {
            var read = await input.ReadAsync(limit.Token);
            if (read.Buffer.Length < 2 && !read.IsCompleted)
            {
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            var first = read.Buffer.Slice(0, Math.Min(2, read.Buffer.Length)).ToArray();
            input.AdvanceTo(read.Buffer.Start);
            if (first is [22, 3])
                return true;
            if (first.Length > 0)
                tunnel.Problem = ("not_tls", "What came through the tunnel was not TLS: only https can be spoken in it.");
            return false;
        }
    }

    private static CancellationTokenSource Limit(ConnectionContext connection, TimeSpan atMost)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(atMost);
        return limit;
    }

    // Many clients show no more of a refusal than its first line: the sentence stands there, too.
    private static async Task AnswerAsync(ConnectionContext connection, Refusal refusal, string correlation)
    {
        var body = MessageCodec.Write(new GatewayError { Code = refusal.Code, Message = refusal.Sentence, CorrelationId = correlation }, ContractsJson.Default.GatewayError);
        var line = refusal.Sentence.Length > 300 ? refusal.Sentence[..300] : refusal.Sentence;
        var head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {refusal.Status} {line}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n{Protocol.SourceHeader}: gateway\r\n{AgentRequest.CorrelationHeader}: {correlation}\r\n\r\n");
        await connection.Transport.Output.WriteAsync(Encoding.Latin1.GetBytes(head));
        await connection.Transport.Output.WriteAsync(body);
    }
}
