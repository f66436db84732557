using CsCheck;

namespace IncidentFox.Core.Tests.Policy;

public sealed class ConditionTests
{
    private const string Staged = """
        {
          "environments": {
            "production": { "namespaces": ["prod-*", "shop"] },
            "staging": { "integrations": ["kubernetes"], "namespaces": ["staging", "dev-*", "shop"] }
          },
          "tools": { "get_pods": { "enabled": false, "when": { "namespaces": ["secret-*"] } } },
          "approval_workflows": {
            "default": { "required_approvers": 3 },
            "actions": {
              "scale_deployment": [
                { "required_approvers": 2, "approvers": ["group:@sre-leads"] },
                { "required_approvers": 1, "approver_role": "operator", "allow_self_approval": true, "when": { "environments": ["staging"] } }
              ]
            }
          }
        }
        """;

    private static readonly DateTimeOffset Noon = new(2026, 1, 14, 12, 0, 0, TimeSpan.Zero);   // a Wednesday

    private static ToolFacts Call(string tool = "scale_deployment", string? ns = "shop", ToolEffect effect = ToolEffect.Write, string? integration = "kubernetes") =>
        new(tool, effect, Role.OrgAdmin) { Integration = integration, Namespace = ns, At = Noon };

    private static bool Matches(string pattern, string ns) => new Condition { Namespaces = [pattern] }.Judge(Call(ns: ns), EnvironmentMap.Empty) == Truth.Yes;

    private static Workflow Terms(string json, ToolFacts facts) => Assert.IsType<ToolDecision.NeedsApproval>(ToolDecider.Decide(PolicyParserTests.Parsed(json), facts)).Workflow;

    [Theory]
    [InlineData("dev-1", "kubernetes", 1)]
    [InlineData("staging", "kubernetes", 1)]
    [InlineData("dev-1", "other", 2)]        // the environment names the integration, too
    [InlineData("prod-1", "kubernetes", 2)]
    [InlineData("shop", "kubernetes", 2)]    // in both: production
    [InlineData("elsewhere", "kubernetes", 2)]
    [InlineData("DEV-1", "kubernetes", 2)]
    [InlineData("dev-1\n", "kubernetes", 1)]
    [InlineData(null, "kubernetes", 2)]
    [InlineData("dev-1", null, 2)]
    public void What_is_not_known_to_be_elsewhere_is_production(string? ns, string? integration, int approvers)
    {
        var terms = Terms(Staged, Call(ns: ns, integration: integration));
        Assert.Equal(approvers, terms.RequiredApprovers);
        Assert.Equal(approvers == 1, terms.AllowSelfApproval);
    }

    [Fact]
    public void Who_approves_is_one_answer_of_one_entry()
    {
        Assert.Equal((Role.Operator, 0), Terms(Staged, Call(ns: "dev-1")) is var t ? (t.ApproverRole, t.Approvers.Count) : default);
        Assert.Equal(["group:@sre-leads"], Terms(Staged, Call()).Approvers.Select(a => a.ToString()));
    }

    [Theory]
    [InlineData("secret-1", false)]
    [InlineData("shop", true)]
    [InlineData(null, false)]   // of all namespaces at once: the secret ones among them
    public void A_condition_that_can_not_be_told_counts_when_it_forbids(string? ns, bool allowed) =>
        Assert.Equal(allowed, ToolDecider.Decide(PolicyParserTests.Parsed(Staged), Call("get_pods", ns, ToolEffect.Read)) is ToolDecision.Allow);

    [Fact]
    public void A_condition_that_can_not_be_told_does_not_count_when_it_permits()
    {
        const string Policy = """{"tools":{"get_pods":[{"enabled":false},{"enabled":true,"when":{"namespaces":["open"]}}]}}""";
        Assert.IsType<ToolDecision.Allow>(ToolDecider.Decide(PolicyParserTests.Parsed(Policy), Call("get_pods", "open", ToolEffect.Read)));
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(PolicyParserTests.Parsed(Policy), Call("get_pods", null, ToolEffect.Read)));
    }

    [Fact]
    public void Whose_approval_it_takes_is_not_guessed()
    {
        const string Policy = """{"approval_workflows":{"actions":{"kubernetes.*":{"approvers":["role:operator"],"when":{"namespaces":["dev"]}}}}}""";
        Assert.Equal("role:operator", Assert.Single(Terms(Policy, Call(ns: "dev")).Approvers).ToString());
        Assert.Empty(Terms(Policy, Call(ns: "shop")).Approvers);
        Assert.Contains("can't be told whose", Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(PolicyParserTests.Parsed(Policy), Call("cordon_node", ns: null))).Reason, StringComparison.Ordinal);
        // An entry for exactly this tool settles it.
        const string Mended = """{"approval_workflows":{"actions":{"cordon_node":{"approver_role":"admin"},"kubernetes.*":{"approvers":["role:operator"],"when":{"namespaces":["dev"]}}}}}""";
        Assert.Equal(new Workflow(), Terms(Mended, Call("cordon_node", ns: null)));
    }

    [Fact]
    public void A_tool_whose_namespace_is_still_open_is_offered_when_some_namespace_may_be_asked_for()
    {
        ToolDecision Offer(string json, ToolEffect effect = ToolEffect.Read) =>
            ToolDecider.Decide(PolicyParserTests.Parsed(json), Call("get_pods", null, effect) with { AnyNamespace = true });
        Assert.IsType<ToolDecision.Allow>(Offer("""{"tools":{"get_pods":{"enabled":false,"when":{"namespaces":["secret-*"]}}}}"""));
        Assert.IsType<ToolDecision.Allow>(Offer("""{"tools":{"get_pods":[{"enabled":false},{"enabled":true,"when":{"namespaces":["open"]}}]}}"""));
        Assert.IsType<ToolDecision.Allow>(Offer("""{"environments":{"dev":{"namespaces":["dev"]}},"tools":{"get_pods":[{"enabled":false},{"enabled":true,"when":{"environments":["dev"]}}]}}"""));
        Assert.IsType<ToolDecision.NeedsApproval>(Offer("""{"approval_workflows":{"actions":{"kubernetes.*":{"approvers":["role:operator"],"when":{"namespaces":["dev"]}}}}}""", ToolEffect.Write));
        Assert.IsType<ToolDecision.Deny>(Offer("""{"tools":{"get_pods":{"enabled":false}}}"""));
    }

    [Theory]
    [InlineData("""{"*":{"enabled":false},"kubernetes.*":{"enabled":true}}""", true)]
    [InlineData("""{"*":{"enabled":true},"kubernetes.*":{"enabled":false}}""", false)]
    [InlineData("""{"kubernetes.*":{"enabled":false},"get_pods":{"enabled":true}}""", true)]
    [InlineData("""{"get_pods":{"enabled":false},"kubernetes.get_pods":{"enabled":true}}""", true)]
    [InlineData("""{"get_pods":{"enabled":true},"kubernetes.get_pods":{"enabled":false}}""", false)]
    [InlineData("""{"get_pods":{},"*":{"enabled":false}}""", false)]
    [InlineData("""{"loki.*":{"enabled":false},"loki.get_pods":{"enabled":false}}""", true)]
    [InlineData("""{"get_pods":[{"enabled":false,"when":{"namespaces":["*"]}},{"enabled":true,"when":{"integrations":["kubernetes"]}}]}""", false)]
    [InlineData("""{"get_pods":[{"enabled":true,"when":{"namespaces":["*"]}},{"enabled":false,"when":{"integrations":["kubernetes"]}}]}""", false)]
    [InlineData("""{"get_pods":[{"enabled":true},{"enabled":false,"when":{"environments":["production"]}}]}""", false)]
    public void The_most_specific_name_answers_and_among_equals_the_stricter_answer_counts(string tools, bool allowed) =>
        Assert.Equal(allowed, ToolDecider.Decide(PolicyParserTests.Parsed($"{{\"tools\":{tools}}}"), Call("get_pods", "shop", ToolEffect.Read)) is ToolDecision.Allow);

    [Theory]
    [InlineData("shop")]
    [InlineData(null)]   // and when it can't be told which of them holds
    public void Of_terms_that_are_equally_specific_the_stricter_count(string? ns)
    {
        foreach (var turned in new[] { false, true })
        {
            string[] entries =
            [
                """{"required_approvers":3,"timeout_minutes":20,"approver_role":"operator","break_glass":true,"when":{"namespaces":["sh*"]}}""",
                """{"required_approvers":2,"timeout_minutes":5,"approver_role":"org_admin","break_glass":false,"when":{"namespaces":["*op"]}}""",
            ];
            var json = $"{{\"approval_workflows\":{{\"actions\":{{\"scale_deployment\":[{string.Join(',', turned ? entries.Reverse() : entries)}]}}}}}}";
            Assert.Equal(new Workflow { RequiredApprovers = 3, TimeoutMinutes = 5, ApproverRole = Role.OrgAdmin }, Terms(json, Call(ns: ns)));
        }
    }

    [Fact]
    public void Escalation_that_may_not_hold_widens_nothing()
    {
        const string Policy = """{"approval_workflows":{"actions":{"scale_deployment":{"escalation":[{"after_minutes":5,"approvers":["role:viewer"]}],"when":{"namespaces":["dev"]}}}}}""";
        Assert.Single(Terms(Policy, Call(ns: "dev")).Escalation);
        Assert.Empty(Terms(Policy, Call(ns: null)).Escalation);
    }

    [Fact]
    public void A_star_means_the_tools_of_integrations_and_not_the_products_own_parts()
    {
        var policy = PolicyParserTests.Parsed("""{"tools":{"*":{"enabled":false}}}""");
        Assert.IsType<ToolDecision.Allow>(ToolDecider.Decide(policy, new ToolFacts("model_turn", ToolEffect.Read, Role.Operator)));
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(PolicyParserTests.Parsed("""{"tools":{"model_turn":{"enabled":false}}}"""), new ToolFacts("model_turn", ToolEffect.Read, Role.Operator)));
    }

    [Fact]
    public void A_workflow_with_a_star_says_how_to_ask_and_not_that_reads_ask()
    {
        const string Policy = """{"approval_workflows":{"actions":{"*":{"required_approvers":2},"get_pod_logs":{}}}}""";
        Assert.IsType<ToolDecision.Allow>(ToolDecider.Decide(PolicyParserTests.Parsed(Policy), Call("get_pods", effect: ToolEffect.Read)));
        Assert.Equal(2, Terms(Policy, Call("get_pod_logs", effect: ToolEffect.Read)).RequiredApprovers);
        Assert.Equal(2, Terms(Policy, Call()).RequiredApprovers);
    }

    [Theory]
    [InlineData("2026-01-14T08:59:59Z", false)]   // Wednesday; Berlin is UTC+1
    [InlineData("2026-01-14T07:59:59Z", false)]
    [InlineData("2026-01-14T08:00:00Z", true, "09:00", "17:00")]
    [InlineData("2026-01-14T15:59:59Z", true, "09:00", "17:00")]
    [InlineData("2026-01-14T16:00:00Z", false, "09:00", "17:00")]
    [InlineData("2026-07-15T07:00:00Z", true, "09:00", "17:00")]    // summer time
    [InlineData("2026-07-15T15:00:00Z", false, "09:00", "17:00")]
    [InlineData("2026-01-17T10:00:00Z", false, "09:00", "17:00")]   // Saturday
    [InlineData("2026-01-16T22:00:00Z", true, "22:00", "06:00")]    // the night from Friday
    [InlineData("2026-01-17T04:59:59Z", true, "22:00", "06:00")]    // to Saturday
    [InlineData("2026-01-17T22:00:00Z", false, "22:00", "06:00")]   // not the next one
    [InlineData("2026-01-12T04:00:00Z", false, "22:00", "06:00")]   // nor the one before Monday
    [InlineData("2026-01-16T22:59:59Z", true, "00:00", "24:00")]
    [InlineData("2026-01-16T23:00:00Z", false, "00:00", "24:00")]   // Saturday in Berlin
    public void Hours_are_those_of_a_wall_clock(string at, bool within, string from = "10:00", string to = "17:00")
    {
        var policy = PolicyParserTests.Parsed("""
            {"tools":{"get_pods":[{"enabled":false},{"enabled":true,"when":{"working_hours":{"days":["mon","tue","wed","thu","fri"],"from":"FROM","to":"TO","time_zone":"Europe/Berlin"}}}]}}
            """.Replace("FROM", from, StringComparison.Ordinal).Replace("TO", to, StringComparison.Ordinal));
        var call = Call("get_pods", effect: ToolEffect.Read) with { At = DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture) };
        Assert.Equal(within, ToolDecider.Decide(policy, call) is ToolDecision.Allow);
        Assert.IsType<ToolDecision.Deny>(ToolDecider.Decide(policy, call with { At = null }));
    }

    [Fact]
    public void Stars_stand_for_any_characters() =>
        Gen.Select(Gen.Char["ab*"].Array[0, 8], Gen.Char["ab"].Array[0, 10]).Sample((pattern, text) =>
        {
            var expression = "\\A" + string.Concat(pattern.Select(c => c == '*' ? ".*" : c.ToString())) + "\\z";
            return Matches(new string(pattern), new string(text)) == System.Text.RegularExpressions.Regex.IsMatch(new string(text), expression);
        });

    [Fact]
    public void A_pattern_full_of_stars_takes_no_time() =>
        Assert.False(Matches(string.Concat(Enumerable.Repeat("*a", 126)), new string('a', 125) + new string('b', 4000)));
}
