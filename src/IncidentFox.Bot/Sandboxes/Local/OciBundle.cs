using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>The OCI runtime configuration of a sandbox, https://github.com/opencontainers/runtime-spec/blob/main/config.md.</summary>
internal static class OciBundle
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // What makes it safe, in one place: nothing may be gained, nothing is inherited, nothing but the agent and its door exists.
    public static string Build(Launch launch)
    {
        var user = launch.AsRoot ? launch.Layout.HostUser : 65534;
        return new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["process"] = new JsonObject
            {
                ["terminal"] = false,
                ["user"] = new JsonObject { ["uid"] = user, ["gid"] = user },
                ["args"] = Strings([SandboxLayout.AgentInside, .. launch.Arguments(SandboxLayout.SocketInside)]),
                ["env"] = Strings(),
                ["cwd"] = "/",
                ["capabilities"] = new JsonObject
                {
                    ["bounding"] = Strings(),
                    ["effective"] = Strings(),
                    ["inheritable"] = Strings(),
                    ["permitted"] = Strings(),
                    ["ambient"] = Strings(),
                },
                ["noNewPrivileges"] = true,
                ["rlimits"] = Limits(launch),
            },
            ["root"] = new JsonObject { ["path"] = launch.Root.Folder, ["readonly"] = true },
            ["hostname"] = "sandbox",
            ["mounts"] = new JsonArray(
                Mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
                Mount("/tmp", "tmpfs", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=16m"),
                Mount(SandboxLayout.DoorInside, "bind", launch.DoorDirectory, "bind", "ro", "nosuid", "noexec", "nodev")),
            ["linux"] = new JsonObject
            {
                ["namespaces"] = new JsonArray([.. new[] { "pid", "network", "ipc", "uts", "mount" }.Select(type => (JsonNode)new JsonObject { ["type"] = type })]),
                ["maskedPaths"] = Strings(ProcPaths.Masked),
                ["readonlyPaths"] = Strings(ProcPaths.ReadOnly),
            },
        }.ToJsonString(Indented);
    }

    private static JsonArray Limits(Launch launch)
    {
        var limits = new JsonArray(
            Limit("RLIMIT_CORE", 0),
            Limit("RLIMIT_NOFILE", 256),
            Limit("RLIMIT_NPROC", launch.Limits.Processes));
        if (!launch.HasCgroup)
        {
            limits.Add(Limit("RLIMIT_AS", ResourceLimits.AddressSpaceFor(launch.Limits.MemoryBytes)));
        }

        return limits;
    }

    private static JsonObject Limit(string type, long value) => new() { ["type"] = type, ["hard"] = value, ["soft"] = value };

    private static JsonObject Mount(string destination, string type, string source, params string[] options) =>
        new() { ["destination"] = destination, ["type"] = type, ["source"] = source, ["options"] = Strings(options) };

    private static JsonArray Strings(params string[] values) => new([.. values.Select(value => (JsonNode)JsonValue.Create(value))]);
}

/// <summary>Parts of /proc that tell of the machine, or change it.</summary>
internal static class ProcPaths
{
    public static readonly string[] Masked =
    [
        "/proc/acpi", "/proc/asound", "/proc/cmdline", "/proc/config.gz", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys",
        "/proc/key-users", "/proc/kmsg", "/proc/kpagecgroup", "/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/sched_debug",
        "/proc/scsi", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/vmallocinfo", "/proc/vmcore",
    ];

    public static readonly string[] ReadOnly = ["/proc/bus", "/proc/driver", "/proc/fs", "/proc/irq", "/proc/sys"];
}
