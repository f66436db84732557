using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using IncidentFox.TestKit.Probe;

namespace IncidentFox.Bot.Tests.Sandboxes;

public abstract partial class SandboxConformanceTests
{
    // Sent only from where there is no network; nothing of these may ever be tried outside a sandbox.
    private static readonly string[] Outside =
    [
        "tcp 169.254.169.254 80", "tcp 10.0.0.1 443", "tcp 172.16.0.1 443", "tcp 192.168.0.1 443", "tcp 198.51.100.1 443", "tcp 2001:db8::1 443",
        "tcp fd00::1 443", "tcp fd00:ec2::254 80", "udp 192.168.0.1 53", "udp 198.51.100.1 53", "udp 2001:db8::1 53", "unix /var/run/docker.sock", "unix /run/dbus/system_bus_socket",
    ];

    [Fact]
    public async Task Nothing_but_its_own_door_answers()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        await using var other = await SandboxFixture.CreateAsync(driver == "gvisor" ? "bubblewrap" : "gvisor");
        using var listeners = new Listeners();
        var (sandbox, probe) = await fixture.StartProbeAsync();
        var (sibling, siblingProbe) = await fixture.StartProbeAsync();
        var (stranger, strangerProbe) = await other.StartProbeAsync();
        using (probe)
        using (siblingProbe)
        using (strangerProbe)
        {
            Assert.Equal("open", await probe.AskOneAsync("connect unix /run/incidentfox/gateway.sock", Ct));
            string[] targets =
            [
                .. listeners.Targets, .. Outside,
                .. new[] { fixture.Door, other.Door }.SelectMany((_, which) => (string[])
                [
                    "unix " + ProbeDoor.FolderOf(fixture.RuntimeDirectory, which == 0 ? sandbox.Id : sibling.Id) + "/gateway.sock",
                    "unix " + ProbeDoor.FolderOf(other.RuntimeDirectory, stranger.Id) + "/gateway.sock",
                ]),
            ];
            foreach (var target in targets)
            {
                Assert.StartsWith("closed", await probe.AskOneAsync("connect " + target, Ct), StringComparison.Ordinal);
            }

            Assert.Equal(["/run/incidentfox/gateway.sock"], await probe.AskAsync("list /run/incidentfox", Ct));
            await sandbox.StopAsync(Ct);
            await sibling.StopAsync(Ct);
            await stranger.StopAsync(Ct);
        }
    }

    [Fact]
    public async Task No_secret_of_the_bot_is_anywhere_inside()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        using var canaries = new Canaries();
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            var found = await probe.AskAsync("scan / * " + canaries.Needles, Ct);
            var environment = await probe.AskAsync("environment", Ct);
            var descriptors = await probe.AskAsync("descriptors", Ct);

            Assert.Matches("^scanned [0-9]{7,}$", Assert.Single(found)); // megabytes were looked through, and that is all there is to say
            Assert.All(environment, variable => Assert.True(variable is "HOME=/" or "PWD=/", variable));
            Assert.DoesNotContain(descriptors, line => line.Contains(canaries.Folder, StringComparison.Ordinal));
            Assert.DoesNotContain(descriptors, line => line.Contains(".bpf", StringComparison.Ordinal));
            Assert.Equal(3, descriptors.Count(line => line.Contains(" pipe:", StringComparison.Ordinal) || line.Contains(" host:", StringComparison.Ordinal)));
            await sandbox.StopAsync(Ct);
        }
    }

    [Fact]
    public async Task There_are_no_files_but_the_agent_and_its_door()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            var tree = await probe.AskAsync("tree", Ct);
            var processes = await probe.AskAsync("processes", Ct);

            Assert.Equal(
                ["/agent", "/run", "/run/incidentfox", "/run/incidentfox/gateway.sock", "/tmp"],
                tree.Where(path => !path.StartsWith("/dev", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
            Assert.InRange(processes.Count, 1, 2); // itself, and bubblewrap's first process
            await sandbox.StopAsync(Ct);
        }
    }

    [Fact]
    public async Task Nothing_can_be_written_but_a_little_in_tmp()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            foreach (var path in (string[])["/x", "/agent", "/run/incidentfox/x", "/run/x", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"])
            {
                Assert.StartsWith("failed", await probe.AskOneAsync("write " + path, Ct), StringComparison.Ordinal);
            }

            Assert.Equal("ok", await probe.AskOneAsync("write /tmp/x", Ct));
            Assert.StartsWith("failed", await probe.AskOneAsync("fill /tmp/y 40", Ct), StringComparison.Ordinal);
            await sandbox.StopAsync(Ct);
        }
    }

    [Fact]
    public async Task The_agent_is_nobody_and_can_become_nobody_else()
    {
        await using var fixture = await SandboxFixture.CreateAsync(driver);
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            var identity = await probe.AskAsync("identity", Ct);

            Assert.All(identity.Where(line => line.StartsWith("Cap", StringComparison.Ordinal)), line => Assert.EndsWith("\t0000000000000000", line, StringComparison.Ordinal));
            Assert.DoesNotMatch(@"(?m)^[UG]id:.*\t0(\t|$)", string.Join('\n', identity));
            Assert.StartsWith("failed", await probe.AskOneAsync("namespace", Ct), StringComparison.Ordinal);
            Assert.StartsWith("failed", await probe.AskOneAsync("mount", Ct), StringComparison.Ordinal);
            foreach (var family in (string[])["40 1", "38 5", "17 3", "31 3", "29 3"]) // AF_VSOCK, AF_ALG, AF_PACKET, AF_BLUETOOTH, AF_CAN: not all know network namespaces
            {
                Assert.StartsWith("failed", await probe.AskOneAsync("socket " + family, Ct), StringComparison.Ordinal);
            }

            await sandbox.StopAsync(Ct);
        }
    }
}

/// <summary>The same looks without a sandbox see and reach what is there: otherwise the tests above could not fail.</summary>
public sealed class UnisolatedProbeTests
{
    private static CancellationToken Ct => SandboxFixture.Ct;

    [Fact]
    public async Task Outside_a_sandbox_the_probe_reaches_every_listener_and_finds_every_canary()
    {
        await using var fixture = await SandboxFixture.CreateAsync("none");
        using var listeners = new Listeners();
        using var canaries = new Canaries();
        var (sandbox, probe) = await fixture.StartProbeAsync();
        using (probe)
        {
            foreach (var target in listeners.Targets)
            {
                Assert.Equal("open", await probe.AskOneAsync("connect " + target, Ct));
            }

            var found = await probe.AskAsync($"scan {canaries.Folder} {canaries.ProcessId} {canaries.Needles}", Ct);
            Assert.Contains(found, line => line.Contains("/environ 0", StringComparison.Ordinal));
            Assert.Contains(found, line => line.Contains("canary.txt 1", StringComparison.Ordinal));
            Assert.Equal("ok", await probe.AskOneAsync("write " + canaries.Folder + "/x", Ct));
            await sandbox.StopAsync(Ct);
            Assert.Empty(Leftovers.Of(sandbox.Id, fixture.RuntimeDirectory));
        }
    }
}

/// <summary>Everything on this machine that a program without a sandbox could talk to.</summary>
internal sealed class Listeners : IDisposable
{
    private readonly List<Socket> sockets = [];
    private readonly string folder = Directory.CreateTempSubdirectory("ifxl").FullName;

    public Listeners()
    {
        foreach (var address in NetworkInterface.GetAllNetworkInterfaces().Where(card => card.OperationalStatus == OperationalStatus.Up || card.NetworkInterfaceType == NetworkInterfaceType.Loopback)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses).Select(address => address.Address).Where(address => !address.IsIPv6LinkLocal))
        {
            var socket = Listen(new IPEndPoint(address, 0));
            Targets.Add($"tcp {address} {((IPEndPoint)socket.LocalEndPoint!).Port}");
        }

        var name = "incidentfox-" + Guid.NewGuid().ToString("N");
        Listen(new UnixDomainSocketEndPoint("\0" + name));
        Targets.Add("abstract " + name);
        var path = Path.Combine(folder, "open.sock");
        Listen(new UnixDomainSocketEndPoint(path));
        Targets.Add("unix " + path);
    }

    public List<string> Targets { get; } = [];

    public void Dispose()
    {
        sockets.ForEach(socket => socket.Dispose());
        Directory.Delete(folder, recursive: true);
    }

    private Socket Listen(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        sockets.Add(socket);
        socket.Bind(endPoint);
        socket.Listen();
        return socket;
    }
}

/// <summary>Secrets planted where a bot has some: its environment and a process's, a file, its memory, a descriptor that children inherit.</summary>
internal sealed partial class Canaries : IDisposable
{
    private readonly string[] secrets = [.. Enumerable.Range(0, 2).Select(_ => "canary-" + Guid.NewGuid().ToString("N"))];
    private readonly Process process;
    private readonly FileStream file;
    private readonly int inherited;

    public Canaries()
    {
        Environment.SetEnvironmentVariable("INCIDENTFOX_CANARY", secrets[0]);
        var start = new ProcessStartInfo("sleep", "600");
        start.Environment["INCIDENTFOX_CANARY"] = secrets[0];
        process = Process.Start(start)!;
        var path = Path.Combine(Folder, "canary.txt");
        File.WriteAllText(path, secrets[1]);
        file = File.OpenRead(path);
        inherited = dup((int)file.SafeFileHandle.DangerousGetHandle());
        Assert.True(inherited > 2);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("ifxc").FullName;

    public int ProcessId => process.Id;

    public string Needles => ProbeSession.Needles(secrets);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("INCIDENTFOX_CANARY", null);
        process.Kill();
        process.Dispose();
        _ = close(inherited);
        file.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    [DllImport("libc")]
    private static extern int dup(int descriptor);

    [DllImport("libc")]
    private static extern int close(int descriptor);
}
