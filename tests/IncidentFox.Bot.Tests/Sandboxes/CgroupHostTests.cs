using IncidentFox.Bot.Sandboxes.Local;

namespace IncidentFox.Bot.Tests.Sandboxes;

/// <summary>What is written where, on folders that look like the kernel's; that the kernel obeys is what the conformance tests show.</summary>
public sealed class CgroupHostTests : IDisposable
{
    private readonly string mount = Directory.CreateTempSubdirectory("ifxcg").FullName;

    public void Dispose() => Directory.Delete(mount, recursive: true);

    [Fact]
    public void Version_2_is_one_folder_with_every_limit_and_no_swap()
    {
        File.WriteAllText(Path.Combine(mount, "cgroup.controllers"), "cpu memory pids");
        Directory.CreateDirectory(Path.Combine(mount, "incidentfox", "one"));
        File.WriteAllText(Path.Combine(mount, "incidentfox", "one", "memory.swap.max"), "max");

        var cgroup = CgroupHost.Detect(mount)!.Create("one", new(256 << 20, 66, 1.5));

        Assert.Equal([Path.Combine(mount, "incidentfox", "one", "cgroup.procs")], cgroup.Entrances);
        Assert.Equal("268435456", Read("incidentfox/one/memory.max"));
        Assert.Equal("0", Read("incidentfox/one/memory.swap.max"));
        Assert.Equal("66", Read("incidentfox/one/pids.max"));
        Assert.Equal("150000 100000", Read("incidentfox/one/cpu.max"));
        Assert.Equal("+memory +pids +cpu", Read("incidentfox/cgroup.subtree_control"));
    }

    [Fact]
    public void Version_1_is_a_folder_in_each_hierarchy()
    {
        foreach (var controller in (string[])["memory", "pids", "cpu"])
        {
            Directory.CreateDirectory(Path.Combine(mount, controller));
        }

        var cgroup = CgroupHost.Detect(mount)!.Create("one", new(256 << 20, 66, 1));

        Assert.Equal(3, cgroup.Entrances.Count());
        Assert.Equal("268435456", Read("memory/incidentfox/one/memory.limit_in_bytes"));
        Assert.Equal("66", Read("pids/incidentfox/one/pids.max"));
        Assert.Equal("100000", Read("cpu/incidentfox/one/cpu.cfs_quota_us"));
    }

    [Fact]
    public void Without_a_hierarchy_for_memory_or_processes_there_is_no_cgroup()
    {
        Assert.Null(CgroupHost.Detect(mount));
        Directory.CreateDirectory(Path.Combine(mount, "memory"));
        Assert.Null(CgroupHost.Detect(mount));
    }

    [Theory]
    [InlineData("memory.events", "low 0\noom 1\noom_kill 1\n", true)]
    [InlineData("memory.events", "low 0\noom 1\noom_kill 0\n", false)]
    [InlineData("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 12\n", true)]
    [InlineData("memory.oom_control", "oom_kill_disable 0\nunder_oom 1\noom_kill 0\n", false)]
    public void A_kill_for_want_of_memory_is_read_from_either_version(string file, string content, bool killed)
    {
        File.WriteAllText(Path.Combine(mount, file), content);
        Assert.Equal(killed, new SandboxCgroup([mount]).RanOutOfMemory);
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(mount, file));
}
