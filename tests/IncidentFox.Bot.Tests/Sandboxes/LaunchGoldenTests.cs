using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Local;
using IncidentFox.Core;

namespace IncidentFox.Bot.Tests.Sandboxes;

/// <summary>What is handed to the isolation programs, in full: a change of it is a change of what a sandbox may do, and shows here.</summary>
public sealed class LaunchGoldenTests
{
    private static readonly SandboxLayout Layout = new("/run/incidentfox", new SandboxId(Guid.Parse("01a203f9-2684-7a2c-9d61-0102030405a6")));

    [Theory]
    [InlineData("root-cgroup", true, true)]
    [InlineData("user-no-cgroup", false, false)]
    public void The_gVisor_bundle_is_as_reviewed(string name, bool asRoot, bool cgroup) =>
        Golden("gvisor-" + name + ".golden.json", OciBundle.Build(Launch(asRoot, cgroup)));

    [Theory]
    [InlineData("root", true)]
    [InlineData("user", false)]
    public void The_bubblewrap_command_is_as_reviewed(string name, bool asRoot)
    {
        var runtime = new BubblewrapRuntime("/usr/bin/bwrap", "/usr/bin/setpriv", path => path is "/proc/keys" or "/proc/kcore", path => path == "/proc/acpi");
        Golden("bubblewrap-" + name + ".golden.txt", string.Join('\n', runtime.Prepare(Launch(asRoot, cgroup: true)).Command));
    }

    private static Launch Launch(bool asRoot, bool cgroup) => new(
        Layout, new SandboxRoot("/run/incidentfox/roots/1-2-3.4"), "/run/incidentfox/0405a6ff", new SandboxLimits(TimeSpan.FromMinutes(15), 512L << 20, 64), cgroup, asRoot);

    private static void Golden(string file, string actual)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Sandboxes", "Golden", file);
        File.WriteAllText(path + ".actual", actual + "\n"); // to be compared, and copied over once the change has been reviewed
        Assert.Equal(File.ReadAllText(path), actual + "\n");
    }
}
