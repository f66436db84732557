using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Reload;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class IntegrationFileTests
{
    [Fact]
    public void Shipped_rules_hold_together_and_a_team_file_needs_less_than_ten_lines()
    {
        Assert.Equal(["kubernetes", "prometheus", "alertmanager"], Sample.Catalog.All.Select(i => i.Name));
        Assert.True(Sample.Kubernetes.Split('\n').Length < 10);
        Assert.All(Sample.Catalog.All.SelectMany(i => i.Rules), r => Assert.Equal(64, r.Version.Length));
    }

    [Fact]
    public void Shipped_kubernetes_rules_never_name_secrets_or_a_proxy()
    {
        var command = Assert.Single(Sample.Catalog.All[0].Rules, r => r.Effect == ToolEffect.Exec);
        Assert.Equal(("docker_exec", RuleTransport.KubernetesExec), (command.Tool, command.Transport));
        var segments = Sample.Catalog.All[0].Rules.Where(r => r != command).SelectMany(r => r.Path).Select(s => s.Literal).OfType<string>().ToHashSet();
        Assert.Contains("pods", segments);
        Assert.DoesNotContain(segments, s => s is "secrets" or "proxy" or "exec" or "attach" or "portforward" or "token" or "configmaps");
    }

    [Fact]
    public void A_tool_with_two_names_is_called_by_either_and_is_one_tool()
    {
        const string Arguments = """{"namespace":"shop","pod":"checkout-1","command":["true"]}""";
        var (first, second) = (Sample.Accepted("docker_exec", Arguments), Sample.Accepted("pod_exec", Arguments));
        Assert.Equal(("docker_exec", "docker_exec"), (first.ToolCall.Tool, second.ToolCall.Tool));
        Assert.Same(first.Rule, second.Rule);
        Assert.DoesNotContain(Sample.Catalog.Tools(Sample.Team), t => t.Rule.Tool == "pod_exec");
        Assert.Equal(["docker_exec"], ToolPublisher.Of(Sample.Catalog).Where(t => t.IsNamed("kubernetes.pod_exec")).Select(t => t.Tool));

        var prefixed = Sample.Load(("k.yaml", Sample.Kubernetes + "\ntool_prefix: eu_"));
        Assert.True(prefixed.TryFindTool(Sample.Team, "eu_pod_exec", out var tool));
        Assert.Equal("eu_docker_exec", tool.Rule.Tool);
        Assert.False(prefixed.TryFindTool(Sample.Team, "pod_exec", out _));
    }

    [Theory]
    [InlineData("[Pod-Exec]", "each of 'other_names'")]
    [InlineData("[second]", "the name second is there twice")]
    [InlineData("[first]", "the name first is there twice")]
    [InlineData("[a, a]", "the name a is there twice")]
    [InlineData("[a, b, c, d, e]", "more than 4")]
    [InlineData("a", "must be a list of texts")]
    public void Names_of_one_tool_are_names_and_no_others(string names, string expected)
    {
        var text = $$"""
            integration: own
            base_url: https://127.0.0.1:6444
            auth: {scheme: bearer, read: "file:///etc/incidentfox/secrets/k8s-read"}
            network: {allow: ["127.0.0.0/8"]}
            tools:
              first: {description: d, effect: read, request: GET /a, data: a, other_names: {{names}}}
              second: {description: d, effect: read, request: GET /b, data: b}
            """;
        Assert.Contains(Sample.Errors(("o.yaml", text)), e => e.Contains(expected, StringComparison.Ordinal));
        Assert.Empty(Sample.Errors(("o.yaml", text.Replace($"other_names: {names}", "other_names: [third]", StringComparison.Ordinal))));
    }

    [Fact]
    public void No_other_name_is_another_integrations_tool() =>
        Assert.Contains(Sample.Errors(("k.yaml", Sample.Kubernetes), ("o.yaml", """
            integration: own
            base_url: https://127.0.0.1:6444
            auth: {scheme: bearer, read: "file:///etc/incidentfox/secrets/k8s-read"}
            network: {allow: ["127.0.0.0/8"]}
            tools:
              pod_exec: {description: d, effect: read, request: GET /a, data: a}
            """)), e => e.Contains("tool pod_exec is defined by kubernetes", StringComparison.Ordinal));

    [Theory]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://user:hunter2@127.0.0.1:6443", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: ftp://127.0.0.1", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://127.0.0.1:6443/a?b=c", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://127.0.0.1:6443/a//b", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "team: sre", "'base_url' is missing")]
    [InlineData("extends: kubernetes", "extends: nothing", "not shipped")]
    [InlineData("extends: kubernetes", "extend: kubernetes", "k.yaml:2: 'extend' is not known here")]
    [InlineData("integration: kubernetes", "integration: Kubernetes!", "k.yaml:1: integration")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {allow: [\"127.0.0.1/8\"]}", "k.yaml:5: network.allow")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {allow: 127.0.0.0/8}", "k.yaml:5: network.allow: must be a list")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {deny: []}", "'deny' is not known")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {ca_file: ../ca.pem}", "absolute path")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "limits: {timeout_seconds: 0}", "from 1 to 300")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "limits: {timeout_seconds: \"30\"}", "whole number")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "team: yes", "quote it")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {min_tls: \"1.1\"}", "k.yaml:5: network.min_tls: must be \"1.2\" or \"1.3\"")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {server_name: \"10.0.0.1\"}", "k.yaml:5: network.server_name")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {insecure: true}", "'insecure' is not known")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "limits: {concurrent: 0}", "from 1 to 10000")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "limits: {per_minute: 5}", "'per_minute' is not known")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "scrub: {foreign: maybe}", "k.yaml:5: scrub.foreign: must be true or false")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://2130706433:6443", "k.yaml:3: base_url: has an address that is not written as four decimal numbers")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://0x7f.1:6443", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://0177.0.0.1", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://127.1/api", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://127.0.0.1.", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://metrics.example.", "k.yaml:3: base_url: has a host that is no plain DNS name")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://m\u00ebtrics.example", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: https://\uff11\uff12\uff17.0.0.1", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: \"https://[fe80::1%25eth0]\"", "k.yaml:3: base_url")]
    [InlineData("base_url: https://127.0.0.1:6443", "base_url: \"https://[::ffff:127.0.0.1]\"", "k.yaml:3: base_url: has an IPv4 address in IPv6 notation")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "integration: again", "k.yaml")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: &a {allow: []}", "anchors")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: !!map {allow: []}", "tags")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "<<: {team: x}", "merge keys")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "network: {allow: [", "not valid YAML")]
    [InlineData("network: {allow: [\"127.0.0.0/8\"]}", "---\nintegration: b", "one document")]
    public void A_mistake_is_named_with_its_file_and_line(string good, string bad, string expected)
    {
        var text = Sample.Kubernetes.Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Sample.Kubernetes, text);
        var errors = Sample.Errors(("k.yaml", text));
        Assert.Contains(errors, e => e.Contains(expected, StringComparison.Ordinal));
        Assert.DoesNotContain(errors, e => e.Contains("hunter2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{}", "refusal: needs 'status', or 'at' and 'equals'")]
    [InlineData("{status: 200}", "refusal.status: must be a whole number from 400 to 499")]
    [InlineData("{at: /error}", "'equals' lists the texts")]
    [InlineData("{equals: [invalid_auth]}", "refusal: needs 'status'")]
    [InlineData("{at: error, equals: [invalid_auth]}", "is a JSON pointer")]
    [InlineData("{at: /error, equals: [invalid_auth], else: 1}", "'else' is not known here")]
    public void How_a_target_refuses_is_said_completely_or_not_at_all(string refusal, string expected) =>
        Assert.Contains(Sample.Errors(("k.yaml", Sample.Kubernetes + "\nrefusal: " + refusal)), e => e.StartsWith("k.yaml:6:", StringComparison.Ordinal) && e.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void A_literal_secret_is_refused_and_not_repeated()
    {
        var errors = Sample.Errors(("k.yaml", Sample.Kubernetes.Replace("file:///etc/incidentfox/secrets/k8s-read", "hunter2-is-my-password", StringComparison.Ordinal)));
        Assert.Contains(errors, e => e.StartsWith("k.yaml:4: auth.read: must be a reference", StringComparison.Ordinal));
        Assert.DoesNotContain(errors, e => e.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public void All_mistakes_of_all_files_are_reported_at_once()
    {
        var errors = Sample.Errors(("a.yaml", "integration: A\nwhat: 1"), ("b.yaml", "- 1"), ("c.yaml", Sample.Kubernetes.Replace("https://", "gopher://", StringComparison.Ordinal)));
        Assert.Contains(errors, e => e.StartsWith("a.yaml:1:", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("a.yaml:2:", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("b.yaml:1:", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("c.yaml:3:", StringComparison.Ordinal));
        Assert.Null(IntegrationLoader.Parse([("a.yaml", "integration: A")]).Catalog);
    }

    [Fact]
    public void Two_integrations_of_a_team_can_not_share_an_origin_a_name_or_a_tool()
    {
        var errors = Sample.Errors(("k.yaml", Sample.Kubernetes), ("again.yaml", Sample.Kubernetes));
        Assert.Contains(errors, e => e.Contains("overlaps", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("is defined by k.yaml too", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("tool_prefix", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_teams_can_and_do_not_see_each_other()
    {
        var catalog = Sample.Load(("a.yaml", Sample.Kubernetes + "\nteam: a"), ("b.yaml", Sample.Kubernetes + "\nteam: b"));
        Assert.Single(catalog.Of(new TeamId("a")));
        Assert.Empty(catalog.Of(new TeamId("c")));
    }

    [Fact]
    public void A_second_cluster_gets_tools_with_a_prefix()
    {
        var second = Sample.Kubernetes.Replace("integration: kubernetes", "integration: staging\ntool_prefix: staging_", StringComparison.Ordinal)
            .Replace(":6443", ":7443", StringComparison.Ordinal);
        var catalog = Sample.Load(("k.yaml", Sample.Kubernetes), ("s.yaml", second));
        var restart = catalog.Find(Sample.Team, "staging")!.FindRule("staging_pod_restart")!;
        Assert.Equal("staging_get_pod", restart.Precondition!.Tool);
        Assert.NotEqual(catalog.Find(Sample.Team, "kubernetes")!.FindRule("pod_restart")!.Version, restart.Version);
    }

    [Theory]
    [InlineData("request: GET /a/{x}", "", "path parameter x")]
    [InlineData("request: GET /a/../b", "", "letters, digits")]
    [InlineData("request: GET /a%2Fb", "", "letters, digits")]
    [InlineData("request: TRACE /a", "", "must be a method")]
    [InlineData("request: DELETE /a", "", "a read is a GET or a POST")]
    [InlineData("request: GET /a", "headers: {Authorization: x}", "can't be set by a rule")]
    [InlineData("request: GET /a", "headers: {X-HTTP-Method-Override: DELETE}", "can't be set by a rule")]
    [InlineData("request: GET /a", "body: {a: 1}", "a GET has no body")]
    [InlineData("request: GET /a", "rows: items", "'rows' must be")]
    [InlineData("request: GET /a", "query: {a: \"{b}\"}", "query parameter b")]
    [InlineData("request: GET /a", "parameters: {p: {type: string, description: d}}", "used nowhere")]
    [InlineData("request: GET /{p}", "parameters: {p: {type: string, description: d, pattern: \"(\"}}", "pattern")]
    [InlineData("request: GET /{p}", "parameters: {p: {type: string, description: d, pattern: \"(a)\\\\1\"}}", "pattern")]
    [InlineData("request: GET /{p}", "parameters: {p: {type: text, description: d}}", "must be one of string")]
    [InlineData("request: GET /{p}", "parameters: {p: {type: integer, description: d, default: x}}", "default")]
    [InlineData("request: GET /a", "preview: {title: t}", "a read has no")]
    [InlineData("request: POST /a", "body: {a: \"{nobody}\"}", "{nobody} is neither")]
    public void A_rule_that_does_not_hold_together_is_refused(string request, string more, string expected)
    {
        var text = $$"""
            integration: own
            base_url: https://own.example
            auth: {scheme: none}
            tools:
              look:
                description: Looks.
                effect: read
                {{request}}
                data: own
                {{more}}
            """;
        Assert.Contains(Sample.Errors(("own.yaml", text)), e => e.Contains(expected, StringComparison.Ordinal) && e.StartsWith("own.yaml:", StringComparison.Ordinal));
    }

    [Fact]
    public void An_unstated_effect_is_a_write_and_a_write_must_show_what_it_does()
    {
        var errors = Sample.Errors(("own.yaml", """
            integration: own
            base_url: https://own.example
            auth: {scheme: none}
            tools:
              act: {description: Acts., request: POST /act, data: own}
              same: {description: Acts., request: POST /act, data: own}
            """));
        Assert.Contains(errors, e => e.Contains("'preview' is missing", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.Contains("can't be told from act", StringComparison.Ordinal));
    }

    [Fact]
    public void Any_change_of_a_rule_is_another_version()
    {
        static string Version(string description) => Sample.Load(("own.yaml", $$"""
            integration: own
            base_url: https://own.example
            auth: {scheme: none}
            tools:
              look: {description: {{description}}, effect: read, request: GET /look, data: own}
            """)).All[0].Rules[0].Version;
        Assert.Equal(Version("Looks."), Version("Looks."));
        Assert.NotEqual(Version("Looks."), Version("Peeks."));
    }

    [Fact]
    public void What_is_said_of_the_network_limits_and_scrubbing_is_taken_over()
    {
        var own = Sample.Load(("own.yaml", """
            integration: own
            extends: prometheus
            base_url: https://metrics.example
            auth: {scheme: none}
            network: {min_tls: "1.3", server_name: inside.example}
            limits: {concurrent: 3, per_second: 4, per_sandbox_concurrent: 1, per_sandbox_per_second: 2, connect_seconds: 5, first_byte_seconds: 6, timeout_seconds: 7}
            scrub: {foreign: false}
            """)).All[0];
        Assert.Equal((MinTls.Tls13, "inside.example"), (own.Network.MinTls, own.Network.ServerName));
        Assert.Equal((3, 4, 1, 2), (own.Limits.Concurrent, own.Limits.PerSecond, own.Limits.PerSandboxConcurrent, own.Limits.PerSandboxPerSecond));
        Assert.Equal((5d, 6d, 7d), (own.Limits.ConnectTimeout.TotalSeconds, own.Limits.FirstByteTimeout!.Value.TotalSeconds, own.Limits.Timeout.TotalSeconds));
        Assert.False(own.Scrub.Foreign);
        Assert.True(Sample.Catalog.All[0].Scrub.Foreign);
    }

    [Fact]
    public void Garbage_never_throws()
    {
        var random = new Random(7);
        for (var i = 0; i < 300; i++)
        {
            var chars = Sample.Kubernetes.ToCharArray();
            for (var n = 0; n < 4; n++)
                chars[random.Next(chars.Length)] = (char)random.Next(1, 0x2000);
            _ = IntegrationLoader.Parse([("x.yaml", new string(chars))]);
        }
        Assert.NotEmpty(Sample.Errors(("x.yaml", new string('[', 100_000))));
        Assert.NotEmpty(Sample.Errors(("x.yaml", new string('a', 300_000))));
    }
}
