namespace IncidentFox.Bot.Sandboxes;

/// <summary>Sandboxes on this machine; section <c>Sandbox:Local</c>.</summary>
public sealed class LocalSandboxOptions
{
    public const string SectionName = "Sandbox:Local";

    /// <summary>The agent: one static executable. Copied into the runtime directory at start-up.</summary>
    public string AgentPath { get; set; } = Path.Combine(AppContext.BaseDirectory, "incidentfox-agent");

    /// <summary><c>auto</c> (gVisor where it works, else bubblewrap), <c>gvisor</c>, <c>bubblewrap</c> or <c>none</c>.</summary>
    public string Driver { get; set; } = "auto";

    /// <summary>Lets agents run without any isolation when there is none. For development on machines that cannot do better.</summary>
    public bool AllowUnisolated { get; set; }

    /// <summary>Sockets and state of running sandboxes. Short, because socket paths end near 107 bytes.</summary>
    public string RuntimeDirectory { get; set; } = "/run/incidentfox";

    /// <summary>Running time; waiting for an approval does not count.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Memory of one sandbox in bytes.</summary>
    public long MemoryBytes { get; set; } = 512L * 1024 * 1024;

    /// <summary>Processes and threads of one sandbox.</summary>
    public int Processes { get; set; } = 64;

    /// <summary>Processor time of one sandbox, in processors; where there is not enough for all, everything else comes first. Needs a cgroup.</summary>
    public double Processors { get; set; } = 2;

    /// <summary>gVisor's platform (<c>systrap</c>, <c>ptrace</c>, <c>kvm</c>); empty is runsc's own default.</summary>
    public string GVisorPlatform { get; set; } = "";

    /// <summary>How long a driver may take to prove at start-up that it works here.</summary>
    public TimeSpan SelfCheckTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The limits that a sandbox gets unless its investigation says otherwise.</summary>
    public SandboxLimits Limits => new(Duration, MemoryBytes, Processes);

    /// <summary>Every error at once, each with how to mend it.</summary>
    public IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        Check(File.Exists(AgentPath), $"AgentPath: there is no file {AgentPath}. Publish the agent (dotnet publish src/IncidentFox.Agent) and name the executable here.");
        Check(Driver is "auto" or "gvisor" or "bubblewrap" or "none", $"Driver: '{Driver}' is not known. Use auto, gvisor, bubblewrap or none.");
        Check(Driver != "none" || AllowUnisolated, "Driver: 'none' runs agents without isolation. Set AllowUnisolated to true if that is really wanted, else use auto.");
        Check(Path.IsPathFullyQualified(RuntimeDirectory), "RuntimeDirectory: must be an absolute path, such as /run/incidentfox.");
        Check(RuntimeDirectory.Length <= 48, "RuntimeDirectory: must be at most 48 characters long, because socket paths are limited to 107. Use /run/incidentfox.");
        Check(Duration >= TimeSpan.FromSeconds(1) && Duration <= TimeSpan.FromHours(24), "Duration: must be between 1 second and 24 hours.");
        Check(MemoryBytes >= 64L * 1024 * 1024, "MemoryBytes: must be at least 67108864 (64 MiB), or no agent can start.");
        Check(Processes is >= 16 and <= 4096, "Processes: must be between 16 and 4096; the agent alone has about ten threads.");
        Check(Processors is >= 0.1 and <= 64, "Processors: must be between 0.1 and 64.");
        Check(GVisorPlatform is "" or "systrap" or "ptrace" or "kvm", $"GVisorPlatform: '{GVisorPlatform}' is not known. Use systrap, ptrace or kvm, or leave it empty.");
        Check(SelfCheckTimeout > TimeSpan.Zero && SelfCheckTimeout <= TimeSpan.FromMinutes(5), "SelfCheckTimeout: must be between zero and 5 minutes.");
        return errors;

        void Check(bool holds, string error)
        {
            if (!holds)
            {
                errors.Add($"{SectionName}:{error}");
            }
        }
    }
}
