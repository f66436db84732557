using System.Globalization;
using IncidentFox.Core;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>From options and a sandbox to its pod. Pure: the golden files in the tests show the result.</summary>
internal static class SandboxPodBuilder
{
    public const string InstallationLabel = "incidentfox.io/installation";
    public const string SandboxLabel = "incidentfox.io/sandbox";
    public const string Container = "agent";

    /// <summary>The audience of the pods' tokens: they are worth nothing anywhere else.</summary>
    public const string Audience = "incidentfox-gateway";

    private const string Identity = "/var/run/incidentfox";

    // The kubelet's own grace while it ends what is over its time.
    private const int GraceSeconds = 2;

    /// <summary>The name of a sandbox's pod when it starts cold: asking twice makes one.</summary>
    public static string NameOf(SandboxId sandbox) => $"sandbox-{sandbox.Value}";

    /// <summary>Selects the pods of this installation.</summary>
    public static string Selector(KubernetesSandboxOptions options) => $"app.kubernetes.io/managed-by=incidentfox,{InstallationLabel}={options.Installation}";

    /// <summary>A pod that starts for one sandbox.</summary>
    public static V1Pod Cold(KubernetesSandboxOptions options, SandboxSpec spec) =>
        Build(options, NameOf(spec.Id), spec.Id, spec.Limits, spec.Limits.Duration + options.LongestWait, spec.Acts);

    /// <summary>A pod that waits for one. It lives longer by the time it may wait.</summary>
    public static V1Pod Warm(KubernetesSandboxOptions options, Guid id) =>
        Build(options, $"warm-{id}", null, options.Limits, options.WarmLifetime + options.Duration + options.LongestWait);

    private static V1Pod Build(KubernetesSandboxOptions options, string name, SandboxId? sandbox, SandboxLimits limits, TimeSpan deadline, IReadOnlyList<string>? acts = null) => new()
    {
        ApiVersion = "v1",
        Kind = "Pod",
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = options.Namespace, Labels = Labels(options, sandbox) },
        Spec = new V1PodSpec
        {
            // What makes it safe ------------------------------------------------------------------------------------
            RuntimeClassName = options.RuntimeClass.Length == 0 ? null : options.RuntimeClass,
            ServiceAccountName = options.ServiceAccount,
            AutomountServiceAccountToken = false, // the projected token below is the only one
            EnableServiceLinks = false,           // no addresses of the namespace in the environment
            HostNetwork = false,
            HostPID = false,
            HostIPC = false,
            ShareProcessNamespace = false,
            DnsPolicy = "None",
            DnsConfig = new V1PodDNSConfig { Nameservers = ["127.0.0.1"] }, // None demands one: nobody answers there
            RestartPolicy = "Never",
            ActiveDeadlineSeconds = (long)Math.Ceiling(deadline.TotalSeconds),
            TerminationGracePeriodSeconds = GraceSeconds,
            SecurityContext = new V1PodSecurityContext
            {
                RunAsNonRoot = true,
                RunAsUser = 10001,
                RunAsGroup = 10001,
                FsGroup = 10001,
                SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
            },
            Containers =
            [
                new V1Container
                {
                    Name = Container,
                    Image = options.Image,
                    ImagePullPolicy = "IfNotPresent",
                    Args = Arguments(options, acts),
                    SecurityContext = new V1SecurityContext
                    {
                        AllowPrivilegeEscalation = false,
                        Privileged = false,
                        ReadOnlyRootFilesystem = true,
                        RunAsNonRoot = true,
                        Capabilities = new V1Capabilities { Drop = ["ALL"] },
                        SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
                    },
                    Resources = Resources(options, limits),
                    VolumeMounts =
                    [
                        new V1VolumeMount { Name = "identity", MountPath = Identity, ReadOnlyProperty = true },
                        new V1VolumeMount { Name = "tmp", MountPath = "/tmp" },
                    ],
                },
            ],
            Volumes =
            [
                new V1Volume
                {
                    Name = "identity",
                    Projected = new V1ProjectedVolumeSource
                    {
                        DefaultMode = 0x120, // 0440
                        Sources =
                        [
                            new V1VolumeProjection { ServiceAccountToken = new V1ServiceAccountTokenProjection { Path = "token", Audience = Audience, ExpirationSeconds = 600 } },
                            new V1VolumeProjection { ConfigMap = new V1ConfigMapProjection { Name = options.GatewayAuthority, Items = [new V1KeyToPath { Key = "ca.crt", Path = "ca.crt" }] } },
                        ],
                    },
                },
                new V1Volume { Name = "tmp", EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity(Bytes(options.ScratchBytes)) } },
            ],

            // Where it runs -----------------------------------------------------------------------------------------
            PriorityClassName = options.PriorityClass.Length == 0 ? null : options.PriorityClass,
            TopologySpreadConstraints = options.SpreadOver.Length == 0 ? null :
            [
                new V1TopologySpreadConstraint
                {
                    MaxSkew = 1,
                    TopologyKey = options.SpreadOver,
                    WhenUnsatisfiable = "ScheduleAnyway",
                    LabelSelector = new V1LabelSelector { MatchLabels = Labels(options, null) },
                },
            ],
        },
    };

    private static Dictionary<string, string> Labels(KubernetesSandboxOptions options, SandboxId? sandbox)
    {
        var labels = new Dictionary<string, string>
        {
            ["app.kubernetes.io/name"] = "incidentfox-agent",
            ["app.kubernetes.io/managed-by"] = "incidentfox",
            [InstallationLabel] = options.Installation,
        };
        if (sandbox is { } id)
        {
            labels[SandboxLabel] = id.ToString();
        }

        return labels;
    }

    private static List<string> Arguments(KubernetesSandboxOptions options, IReadOnlyList<string>? acts) =>
    [
        acts is null ? "serve" : "conform", $"https://{options.GatewayAddress}", "--ca", $"{Identity}/ca.crt", "--token", $"{Identity}/token",
        .. acts ?? options.Probes.SelectMany(probe => (string[])["--probe", probe]),
    ];

    // Requests equal limits for memory: a sandbox that was admitted is not put out for another's needs.
    private static V1ResourceRequirements Resources(KubernetesSandboxOptions options, SandboxLimits limits)
    {
        var disk = new ResourceQuantity(Bytes(options.ScratchBytes * 2)); // what is in /tmp counts, and logs do
        var memory = new ResourceQuantity(Bytes(limits.MemoryBytes));
        return new V1ResourceRequirements
        {
            Limits = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(Milli(options.Processors)), ["memory"] = memory, ["ephemeral-storage"] = disk },
            Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new(Milli(options.Processors / 10)), ["memory"] = memory, ["ephemeral-storage"] = disk },
        };
    }

    private static string Milli(double processors) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (long)Math.Round(processors * 1000))}m");

    private static string Bytes(long bytes) =>
        bytes % (1024 * 1024) == 0 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024 / 1024}Mi") : bytes.ToString(CultureInfo.InvariantCulture);
}
