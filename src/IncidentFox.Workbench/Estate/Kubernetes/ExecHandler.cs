using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>
/// GET .../pods/x/exec over a WebSocket. What is wrong with the pod, the container or the request is an HTTP answer; once the WebSocket stands, everything
/// is said on its channels. Without stdin and tty: nothing here asks for them.
/// </summary>
internal sealed class ExecHandler(ObjectStore store, IPodCommands? commands)
{
    private static readonly string[] Known = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    public ApiAnswer Run(string ns, string name, ApiRequest request)
    {
        var pod = store.Get(ResourceTypes.Pods, ns, name) ?? throw ApiException.NotFound(ResourceTypes.Pods, name);
        var container = ContainerOf(pod, request.Query("container"));
        if (request.Query("dryRun").Length > 0)
        {
            throw ApiException.BadRequest("dryRun is not supported");
        }

        if (request.Protocols is not { } offered)
        {
            throw ApiException.BadRequest("Upgrade request required");
        }

        if (IsAsked(request, "stdin") || IsAsked(request, "tty"))
        {
            throw ApiException.BadRequest("this double runs commands without stdin and tty");
        }

        if (Array.Find(Known, offered.Contains) is not { } protocol)
        {
            return new(403, "", []);
        }

        var command = request.QueryAll("command");
        return new(101, "", [])
        {
            Upgrade = async (context, aborted) =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = protocol, KeepAliveInterval = TimeSpan.Zero });
                await new ExecStream(socket, IsAsked(request, "stdout"), IsAsked(request, "stderr")).RunAsync(stop => Start(pod, container, command, stop), aborted);
            },
        };
    }

    private static bool IsAsked(ApiRequest request, string stream) => request.Query(stream) is "true" or "1";

    private static string ContainerOf(JsonObject pod, string wanted)
    {
        var names = pod.Objects("spec", "containers").Select(c => c.Text("name") ?? "").ToList();
        if (wanted.Length > 0)
        {
            return names.Contains(wanted) ? wanted : throw ApiException.BadRequest($"container {wanted} is not valid for pod {pod.Name()}");
        }

        return names.Count == 1 ? names[0] : throw ApiException.BadRequest(
            $"a container name must be specified for pod {pod.Name()}, choose one of: [{string.Join(' ', names)}]");
    }

    private ExecStart Start(JsonObject pod, string container, IReadOnlyList<string> command, CancellationToken stop)
    {
        if (commands?.ProcessOf(pod.Uid()) is not { } process)
        {
            return ExecStart.Failed($"unable to upgrade connection: container not found (\"{container}\")");
        }

        if (command.Count == 0)
        {
            return ExecStart.NotStarted("parsing process spec: invalid process spec: %!w(<nil>): unknown");
        }

        return process is ICommandRunner runner && runner.TryRun(command, out var running, stop)
            ? new(running, null)
            : ExecStart.NotStarted($"executing processes for container: executing command \"{command[0]}\" in sandbox: error finding executable \"{command[0]}\" in PATH [/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin]: no such file or directory: unknown");
    }
}

/// <summary>A command at work, or why there is none.</summary>
internal sealed record ExecStart(Task<CommandResult>? Running, string? Problem)
{
    public static ExecStart Failed(string why) => new(null, why);

    public static ExecStart NotStarted(string why) => Failed(
        $"Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}\": OCI runtime exec failed: {why}");
}
