using System.Diagnostics;
using System.Text.RegularExpressions;
using IncidentFox.Host.Tests.Manifests;
using IncidentFox.Workbench.Estate.Cluster;
using IncidentFox.Workbench.Estate.Cluster.RealPods;
using Xunit;

namespace IncidentFox.Host.Tests.Cli.Sandboxes;

/// <summary><c>incidentfox sandbox check --kubeconfig</c>, as a process of its own, against a double of a cluster whose pods really run.</summary>
public sealed partial class SandboxCheckClusterTests : IAsyncLifetime
{
    private const string Image = "registry.example/incidentfox-agent:0.1.0";
    private readonly string _folder = Directory.CreateTempSubdirectory("ifxk").FullName;
    private KubernetesCluster _cluster = null!;
    private PodProgram _program = PodProgram.RunsUntilDeleted;

    public async ValueTask InitializeAsync()
    {
        _cluster = await KubernetesCluster.StartAsync(new()
        {
            Https = true,
            RealPods = new RealPodOptions { Images = new Dictionary<string, string> { [Image] = Path.Combine(Rendered.Repository, "artifacts", "agent", "incidentfox-agent") } },
            Program = _ => _program,
        }, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "config"), _cluster.Kubeconfig(_cluster.AdminToken), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_says_what_it_makes_prints_the_table_and_says_what_it_removes()
    {
        var (exitCode, output, error) = await RunAsync("--listen", Own, "--image", Image);
        Assert.True(exitCode == 0, output + error);
        Assert.Equal("""
            checks image registry.example/incidentfox-agent:N.N.N, RuntimeClass gvisor
            started a gateway at N.N.N.N:N
            made Namespace incidentfox-sandboxes
            made ResourceQuota sandboxes in incidentfox-sandboxes
            made ServiceAccount incidentfox-sandbox in incidentfox-sandboxes
            made NetworkPolicy incidentfox-check-ID-deny in incidentfox-sandboxes
            made NetworkPolicy incidentfox-check-ID in incidentfox-sandboxes
            made ConfigMap incidentfox-check-ID in incidentfox-sandboxes
            Checking namespace incidentfox-sandboxes
              ok                caged                 N addresses out of reach, N of them known to answer, after N ms
              ok                non-root              user N, group N, no capabilities
              ok                read-only             N places refused, /tmp written
              ok                no secrets            N variables and N files looked through
              ok                memory held           killed as it went beyond N MiB
              ok                pids held             refused after N more; its own limit is N, its node's is not known (that takes get on nodes/proxy)
              ok                disk held             refused at N of N MiB
              ok                cpu held              got N.N of N.N processors with four threads
              ok                deadline kills        killed after N s, and by the cluster alone
              ok                token bound           for incidentfox-gateway alone, N s, reviewed as pod ID
              ok                stolen token refused  refused N ways, at once after the pod's end
              ok                nothing left          N sandboxes ended and gone
            N ok, N failed, N simulated, N not possible here
            removed ConfigMap incidentfox-check-ID in incidentfox-sandboxes
            removed NetworkPolicy incidentfox-check-ID in incidentfox-sandboxes
            removed NetworkPolicy incidentfox-check-ID-deny in incidentfox-sandboxes
            removed ServiceAccount incidentfox-sandbox in incidentfox-sandboxes
            removed ResourceQuota sandboxes in incidentfox-sandboxes
            removed Namespace incidentfox-sandboxes

            """, Normal(output));
        Assert.Contains("12 ok, 0 failed, 0 simulated, 0 not possible here\n", output, StringComparison.Ordinal);
        Assert.Null(_cluster.Find("Namespace", "", "incidentfox-sandboxes"));
    }

    [Fact]
    public async Task What_a_cluster_says_is_shown_inert_and_the_exit_code_says_that_it_could_not_be_run()
    {
        _program = PodProgram.IsMisconfigured("agent", "\u001b[2Jrun as\u202e root");
        var (exitCode, output, error) = await RunAsync("--listen", Own);
        Assert.Equal(2, exitCode);
        Assert.Contains("This could not be checked: The sandbox's container can't be started", error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output + error);
        Assert.DoesNotContain('\u202e', output + error);
        Assert.EndsWith("removed Namespace incidentfox-sandboxes\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_it_removes_what_it_made()
    {
        var interrupted = false;
        var (exitCode, output, error) = await RunAsync(["--listen", Own], async process =>
        {
            while (!_cluster.List("Pod", "incidentfox-sandboxes").Any(p => (string?)p["status"]?["phase"] == "Running"))
                await Task.Delay(50, TestContext.Current.CancellationToken);
            interrupted = true;
            using var kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        });
        Assert.True(interrupted && exitCode == 2, output + error);
        Assert.Contains("Stopped.", error, StringComparison.Ordinal);
        Assert.EndsWith("removed Namespace incidentfox-sandboxes\n", output, StringComparison.Ordinal);
        Assert.Empty(_cluster.List("Pod", "incidentfox-sandboxes"));
    }

    [Fact]
    public async Task Where_to_check_has_to_be_clear()
    {
        foreach (var (arguments, sentence) in (((string[], string)[])[(["sandbox", "check"], "Say what to check"), (["sandbox", "check", "--local", "--kubeconfig", "x"], "Say what to check"),
            (["sandbox", "check", "--kubeconfig", "x", "--gateway", "10.0.0.1:1", "--listen", "10.0.0.1"], "give one of them"), (["sandbox", "check", "--kubeconfig", "/nowhere"], "there is no file /nowhere")]))
        {
            var (exitCode, _, error) = await RunAsync(arguments, null);
            Assert.Equal(2, exitCode);
            Assert.Contains(sentence, error, StringComparison.Ordinal);
        }
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) => RunAsync(arguments, null);

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(string[] arguments, Func<Process, Task>? meanwhile)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "incidentfox.dll"), .. arguments[0] == "sandbox" ? [] : new[] { "sandbox", "check", "--kubeconfig", Path.Combine(_folder, "config") }, .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (meanwhile is not null)
            await meanwhile(process);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(4));
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await error);
    }

    // This machine, as pods see it.
    private string Own => _cluster.Kubelet!.HostAddress.ToString();

    private static string Normal(string output) => Numbers().Replace(Ids().Replace(output, "ID"), "N");

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=incidentfox-check-)[0-9a-f]{8}", RegexOptions.ExplicitCapture)]
    private static partial Regex Ids();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();
}
