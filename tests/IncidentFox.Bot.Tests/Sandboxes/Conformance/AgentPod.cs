using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>What is wrong with a node.</summary>
[Flags]
internal enum Breakage
{
    None = 0,
    NoPolicies = 1,
    RunsAsRoot = 2,
    WritableRoot = 4,
    ApiToken = 8,
    SecretVariable = 16,
    NoMemoryLimit = 32,
    WrongAudience = 64,
}

/// <summary>
/// A pod of the double that really runs: the real agent in bubblewrap, as the pod's user, in a network namespace with the pod's address, its way out cut by routes to what the
/// namespace's policies allow (address and port), a moment late as on a real node; memory and processors held by a cgroup. Needs root.
/// </summary>
internal sealed class AgentPod : IPodProcess
{
    private static readonly TimeSpan PoliciesAfter = TimeSpan.FromMilliseconds(700);
    private readonly string folder = Directory.CreateTempSubdirectory("ifxpod").FullName;
    private readonly string name;
    private readonly SandboxCgroup? cgroup;
    private readonly Process process;
    private readonly Task drained;
    private PodExit? exit;

    public AgentPod(PodStart start, KubernetesCluster cluster, string agent, Breakage broken)
    {
        name = "ifx" + Guid.NewGuid().ToString("N")[..8];
        var spec = start.Pod["spec"]!;
        var container = spec["containers"]![0]!;
        var identity = MakeIdentity(start, cluster, spec, broken);
        var root = MakeRoot(agent, broken);
        MakeNetwork(start, cluster, broken);
        var (user, group) = ((int)spec["securityContext"]!["runAsUser"]!, (int)spec["securityContext"]!["runAsGroup"]!);
        var limits = container["resources"]!["limits"]!;
        cgroup = CgroupHost.Detect()?.Create(name, new(
            broken.HasFlag(Breakage.NoMemoryLimit) ? 4L << 30 : Bytes((string)limits["memory"]!), 4096, Processors((string)limits["cpu"]!)));
        var scratch = Bytes((string)spec["volumes"]!.AsArray().Single(v => v!["emptyDir"] is not null)!["emptyDir"]!["sizeLimit"]!);
        string[] command =
        [
            "ip", "netns", "exec", name, "setpriv", "--reuid", Text(user), "--regid", Text(group), "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--",
            "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--uid", Text(broken.HasFlag(Breakage.RunsAsRoot) ? 0 : user), "--gid", Text(group), "--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv",
            "--setenv", "KUBERNETES_SERVICE_HOST", "10.96.0.1", "--setenv", "KUBERNETES_SERVICE_PORT", "443",
            .. broken.HasFlag(Breakage.SecretVariable) ? new[] { "--setenv", "DATABASE_PASSWORD", "of-this-test" } : [],
            broken.HasFlag(Breakage.WritableRoot) ? "--bind" : "--ro-bind", root, "/", "--proc", "/proc", "--size", scratch.ToString(CultureInfo.InvariantCulture), "--tmpfs", "/tmp",
            "--ro-bind", identity, "/var/run/incidentfox",
            "--", "/agent", .. container["args"]!.AsArray().Select(a => (string)a!),
        ];
        process = SandboxProcess.StartAsync(new LaunchPlan(command), cgroup, null).GetAwaiter().GetResult();
        drained = Task.WhenAll(DrainAsync(process.StandardOutput, start.Write), DrainAsync(process.StandardError, start.Write));
    }

    /// <summary>A cluster's own range of pod addresses: other tests of this machine have networks, too.</summary>
    public static Func<int, string> Addresses()
    {
        var first = Random.Shared.Next(60_000);
        return n => $"10.201.{(first + n) / 250}.{((first + n) % 250) + 1}";
    }

    /// <summary>Whether this machine can hold processors and memory, so that a check of them means something.</summary>
    public static bool HasCgroups => CgroupHost.Detect()?.LimitsProcessors is true;

    public PodExit? Poll()
    {
        if (exit is null && process.HasExited && drained.IsCompleted)
        {
            exit = cgroup?.RanOutOfMemory is true ? new(137, "OOMKilled") : new(process.ExitCode);
            CleanUp();
        }

        return exit;
    }

    // The agent is the first process of its own namespace there: what it does not handle does not reach it.
    public void Stop()
    {
    }

    public void Kill()
    {
        if (exit is null)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            exit = new(137);
            CleanUp();
        }
    }

    private void CleanUp()
    {
        cgroup?.DestroyAsync().GetAwaiter().GetResult();
        Ip($"netns del {name}");
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private string MakeRoot(string agent, Breakage broken)
    {
        var root = Path.Combine(folder, "root");
        foreach (var inside in (string[])["proc", "tmp", "dev", "sys", "etc", "var/run/incidentfox"])
            Directory.CreateDirectory(Path.Combine(root, inside));
        File.Copy(agent, Path.Combine(root, "agent"));
        Open(folder);
        if (broken.HasFlag(Breakage.WritableRoot))
            File.SetUnixFileMode(root, (UnixFileMode)0b111_111_111);
        return root;
    }

    private string MakeIdentity(PodStart start, KubernetesCluster cluster, JsonNode spec, Breakage broken)
    {
        var identity = Directory.CreateDirectory(Path.Combine(folder, "identity")).FullName;
        var sources = spec["volumes"]!.AsArray().Single(v => v!["projected"] is not null)!["projected"]!["sources"]!.AsArray();
        var audience = (string)sources.Single(s => s!["serviceAccountToken"] is not null)!["serviceAccountToken"]!["audience"]!;
        File.WriteAllText(Path.Combine(identity, "token"), broken.HasFlag(Breakage.WrongAudience)
            ? cluster.AccountToken(start.Namespace, (string)spec["serviceAccountName"]!)
            : cluster.PodToken(start.Namespace, start.Name, audience));
        var map = (string)sources.Single(s => s!["configMap"] is not null)!["configMap"]!["name"]!;
        File.WriteAllText(Path.Combine(identity, "ca.crt"), (string?)cluster.Find("ConfigMap", start.Namespace, map)?["data"]?["ca.crt"] ?? "");
        if (broken.HasFlag(Breakage.ApiToken))
        {
            var token = Directory.CreateDirectory(Path.Combine(folder, "root", "var/run/secrets/kubernetes.io/serviceaccount")).FullName;
            File.WriteAllText(Path.Combine(token, "token"), cluster.AccountToken(start.Namespace, "default"));
        }

        Open(folder);
        return identity;
    }

    private void MakeNetwork(PodStart start, KubernetesCluster cluster, Breakage broken)
    {
        Ip($"netns add {name}");
        Ip($"link add {name} type veth peer name eth0 netns {name}");
        Ip($"addr add 169.254.1.1/32 dev {name}");
        Ip($"link set {name} up");
        Ip($"route add {start.Ip}/32 dev {name}");
        Ip($"-n {name} link set lo up");
        Ip($"-n {name} addr add {start.Ip}/32 dev eth0");
        Ip($"-n {name} link set eth0 up");
        Ip($"-n {name} route add default via 169.254.1.1 dev eth0 onlink");
        var labels = start.Pod["metadata"]!["labels"]!.AsObject();
        var policies = cluster.List("NetworkPolicy", start.Namespace).Select(p => p["spec"]!).Where(s => s["policyTypes"]!.AsArray().Any(t => (string)t! == "Egress")
            && (s["podSelector"]?["matchLabels"]?.AsObject() ?? []).All(l => (string?)labels[l.Key] == (string)l.Value!)).ToList();
        if (policies.Count == 0 || broken.HasFlag(Breakage.NoPolicies))
            return;
        _ = Task.Delay(PoliciesAfter, CancellationToken.None).ContinueWith(_ =>
        {
            foreach (var rule in policies.SelectMany(p => p["egress"]?.AsArray() ?? []).Where(r => r!["to"]?[0]?["ipBlock"] is not null))
            {
                var to = (string)rule!["to"]![0]!["ipBlock"]!["cidr"]!;
                Ip($"-n {name} route replace {to} via 169.254.1.1 dev eth0 onlink table 100");
                Ip($"-n {name} rule add pref 100 to {to} ipproto tcp dport {rule["ports"]![0]!["port"]} lookup 100");
            }

            Ip($"-n {name} route del default");
        }, TaskScheduler.Default);
    }

    private static async Task DrainAsync(StreamReader reader, Action<string> write)
    {
        while (await reader.ReadLineAsync() is { } line)
            write(line);
    }

    private static void Open(string folder)
    {
        foreach (var entry in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Prepend(folder))
            File.SetUnixFileMode(entry, (UnixFileMode)0b111_101_101);
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            File.SetUnixFileMode(file, (UnixFileMode)0b101_101_101);
    }

    private static void Ip(string arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        ip.WaitForExit();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static long Bytes(string quantity) => quantity.EndsWith("Mi", StringComparison.Ordinal) ? long.Parse(quantity[..^2], CultureInfo.InvariantCulture) << 20 : long.Parse(quantity, CultureInfo.InvariantCulture);

    private static double Processors(string quantity) => quantity.EndsWith('m') ? double.Parse(quantity[..^1], CultureInfo.InvariantCulture) / 1000 : double.Parse(quantity, CultureInfo.InvariantCulture);
}
