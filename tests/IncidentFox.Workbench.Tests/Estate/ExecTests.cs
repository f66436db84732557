using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>Commands in containers: what was once said over a real API server's WebSocket is said again to the double.</summary>
public sealed partial class ExecTests : IAsyncLifetime
{
    private readonly ObjectStore _store = new();
    private readonly Authorizer _authorizer = new();
    private readonly Programs _programs = new();
    private KubernetesServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await KubernetesServer.StartAsync(
        new KubernetesApi(_store, new NoLogs(), new(_store, TimeProvider.System), TimeProvider.System, commands: _programs), _authorizer, TimeProvider.System, 0, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_double_answers_as_the_recorded_server_did()
    {
        var compared = 0;
        foreach (var line in Lines())
        {
            var (method, path) = ((string)line["request"]!["method"]!, (string)line["request"]!["path"]!);
            if (method == "POST" && line["response"]!["body"] is JsonObject created && (int)line["response"]!["status"]! == 201)
            {
                _store.Create(ResourceTypes.Pods, created.Copy(), DateTimeOffset.UnixEpoch);
                _programs.Add(created);
                continue;
            }
            if (!path.Contains("/exec?", StringComparison.Ordinal) || path.Contains("stdin=true", StringComparison.Ordinal))
                continue;   // preparation; what needs a stdin is not served
            Assert.Equal(Told(line), await AskAsync(line));
            compared++;
        }

        Assert.Equal(17, compared);
    }

    [Fact]
    public async Task Only_who_may_change_things_may_run_a_command()
    {
        var pod = Prepare();
        using var socket = Socket(_authorizer.ReadToken, "v5.channel.k8s.io");
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Url($"/api/v1/namespaces/exec-a/pods/{pod}/exec?command=echo&stdout=true"), TestContext.Current.CancellationToken));
        Assert.Equal(403, (int)socket.HttpStatusCode);
        Assert.Empty(_programs.Ran);
    }

    [Fact]
    public async Task A_command_ends_when_nobody_listens_any_more()
    {
        var pod = Prepare();
        using var socket = Socket(_authorizer.WriteToken, "v5.channel.k8s.io");
        await socket.ConnectAsync(Url($"/api/v1/namespaces/exec-a/pods/{pod}/exec?command=sleep&command=100&stdout=true"), TestContext.Current.CancellationToken);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        await _programs.Stopped.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private string Prepare()
    {
        var pod = Lines().Select(l => l["response"]!["body"]).OfType<JsonObject>().First(b => (string?)b["kind"] == "Pod").Copy();
        _store.Create(ResourceTypes.Pods, pod, DateTimeOffset.UnixEpoch);
        _programs.Add(pod);
        return pod.Name();
    }

    private async Task<string> AskAsync(JsonObject line)
    {
        var (path, protocols) = ((string)line["request"]!["path"]!, (string?)line["request"]!["headers"]!["sec-websocket-protocol"]);
        if (protocols is null)
        {
            using var client = new KubernetesClient(_server.Url, _authorizer.WriteToken);
            var reply = await client.SendAsync((string)line["request"]!["method"]!, path);
            return $"{reply.Status} {reply.Json.ToJsonString()}";
        }
        using var socket = Socket(_authorizer.WriteToken, protocols.Split(", "));
        try
        {
            await socket.ConnectAsync(Url(path), TestContext.Current.CancellationToken);
        }
        catch (WebSocketException)
        {
            // A client of this kind keeps the status and no body; without the upgrade the body is another's.
            return $"{(int)socket.HttpStatusCode}";
        }
        if (path.Contains("command=sleep", StringComparison.Ordinal))
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        var told = new SortedDictionary<int, string>();
        var first = -1;
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer.AsMemory(), TestContext.Current.CancellationToken) is { MessageType: WebSocketMessageType.Binary } message)
        {
            Assert.True(message.EndOfMessage);
            first = first < 0 ? (buffer[0] * 1000) + message.Count : first;
            told[buffer[0]] = told.GetValueOrDefault(buffer[0], "") + Encoding.UTF8.GetString(buffer, 1, message.Count - 1);
        }
        return Told(101, socket.SubProtocol!, first, told);
    }

    private static string Told(JsonObject line)
    {
        var response = line["response"]!;
        var status = (int)response["status"]!;
        if (line["request"]!["headers"]!["sec-websocket-protocol"] is null)
            return $"{status} {response["body"]!.ToJsonString()}";
        if (status != 101)
            return $"{status}";
        var told = new SortedDictionary<int, string>();
        var first = -1;
        foreach (var frame in response["frames"]!.AsArray().Where(f => (string)f!["direction"]! == "server" && (int)f["opcode"]! == 2))
        {
            var bytes = Convert.FromBase64String((string)frame!["payload_base64"]!);
            first = first < 0 ? (bytes[0] * 1000) + bytes.Length : first;
            told[bytes[0]] = told.GetValueOrDefault(bytes[0], "") + Encoding.UTF8.GetString(bytes, 1, bytes.Length - 1);
        }
        return Told(status, (string)response["headers"]!["sec-websocket-protocol"]!, first, told);
    }

    // Channels by themselves: in which order output and errors arrive is chance. Status messages are compared as JSON, apart from the runtime's random id.
    private static string Told(int status, string protocol, int first, SortedDictionary<int, string> channels) =>
        $"{status} {protocol} first {first}: {string.Join(" | ", channels.Select(c => $"{c.Key}: {(c.Key == 3 && c.Value.Length > 0 ? Id().Replace(JsonNode.Parse(c.Value)!.ToJsonString(), "ID") : c.Value)}"))}";

    private static IEnumerable<JsonObject> Lines() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Estate", "Transcripts", "pod-exec-websocket.jsonl")).Select(l => JsonNode.Parse(l)!.AsObject()).Where(l => l["request"] is not null);

    private ClientWebSocket Socket(string token, params string[] protocols)
    {
        var socket = new ClientWebSocket();
        foreach (var protocol in protocols)
            socket.Options.AddSubProtocol(protocol);
        socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        socket.Options.CollectHttpResponseDetails = true;
        socket.Options.Proxy = null;
        return socket;
    }

    private Uri Url(string path) => new($"ws://{_server.Url.Authority}{path}");

    [GeneratedRegex(@"start exec \\u0022[0-9a-f]{64}")]
    private static partial Regex Id();

    private sealed class NoLogs : IPodLogs
    {
        public ContainerLog? Find(string podUid, string container, bool previous) => null;
    }

    /// <summary>What the recorded containers had; the pod that had ended has nothing.</summary>
    private sealed class Programs : IPodCommands
    {
        private readonly Dictionary<string, Container> _containers = [];

        public List<string> Ran { get; } = [];

        public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(JsonObject pod)
        {
            if (pod.Name() != "ended")
                _containers[pod.Uid()] = new(this);
        }

        public IContainerProcess? ProcessOf(string podUid) => _containers.GetValueOrDefault(podUid);

        private sealed class Container(Programs all) : IContainerProcess, ICommandRunner
        {
            public string? ProbeReadiness() => null;

            public ContainerExit? Poll(DateTimeOffset now) => null;

            public void Stop()
            {
            }

            public bool TryRun(IReadOnlyList<string> command, out Task<CommandResult> running, CancellationToken cancellationToken)
            {
                all.Ran.Add(string.Join(' ', command));
                running = command switch
                {
                    ["echo", var word] => Task.FromResult(CommandResult.Of(word + "\n")),
                    ["bash", "-c", "echo out; echo err >&2; exit 3"] => Task.FromResult(new CommandResult(3, "out\n"u8.ToArray(), "err\n"u8.ToArray())),
                    ["head", "-c", var count, "/dev/zero"] => Task.FromResult(new CommandResult(0, new byte[int.Parse(count, System.Globalization.CultureInfo.InvariantCulture)], [])),
                    _ => SleepAsync(cancellationToken),
                };
                return command[0] is not "nosuchcommand";
            }

            private async Task<CommandResult> SleepAsync(CancellationToken cancellationToken)
            {
                using var _ = cancellationToken.Register(() => all.Stopped.TrySetResult());
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return CommandResult.Of("");
            }
        }
    }
}
