using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using IncidentFox.Core;
using IncidentFox.Core.Audit;
using IncidentFox.Fuzz.Generators;
using IncidentFox.Gateway;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.HostileAgent;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace IncidentFox.Fuzz.Door;

/// <summary>
/// Bytes into a sandbox's real socket: real Kestrel, admission, PostgreSQL, credentials. Judged by the bytes that come out on both sides: never a 500, never a
/// secret, an end, and towards the targets nothing but requests that a rule allows, each with its audit row.
/// </summary>
internal sealed partial class DoorFuzzer : IFuzzer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60);
    private readonly TestPostgres _postgres = new();
    private HostileWorld _world = null!;
    private TestSandbox _sandbox = null!;
    private List<(WireTap Tap, Integration Integration)> _taps = [];
    private byte[] _last = [];
    private int _answered;
    private int _sent;

    public string Name => "door";
    public double Share => 4;
    public string LastInput => $"{Encoding.Latin1.GetString(_last)}\n\nbase64: {Convert.ToBase64String(_last)}";
    public string Summary { get; private set; } = "";

    public async Task StartAsync()
    {
        _world = await HostileWorld.StartAsync(_postgres, change: o => new GatewayOptions
        {
            IntegrationsPaths = o.IntegrationsPaths, RuntimeDirectory = o.RuntimeDirectory, RequestsPerSecond = 1_000, ConcurrentRequests = 64,
        }, tap: port =>
        {
            var tap = new WireTap(port);
            _taps.Add((tap, null!));
            return tap.Port;
        });
        var catalog = Catalog;
        _taps = [.. _taps.Select(t => (t.Tap, catalog.All.Single(i => i.BaseUrl.Port == t.Tap.Port)))];
        await FreshAsync();
    }

    public async Task<string?> TryAsync(Dice dice)
    {
        _last = Wire.Any(dice);
        // A sandbox has so much to say and to ask; then another one takes over.
        if (++_answered % 500 == 0)
            await FreshAsync();
        var answer = await SendAsync(_last, dice);
        if (answer is null)
            return "neither an answer nor an end";
        foreach (var status in Statuses(answer))
        {
            if (status is 500 or 503)
                return $"status {status}: {answer[..Math.Min(answer.Length, 500)]}";
        }
        return answer.Contains("canary", StringComparison.OrdinalIgnoreCase) ? $"a secret came back: {answer}" : SentProblem();
    }

    public async Task<string?> FinishAsync()
    {
        if (SentProblem() is { } problem)
            return problem;
        Summary = $"{_sent:N0} requests reached a target";
        if (_sent == 0)
            return "nothing reached a target: this tests nothing";
        var rows = await _world.Host.Database.QueryAsync<int>("select count(*)::int from app.audit_trail where event_type = @type", new { type = AuditEventTypes.ToolRequested });
        return rows[0] < _sent ? $"{_sent} requests were sent and {rows[0]} audited" : null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        foreach (var (tap, _) in _taps)
            await tap.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private IntegrationCatalog Catalog => _world.Host.Services.GetRequiredService<IntegrationSource>().Current;

    private async Task FreshAsync()
    {
        _sandbox = await _world.Host.OpenCagedAsync();
        await _sandbox.SendAsync("GET", Contracts.Protocol.TaskPath);
    }

    // What was judged once is not read again: connections are kept open and grow.
    private string? SentProblem()
    {
        string? problem = null;
        foreach (var (tap, integration) in _taps)
        {
            tap.Look(bytes =>
            {
                var (requests, end, wrong) = WireCheck.Read(bytes, integration, Catalog);
                _sent += requests;
                problem ??= wrong;
                return end;
            });
        }
        return problem;
    }

    // Null when the gateway neither answers nor closes.
    private async Task<string?> SendAsync(byte[] bytes, Dice dice)
    {
        using var connection = await _sandbox.ConnectAsync();
        using var answer = new MemoryStream();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(dice.OneIn(4) ? 1 + dice.Below(20) : bytes.Length, bytes.Length - at);
                await connection.SendAsync(bytes.AsMemory(at, size), patience.Token);
                at += size;
            }
            var (buffer, saidAll) = (new byte[16 * 1024], false);
            while (true)
            {
                var receiving = connection.ReceiveAsync(buffer, patience.Token).AsTask();
                // Answered, or waiting for the rest of half a request: no more is coming. Not before, because a client that leaves gets nothing.
                if (!saidAll && (IsWhole(answer) || await Task.WhenAny(receiving, Task.Delay(Pause, patience.Token)) != receiving))
                {
                    saidAll = true;
                    connection.Shutdown(SocketShutdown.Send);
                }
                if (await receiving is var read and > 0)
                    answer.Write(buffer, 0, read);
                else
                    break;
            }
        }
        catch (SocketException)
        {
            // Cut off: what came before is the answer.
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static bool IsWhole(MemoryStream answer)
    {
        var text = Encoding.Latin1.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
            return false;
        var length = ContentLength().Match(text[..end]);
        return length.Success ? text.Length >= end + 4 + int.Parse(length.Groups["bytes"].Value, CultureInfo.InvariantCulture) : text.EndsWith("0\r\n\r\n", StringComparison.Ordinal);
    }

    [GeneratedRegex("^content-length: (?<bytes>[0-9]{1,8})\r?$", RegexOptions.IgnoreCase | RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex ContentLength();

    private static IEnumerable<int> Statuses(string answer)
    {
        for (var at = answer.IndexOf("HTTP/1.1 ", StringComparison.Ordinal); at >= 0 && at + 12 <= answer.Length; at = answer.IndexOf("HTTP/1.1 ", at + 1, StringComparison.Ordinal))
        {
            if (int.TryParse(answer.AsSpan(at + 9, 3), out var status))
                yield return status;
        }
    }
}
