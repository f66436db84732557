using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Kubernetes;
using IncidentFox.Core;
using k8s;
using k8s.Models;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes;

/// <summary>The pods in full: a change of them is a change of what a sandbox may do, and shows here.</summary>
public sealed class PodGoldenTests
{
    private static readonly SandboxId Id = new(Guid.Parse("01a203f9-2684-7a2c-9d61-0102030405a6"));

    private static KubernetesSandboxOptions Options => new() { Image = "registry.example/incidentfox-agent:0.1.0", GatewayAddress = "10.96.0.40:8443" };

    [Fact]
    public void A_pod_with_the_usual_options_is_as_reviewed() => Golden("cold", SandboxPodBuilder.Cold(Options, new SandboxSpec(Id, Options.Limits)));

    [Fact]
    public void A_pod_with_every_option_is_as_reviewed()
    {
        var options = Options;
        options.Namespace = "cages";
        options.ServiceAccount = "nobody";
        options.Installation = "acme";
        options.GatewayAuthority = "our-ca";
        options.RuntimeClass = "kata";
        options.PriorityClass = "low";
        options.SpreadOver = "topology.kubernetes.io/zone";
        options.Probes = ["10.96.0.1:443", "[2001:db8::1]:443"];
        options.Duration = TimeSpan.FromSeconds(90.5);
        options.LongestWait = TimeSpan.Zero;
        options.MemoryBytes = 100_000_001;
        options.Processors = 0.25;
        options.ScratchBytes = 2L << 20;
        Assert.Empty(options.Validate());
        Golden("cold-configured", SandboxPodBuilder.Cold(options, new SandboxSpec(Id, options.Limits)));
    }

    [Fact]
    public void A_pod_that_waits_is_as_reviewed_and_names_no_sandbox() => Golden("warm", SandboxPodBuilder.Warm(Options, Id.Value));

    [Theory]
    [InlineData("Image", "")]
    [InlineData("Image", "agent image")]
    [InlineData("GatewayAddress", "gateway.svc:8443")]
    [InlineData("GatewayAddress", "10.0.0.1")]
    [InlineData("GatewayAddress", "10.0.0.1:0")]
    [InlineData("GatewayAddress", "10.0.0.1:8443 --probe 1.1.1.1:1")]
    [InlineData("Namespace", "Sandboxes")]
    [InlineData("Namespace", "a/b")]
    [InlineData("Kubeconfig", "/nowhere/config")]
    [InlineData("RuntimeClass", "")]
    [InlineData("Installation", "a,b=c")]
    public void What_can_not_work_is_refused_with_the_options_name(string name, string value)
    {
        var options = Options;
        Assert.Empty(options.Validate());
        typeof(KubernetesSandboxOptions).GetProperty(name)!.SetValue(options, value);
        Assert.StartsWith($"Sandbox:Kubernetes:{name}: ", Assert.Single(options.Validate()), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_error_is_said_at_once()
    {
        var options = new KubernetesSandboxOptions { Processors = 0, WarmPods = -1, MemoryBytes = 1, Probes = ["x"], Duration = TimeSpan.Zero };
        Assert.Equal(7, options.Validate().Count);
    }

    private static void Golden(string name, V1Pod pod)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Sandboxes", "Kubernetes", "Golden", name + ".golden.yaml");
        var actual = KubernetesYaml.Serialize(pod).TrimEnd() + "\n";
        File.WriteAllText(path + ".actual", actual); // to be compared, and copied over once the change has been reviewed
        Assert.Equal(File.ReadAllText(path), actual);
    }
}
