using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Host.Cli;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>What holds for every folder of manifests, whatever it changes.</summary>
[Trait("kind", "check")]
public sealed partial class ManifestRuleTests
{
    public static TheoryData<string> Folders => [.. Rendered.All];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Containers_run_as_nobody_on_a_read_only_root_within_limits(string folder)
    {
        var workloads = Rendered.Of(folder).Workloads().ToList();
        Assert.Equal(3, workloads.Count);
        foreach (var (workload, container) in workloads.SelectMany(w => w.PodSpec()["containers"].Items().Select(c => (w, c))))
        {
            var pod = workload.PodSpec();
            Assert.True((bool)pod["securityContext"]!["runAsNonRoot"]!);
            Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
            var context = container["securityContext"]!;
            Assert.False((bool)context["allowPrivilegeEscalation"]!);
            Assert.True((bool)context["readOnlyRootFilesystem"]!);
            Assert.Equal("""["ALL"]""", context["capabilities"]!["drop"]!.ToJsonString());
            foreach (var resource in new[] { "cpu", "memory", "ephemeral-storage" })
            {
                Assert.NotNull(container["resources"]!["limits"]![resource]);
                Assert.NotNull(container["resources"]!["requests"]![resource]);
            }
            Assert.All(pod["volumes"].Items().Where(v => v["emptyDir"] is not null), v => Assert.NotNull(v["emptyDir"]!["sizeLimit"]));
            Assert.All(container["env"].Items(), e => Assert.Null(e["valueFrom"]));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_deployment_is_probed_on_its_own_ports_and_has_a_budget_a_policy_and_a_service_that_lead_to_it(string folder)
    {
        var objects = Rendered.Of(folder);
        Assert.Equal(2, objects.OfKind("Deployment").Count());
        foreach (var deployment in objects.OfKind("Deployment"))
        {
            var labels = deployment.PodLabels();
            var container = Assert.Single(deployment.PodSpec()["containers"].Items());
            var ports = container["ports"].Items().ToDictionary(p => (string)p["name"]!, p => (int)p["containerPort"]!);
            foreach (var (probe, path) in new[] { ("startupProbe", "/health/live"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready") })
            {
                Assert.Equal(path, (string?)container[probe]!["httpGet"]!["path"]);
                Assert.Contains((string)container[probe]!["httpGet"]!["port"]!, ports.Keys);
            }
            var here = objects.Where(o => o.Namespace() == deployment.Namespace()).ToList();
            Assert.Single(here.OfKind("PodDisruptionBudget"), b => b["spec"]!["selector"]!["matchLabels"].Selects(labels));
            Assert.True(deployment["spec"]!["selector"]!["matchLabels"].Selects(labels));

            // What a policy lets in, a service leads to, and it is a port that the container has.
            var service = Assert.Single(here.OfKind("Service"), s => s["spec"]!["selector"].Selects(labels));
            var served = service["spec"]!["ports"].Items().Select(p => ports[(string)p["targetPort"]!]).Order();
            var policy = Assert.Single(here.OfKind("NetworkPolicy"), p => p["spec"]!["podSelector"]!["matchLabels"].Selects(labels));
            Assert.Equal(["Ingress", "Egress"], policy["spec"]!["policyTypes"]!.AsArray().Select(t => (string)t!));
            Assert.Equal(served, policy["spec"]!["ingress"].Items().SelectMany(i => i["ports"].Items()).Select(p => (int)p["port"]!).Order());
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Both_namespaces_are_restricted_and_deny_what_no_policy_allows(string folder)
    {
        var objects = Rendered.Of(folder);
        Assert.Equal(["incidentfox", "incidentfox-sandboxes"], objects.OfKind("Namespace").Select(n => n.Name()).Order());
        Assert.All(objects.OfKind("Namespace"), n => Assert.Equal("restricted", (string?)n["metadata"]!["labels"]!["pod-security.kubernetes.io/enforce"]));
        foreach (var ns in objects.OfKind("Namespace").Select(n => n.Name()))
        {
            var deny = Assert.Single(objects.OfKind("NetworkPolicy"), p => p.Namespace() == ns && p.Name() == "default-deny");
            Assert.Equal("""{"podSelector":{},"policyTypes":["Ingress","Egress"]}""", deny["spec"]!.ToJsonString());
        }
        // Nobody's way leads to the metadata address.
        foreach (var block in objects.OfKind("NetworkPolicy").SelectMany(p => p["spec"]!["egress"].Items()).SelectMany(e => e["to"].Items()).Select(t => t["ipBlock"]).OfType<JsonObject>())
            Assert.True((string?)block["cidr"] is "10.0.0.0/8" or "172.16.0.0/12" or "192.168.0.0/16" || block["except"]!.ToJsonString() == """["169.254.0.0/16"]""", block.ToJsonString());
    }

    [Fact]
    public void A_sandbox_reaches_the_gateways_door_and_nothing_else()
    {
        var objects = Rendered.Of(Rendered.Base);
        var gateway = objects.OfKind("Deployment").Single(d => d.Name() == "incidentfox-gateway");
        var policy = Assert.Single(objects.OfKind("NetworkPolicy"), p => p.Namespace() == "incidentfox-sandboxes" && p.Name() != "default-deny");
        var egress = Assert.Single(policy["spec"]!["egress"].Items());
        var to = Assert.Single(egress["to"].Items());
        Assert.Equal("""{"kubernetes.io/metadata.name":"incidentfox"}""", to["namespaceSelector"]!["matchLabels"]!.ToJsonString());
        Assert.True(to["podSelector"]!["matchLabels"].Selects(gateway.PodLabels()));
        Assert.False(to["podSelector"]!["matchLabels"].Selects(objects.OfKind("Deployment").Single(d => d.Name() == "incidentfox-bot").PodLabels()));
        var door = gateway.PodSpec()["containers"]![0]!["ports"].Items().Single(p => (string?)p["name"] == "agents");
        Assert.Equal((int)door["containerPort"]!, (int)Assert.Single(egress["ports"].Items())["port"]!);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Rights_name_what_they_are_for_and_never_secrets(string folder)
    {
        var objects = Rendered.Of(folder);
        var accounts = objects.OfKind("ServiceAccount").Select(a => (a.Namespace(), a.Name())).ToList();
        var rules = objects.OfKind("Role", "ClusterRole").SelectMany(r => r["rules"].Items().Select(rule => (Role: r, Rule: rule))).ToList();
        Assert.NotEmpty(rules);
        foreach (var (role, rule) in rules)
        {
            var words = new[] { "apiGroups", "resources", "verbs" }.SelectMany(k => rule[k]!.AsArray().Select(v => (string)v!)).ToList();
            Assert.DoesNotContain("*", words);
            Assert.Empty(words.Intersect(["secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "serviceaccounts/token", "nodes/proxy", "escalate", "bind", "impersonate"]));
            // For the whole cluster there is only what has no namespace; and reading, where the cluster is the one that is investigated.
            if (role.Name() == "incidentfox-reader")
                Assert.Equal("""["get","list"]""", rule["verbs"]!.ToJsonString());
            else if ((string?)role["kind"] == "ClusterRole")
                Assert.Empty(rule["resources"]!.AsArray().Select(v => (string)v!).Except(["runtimeclasses", "tokenreviews"]));
        }
        foreach (var binding in objects.OfKind("RoleBinding", "ClusterRoleBinding"))
        {
            Assert.Contains(objects, o => (string?)o["kind"] == (string?)binding["roleRef"]!["kind"] && o.Name() == (string?)binding["roleRef"]!["name"] && o.Namespace() == binding.Namespace());
            Assert.All(binding["subjects"].Items(), s => Assert.Contains(((string)s["namespace"]!, (string)s["name"]!), accounts));
        }
        Assert.Equal(["incidentfox-bot", "incidentfox-gateway", "incidentfox-migrate"], objects.Workloads().Select(w => (string)w.PodSpec()["serviceAccountName"]!).Order());
        Assert.Empty(objects.Workloads().Select(w => (w.Namespace(), (string)w.PodSpec()["serviceAccountName"]!)).Except(accounts));
        Assert.All(objects.OfKind("ServiceAccount"), a => Assert.False((bool)a["automountServiceAccountToken"]!));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void No_secret_is_in_the_files_and_what_they_mount_is_there_or_told_in_the_guide(string folder)
    {
        var objects = Rendered.Of(folder);
        var guide = File.ReadAllText(Path.Combine(Rendered.Repository, "docs", "operations.md"));
        Assert.Empty(objects.OfKind("Secret"));
        var maps = objects.OfKind("ConfigMap").Select(m => m.Name()).ToHashSet();
        foreach (var volume in objects.Workloads().SelectMany(w => w.PodSpec()["volumes"].Items()))
        {
            if ((string?)volume["secret"]?["secretName"] is { } secret)
                Assert.Contains($"create secret generic {secret} ", guide, StringComparison.Ordinal);
            if ((string?)volume["configMap"]?["name"] is { } map && !maps.Contains(map))
                Assert.Contains($"create configmap {map} ", guide, StringComparison.Ordinal);
        }
        foreach (Match name in objects.OfKind("ConfigMap").SelectMany(m => MountedSecret().Matches(m["data"]!.ToJsonString())))
            Assert.Contains($"secrets/{name.Groups[1].Value}", guide, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Their_arguments_are_commands_of_the_program(string folder)
    {
        foreach (var container in Rendered.Of(folder).Workloads().SelectMany(w => w.PodSpec()["containers"].Items()))
            Assert.Empty(CommandTree.Create().Parse([.. container["args"]!.AsArray().Select(a => (string)a!)]).Errors);
    }

    [Fact]
    public void Kustomizations_say_nothing_that_the_oldest_kustomize_does_not_know()
    {
        var files = Directory.GetFiles(Path.Combine(Rendered.Repository, "manifests"), "kustomization.yaml", SearchOption.AllDirectories);
        Assert.True(files.Length >= Rendered.All.Count);
        foreach (var file in files)
        {
            // 2.0.3 takes folders as bases only, and `resources` are files.
            var lines = File.ReadAllLines(file);
            Assert.Empty(lines.Where(l => l.Length > 0 && char.IsAsciiLetter(l[0])).Select(l => l.Split(':')[0]).Except(["bases", "resources", "configMapGenerator", "patchesStrategicMerge", "images"]));
            var folder = Path.GetDirectoryName(file)!;
            Assert.All(lines.Where(l => l.StartsWith("- ", StringComparison.Ordinal) && l.EndsWith(".yaml", StringComparison.Ordinal)), l => Assert.True(File.Exists(Path.Combine(folder, l[2..])), l));
            Assert.DoesNotContain(lines.SkipWhile(l => l != "resources:").Skip(1).TakeWhile(l => l.StartsWith("- ", StringComparison.Ordinal)), l => Directory.Exists(Path.Combine(folder, l[2..])));
        }
    }

    [Fact]
    public void Reading_the_own_cluster_is_allowed_for_what_the_shipped_reads_ask_for_and_no_more()
    {
        var rights = Rendered.Of("alternatives/in-cluster").OfKind("ClusterRole").Single(r => r.Name() == "incidentfox-reader")["rules"].Items()
            .SelectMany(r => r["resources"]!.AsArray().Select(v => (string)v!)).Order().ToList();
        var reads = Request().Matches(File.ReadAllText(Path.Combine(Rendered.Repository, "integrations", "kubernetes.yaml"))).Select(m => m.Groups["path"].Value)
            .Select(p => p.Split('/').Where(s => s.Length > 0 && s[0] != '{').Last() is "log" ? "pods/log" : p.Split('/').Last(s => s.Length > 0 && s[0] != '{'))
            .Distinct().Except(["version", "api", "apis", "v1", "exec"]).Order().ToList();
        Assert.Equal(reads, rights);
    }

    [Fact]
    public void With_azure_secrets_stay_in_the_key_vault_of_the_component()
    {
        var objects = Rendered.Of("overlays/azure");
        foreach (var workload in objects.Workloads())
        {
            Assert.DoesNotContain(workload.PodSpec()["volumes"].Items(), v => v["secret"] is not null);
            Assert.DoesNotContain(workload.PodSpec()["containers"]![0]!["volumeMounts"].Items(), m => (string?)m["name"] == "secrets");
            Assert.Equal("true", (string?)workload.PodLabels()["azure.workload.identity/use"]);
            var map = objects.OfKind("ConfigMap").Single(m => m.Name().StartsWith($"{workload.Name()}-", StringComparison.Ordinal));
            var references = Reference().Matches(map["data"]!["appsettings.json"]!.ToString()).Select(m => m.Value).ToList();
            Assert.NotEmpty(references);
            Assert.All(references, r => Assert.StartsWith($"keyvault://acme-{workload.Name()}/", r, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_air_gapped_installation_knows_no_address_outside_the_site()
    {
        var objects = Rendered.Of("overlays/air-gapped");
        Assert.All(objects.Workloads(), w => Assert.StartsWith("registry.internal/", (string?)w.PodSpec()["containers"]![0]!["image"], StringComparison.Ordinal));
        Assert.All(
            objects.OfKind("NetworkPolicy").SelectMany(p => p["spec"]!["egress"].Items()).SelectMany(e => e["to"].Items()).Select(t => (string?)t["ipBlock"]?["cidr"]).OfType<string>(),
            c => Assert.True(c is "10.0.0.0/8" or "172.16.0.0/12" or "192.168.0.0/16", c));
        // An egress rule without `to` is a rule to everywhere.
        Assert.All(objects.OfKind("NetworkPolicy").SelectMany(p => p["spec"]!["egress"].Items()), e => Assert.NotEmpty(e["to"].Items()));
        var hosts = objects.OfKind("ConfigMap").SelectMany(m => Host().Matches(m["data"]!.ToJsonString())).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.Contains("models.internal", hosts);
        Assert.All(hosts, h => Assert.True(h.EndsWith(".internal", StringComparison.Ordinal) || h == "0.0.0.0", h));
        // Without an address of its own Slack would be asked at slack.com.
        Assert.Contains("slack-relay.internal", hosts);
    }

    [GeneratedRegex("file:///run/secrets/incidentfox/([a-z0-9-]+)")]
    private static partial Regex MountedSecret();

    [GeneratedRegex("(keyvault|vault|k8s|file|env)://[^\"]*")]
    private static partial Regex Reference();

    [GeneratedRegex(@"request: GET (?<path>/\S+)")]
    private static partial Regex Request();

    [GeneratedRegex("https?://([a-z0-9.-]+)")]
    private static partial Regex Host();
}
