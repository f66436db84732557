using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>
/// How a pod's container is run: in its network namespace, as a user without any right, with namespaces of its own for all else, and with nothing to see but
/// its program and its volumes. gVisor is not run, and neither are the runtime's system call filters.
/// </summary>
internal static class PodCommand
{
    // $1... up to --: the cgroups to enter; then the command. Nothing is interpolated.
    private const string Enter = """
        set -e
        ulimit -c 0
        while [ "$1" != -- ]; do echo 0 > "$1"; shift; done
        shift
        exec "$@"
        """;

    /// <param name="network">Name of its network namespace.</param>
    /// <param name="root">Folder that becomes its root.</param>
    /// <param name="user">Whom it runs as on this machine.</param>
    public static IReadOnlyList<string> Build(JsonObject pod, string network, string root, string program, uint user, PodFiles files, IEnumerable<string> cgroups, string entryPoint)
    {
        var container = pod.Objects("spec", "containers").First();
        var inside = Text(container.Number("securityContext", "runAsUser") ?? pod.Number("spec", "securityContext", "runAsUser") ?? 0);
        var outside = Text(user);
        List<string> command =
        [
            "-c", Enter, "pod", .. cgroups, "--",
            Tool.Find("nsenter")!, $"--net=/run/netns/{network}", "--",
            Tool.Find("setpriv")!, "--reuid", outside, "--regid", outside, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--",
            Tool.Find("bwrap")!, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--disable-userns",
            "--uid", inside, "--gid", Text(pod.Number("spec", "securityContext", "runAsGroup") ?? 0), "--hostname", pod.Name(),
            "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv", "--cap-drop", "ALL",
            container.Flag("securityContext", "readOnlyRootFilesystem") ? "--ro-bind" : "--bind", root, "/",
            "--ro-bind", program, entryPoint, "--proc", "/proc",
        ];
        foreach (var mount in container.Objects("volumeMounts"))
        {
            var (name, path) = (mount.Text("name") ?? "", mount.Text("mountPath") ?? "");
            var volume = pod.Objects("spec", "volumes").First(v => v.Text("name") == name);
            command.AddRange(volume["emptyDir"] is { } scratch
                ? ["--size", Text((long)Quantities.Parse(scratch.Text("sizeLimit") ?? "64Mi")), "--tmpfs", path]
                : ["--ro-bind", files.FolderOf(name), path]);
        }

        foreach (var (name, value) in Environment(pod, container))
        {
            command.AddRange(["--setenv", name, value]);
        }

        return [.. command, "--chdir", "/", "--", .. Words(container, "command") is { Count: > 0 } own ? own : [entryPoint], .. Words(container, "args")];
    }

    /// <summary>Where things are mounted, so that the root can have these folders.</summary>
    public static IEnumerable<string> MountPaths(JsonObject pod) => pod.Objects("spec", "containers").First().Objects("volumeMounts").Select(m => m.Text("mountPath") ?? "/tmp");

    // What every container is told, asked for or not.
    private static IEnumerable<(string Name, string Value)> Environment(JsonObject pod, JsonObject container) =>
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), ("HOSTNAME", pod.Name()), ("HOME", "/"),
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("KUBERNETES_SERVICE_PORT", "443"),
        .. container.Objects("env").Where(e => e["value"] is not null).Select(e => (e.Text("name") ?? "", e.Text("value") ?? "")),
    ];

    private static List<string> Words(JsonObject container, string what) => [.. (container[what] as JsonArray ?? []).Select(w => w.Text() ?? "")];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
