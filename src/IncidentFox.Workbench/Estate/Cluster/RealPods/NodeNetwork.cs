using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>
/// The node's network: a network namespace between this machine and those of the pods, which routes, and drops what policies do not allow. Pods reach this
/// machine by any of its addresses but loopback, and are seen with their own. What is beyond this machine they reach only if it forwards.
/// </summary>
internal sealed class NodeNetwork
{
    private const string Prefix = "ifxk";
    private const string Namespaces = "/run/netns";

    /// <summary>Policies for what comes in are looked at first, then those for what goes out, then the routes.</summary>
    private const int IngressFrom = 1_000, EgressFrom = 20_000, PerPod = 60;
    private readonly string _name;
    private readonly string _link;
    private readonly string _net;

    private NodeNetwork(string name, string link, string net) => (_name, _link, _net) = (name, link, net);

    /// <summary>This machine, as pods see it.</summary>
    public IPAddress Host => IPAddress.Parse($"{_net}.1");

    /// <summary>The namespace of a pod, by number.</summary>
    public string NameOf(int pod) => $"{_name}-{pod}";

    /// <summary>The address of a pod, by number; numbers come round after 240.</summary>
    public string AddressOf(int pod) => string.Create(CultureInfo.InvariantCulture, $"{_net}.{10 + (pod % 240)}");

    public static async Task<NodeNetwork> CreateAsync()
    {
        await RemoveLeftAsync();
        var random = RandomNumberGenerator.GetHexString(6, lowercase: true);
        var name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}-{Environment.ProcessId}-{random}");
        var net = string.Create(CultureInfo.InvariantCulture, $"10.{RandomNumberGenerator.GetInt32(210, 250)}.{RandomNumberGenerator.GetInt32(0, 256)}");
        var network = new NodeNetwork(name, $"{Prefix}{random}", net);
        try
        {
            Must(await Tool.IpAsync(null, $"netns add {name}", $"link add {network._link} type veth peer name host0 netns {name}",
                $"addr add {net}.1/30 dev {network._link}", $"link set {network._link} up", $"route add {net}.0/24 via {net}.2"));
            Must(await Tool.IpAsync(name, "link set lo up", $"addr add {net}.2/30 dev host0", "link set host0 up", $"route add default via {net}.1", $"rule add pref {EgressFrom} nop"));
            Must(await Tool.RunAsync("ip", ["netns", "exec", name, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]));
            return network;
        }
        catch
        {
            await network.RemoveAsync();
            throw;
        }
    }

    /// <summary>A pod's own namespace, with one way out: the node.</summary>
    public async Task AttachAsync(int pod)
    {
        var (name, address) = (NameOf(pod), AddressOf(pod));
        Must(await Tool.IpAsync(null, $"netns add {name}"));
        Must(await Tool.IpAsync(_name, $"link add p{pod} type veth peer name eth0 netns {name}", $"addr add {_net}.5/32 dev p{pod}", $"link set p{pod} up", $"route add {address}/32 dev p{pod}"));
        Must(await Tool.IpAsync(name, "link set lo up", $"addr add {address}/32 dev eth0", "link set eth0 up", $"route add {_net}.5 dev eth0", $"route add default via {_net}.5"));
    }

    /// <summary>Holds a pod to what is allowed from now on. What is refused is dropped: who tries waits until he gives up.</summary>
    /// <param name="had">How many rules it was held to before; they are replaced.</param>
    /// <returns>How many it is held to now.</returns>
    public async Task<int> EnforceAsync(int pod, PodTraffic allowed, int had)
    {
        var (address, link, slot) = (AddressOf(pod), $"p{pod}", pod % 240 * PerPod);
        List<string> ingress = [], egress = [];
        if (allowed.Egress is { } ways)
        {
            egress.AddRange(ways.Select(w => $"iif {link} to {w.Cidr} {Ports(w, "dport")} lookup main"));
            ingress.AddRange(ways.Select(w => $"from {w.Cidr} to {address} {Ports(w, "sport")} goto {EgressFrom}")); // their answers
        }

        if (allowed.Ingress is { } comers)
        {
            ingress.AddRange(comers.Select(w => $"from {w.Cidr} to {address} {Ports(w, "dport")} goto {EgressFrom}"));
            egress.InsertRange(0, comers.Select(w => $"iif {link} to {w.Cidr} {Ports(w, "sport")} lookup main"));
        }

        // What may go anywhere gets its answers from anywhere: nothing remembers connections here.
        if (allowed.Ingress is not null && allowed.Egress is not null)
        {
            ingress.Add($"to {address} blackhole");
        }

        if (allowed.Egress is not null)
        {
            egress.Add($"iif {link} blackhole");
        }

        if (Math.Max(ingress.Count, egress.Count) >= PerPod)
        {
            throw new InvalidOperationException($"The policies of pod {address} allow more than this node can tell apart ({PerPod} rules).");
        }

        // The old rules go first: for a moment everything is open, as it is on some clusters.
        await ForgetAsync(slot, had);
        Must(await Tool.IpAsync(_name, [
            .. ingress.Select((rule, i) => $"rule add pref {IngressFrom + slot + i} {rule}"), .. egress.Select((rule, i) => $"rule add pref {EgressFrom + 1 + slot + i} {rule}")]));
        return Math.Max(ingress.Count, egress.Count);
    }

    /// <summary>What was the pod's goes, processes excepted.</summary>
    public async Task DetachAsync(int pod, int had)
    {
        await ForgetAsync(pod % 240 * PerPod, had);
        await Tool.IpAnywayAsync(_name, $"link del p{pod}");
        await Tool.IpAnywayAsync(null, $"netns del {NameOf(pod)}");
    }

    public Task RemoveAsync() => Tool.IpAnywayAsync(null, $"link del {_link}", $"netns del {_name}");

    private async Task ForgetAsync(int slot, int had)
    {
        if (had > 0)
        {
            await Tool.IpAnywayAsync(_name, Enumerable.Range(slot, had).SelectMany(i => (string[])[$"rule del pref {IngressFrom + i}", $"rule del pref {EgressFrom + 1 + i}"]));
        }
    }

    // A process that was killed leaves its namespaces: the next one removes those whose process is gone. Their links go with them.
    private static async Task RemoveLeftAsync()
    {
        foreach (var name in Directory.Exists(Namespaces) ? Directory.GetFiles(Namespaces, Prefix + "-*").Select(p => Path.GetFileName(p)) : [])
        {
            if (int.TryParse(name.Split('-')[1], NumberStyles.None, CultureInfo.InvariantCulture, out var owner) && !Directory.Exists($"/proc/{owner}"))
            {
                await Tool.IpAnywayAsync(null, $"netns del {name}");
            }
        }
    }

    private static string Ports(Way way, string which) =>
        $"{(way.Protocol is { } protocol ? $"ipproto {protocol}" : "")}{(way.Port is { } port ? string.Create(CultureInfo.InvariantCulture, $" {which} {port}-{way.LastPort ?? port}") : "")}";

    private static void Must(string? problem)
    {
        if (problem is not null)
        {
            throw new InvalidOperationException($"The node's network can't be made: {problem}");
        }
    }
}
