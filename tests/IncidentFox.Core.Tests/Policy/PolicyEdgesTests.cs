namespace IncidentFox.Core.Tests.Policy;

/// <summary>Where one answer ends and the next begins. Random cases seldom come here.</summary>
public sealed class PolicyEdgesTests
{
    private const int Nine = 9 * 60, Half = (17 * 60) + 30;

    private static ToolFacts Call(string? ns = "shop", ToolEffect effect = ToolEffect.Write) =>
        new("scale_deployment", effect, Role.OrgAdmin) { Integration = "kubernetes", Namespace = ns, At = new(2026, 1, 14, 12, 0, 0, TimeSpan.Zero) };

    private static ToolDecision Decided(string json, ToolFacts facts) => ToolDecider.Decide(PolicyParserTests.Parsed(json), facts);

    private static string Actions(string entries, string rest = "") => $"{{\"approval_workflows\":{{{rest}\"actions\":{{\"scale_deployment\":[{entries}]}}}}}}";

    private static Workflow Terms(string entries, ToolFacts facts, string rest = "") =>
        Assert.IsType<ToolDecision.NeedsApproval>(Decided(Actions(entries, rest), facts)).Workflow;

    private static bool Within(DayOfWeek[] days, int from, int to, string at) =>
        new WorkingHours(days.ToHashSet(), from, to, TimeZoneInfo.Utc).Contains(DateTimeOffset.Parse(at + "Z", System.Globalization.CultureInfo.InvariantCulture));

    [Theory]   // the 14th of January 2026 is a Wednesday
    [InlineData("2026-01-14T08:59:59", false)]
    [InlineData("2026-01-14T09:00:00", true)]
    [InlineData("2026-01-14T17:29:59", true)]
    [InlineData("2026-01-14T17:30:00", false)]
    [InlineData("2026-01-13T12:00:00", false)]
    public void Hours_of_a_day_begin_with_their_first_minute_and_end_before_the_last(string at, bool within) =>
        Assert.Equal(within, Within([DayOfWeek.Wednesday], Nine, Half, at));

    [Theory]   // from Sunday, the 11th, to Monday
    [InlineData("2026-01-11T21:59:00", false)]
    [InlineData("2026-01-11T22:00:00", true)]
    [InlineData("2026-01-12T05:59:00", true)]
    [InlineData("2026-01-12T06:00:00", false)]
    [InlineData("2026-01-12T22:00:00", false)]
    [InlineData("2026-01-11T05:59:00", false)]
    public void Hours_over_midnight_belong_to_the_day_on_which_they_began(string at, bool within) =>
        Assert.Equal(within, Within([DayOfWeek.Sunday], 22 * 60, 6 * 60, at));

    [Fact]
    public void From_a_minute_to_the_same_is_a_whole_day()
    {
        Assert.True(Within([DayOfWeek.Wednesday], Nine, Nine, "2026-01-14T09:00:00"));
        Assert.True(Within([DayOfWeek.Wednesday], Nine, Nine, "2026-01-15T08:59:00"));
        Assert.False(Within([DayOfWeek.Wednesday], Nine, Nine, "2026-01-15T09:00:00"));
    }

    [Fact]
    public void Of_a_list_one_must_hold_and_of_all_lists_each()
    {
        Truth Judge(Condition condition, string? integration = "kubernetes", string? ns = "shop") =>
            condition.Judge(Call(ns) with { Integration = integration }, EnvironmentMap.Empty);
        Assert.Equal(Truth.Yes, Judge(new Condition { Integrations = ["loki", "kubernetes"], Namespaces = ["prod-*", "shop"] }));
        Assert.Equal(Truth.No, Judge(new Condition { Integrations = ["loki"], Namespaces = ["shop"] }));
        Assert.Equal(Truth.No, Judge(new Condition { Integrations = ["kubernetes"], Namespaces = ["prod-*"] }));
        Assert.Equal(Truth.Unknown, Judge(new Condition { Integrations = ["kubernetes"] }, integration: null));
        Assert.Equal(Truth.Unknown, Judge(new Condition { Namespaces = ["shop"] }, ns: null));
        Assert.Equal(Truth.No, Judge(new Condition { Integrations = ["loki"], Namespaces = ["shop"] }, ns: null));   // enough to know
    }

    [Fact]
    public void Where_people_are_told_and_how_often_is_what_the_first_entry_says_that_holds_for_certain()
    {
        const string Entries = """
            {"notify_channel":"#dev","reminder_minutes":3,"when":{"namespaces":["dev"]}},{"required_approvers":2,"when":{"namespaces":["*"]}},{"notify_channel":"#ops","reminder_minutes":5}
            """;
        (string, decimal?) Told(string? ns) => Terms(Entries, Call(ns)) is var t ? (t.NotifyChannel, t.ReminderMinutes) : default;
        Assert.Equal(("#dev", 3m), Told("dev"));
        Assert.Equal(("#ops", 5m), Told("shop"));
        Assert.Equal(("#ops", 5m), Told(null));
        Assert.Equal("#all", Terms("""{"required_approvers":2}""", Call(), """ "default":{"notify_channel":"#all"}, """).NotifyChannel);
    }

    [Fact]
    public void Whoever_asked_may_approve_only_if_every_entry_says_so()
    {
        bool MayApprove(params string[] said) => Assert.IsType<ToolDecision.NeedsApproval>(Decided(
            """{"environments":{"dev":{"namespaces":["shop"]}},""" + Actions(string.Join(',', said.Select(s => $"{{\"allow_self_approval\":{s},\"when\":{{\"environments\":[\"dev\"]}}}}")))[1..], Call())).Workflow.AllowSelfApproval;
        Assert.True(MayApprove("true", "true"));
        Assert.False(MayApprove("true", "false"));
        Assert.False(MayApprove("false", "true"));
    }

    [Fact]
    public void Of_named_approvers_the_first_that_holds_counts_and_what_may_hold_instead_must_name_the_same()
    {
        const string Leads = """{"approvers":["group:@leads"],"when":{"namespaces":["dev"]}}""", Ops = """{"approvers":["group:@ops"]}""";
        Assert.Equal("group:@leads", Assert.Single(Terms($"{Leads},{Ops}", Call("dev")).Approvers).ToString());
        Assert.Equal("group:@ops", Assert.Single(Terms($"{Leads},{Ops}", Call("shop")).Approvers).ToString());
        Assert.Equal("group:@ops", Assert.Single(Terms("""{"approvers":["group:@ops"],"when":{"namespaces":["sh*"]}},{"approvers":["group:@others"],"when":{"namespaces":["*op"]}}""", Call()).Approvers).ToString());
        Assert.IsType<ToolDecision.Deny>(Decided(Actions($"{Leads},{Ops}"), Call(null)));
        Assert.Equal("group:@leads", Assert.Single(Terms($$"""{{Leads}},{"approvers":["group:@leads"]}""", Call(null)).Approvers).ToString());
    }

    [Fact]
    public void Steps_of_escalation_that_only_may_hold_count_when_the_others_are_the_same()
    {
        const string Default = """ "default":{"escalation":[{"after_minutes":5,"approvers":["role:operator"]}]}, """;
        const string Same = """{"escalation":[{"after_minutes":5,"approvers":["role:operator"]}],"when":{"namespaces":["dev"]}}""";
        const string Sooner = """{"escalation":[{"after_minutes":1,"approvers":["role:operator"]}],"when":{"namespaces":["dev"]}}""";
        Assert.Equal(1m, (decimal)Assert.Single(Terms(Sooner, Call("dev"), Default).Escalation).AfterMinutes);
        Assert.Empty(Terms(Sooner, Call(null), Default).Escalation);
        Assert.Equal(5m, (decimal)Assert.Single(Terms(Same, Call("shop"), Default).Escalation).AfterMinutes);
        Assert.Equal(5m, (decimal)Assert.Single(Terms(Same, Call(null), Default).Escalation).AfterMinutes);
        Assert.Empty(Terms($$"""{{Sooner}},{"escalation":[{"after_minutes":5,"approvers":["role:operator"]}]}""", Call(null)).Escalation);
        // The first of two that both hold.
        Assert.Equal(1m, (decimal)Assert.Single(Terms($"{Sooner},{Same}", Call("dev")).Escalation).AfterMinutes);
    }

    [Fact]
    public void Of_a_tools_two_names_an_entry_with_a_condition_that_holds_goes_first()
    {
        ToolFacts Exec(string ns) => new("docker_exec", ToolEffect.Read, Role.OrgAdmin) { Integration = "kubernetes", OtherNames = ["pod_exec"], Namespace = ns };
        const string Json = """{"tools":{"docker_exec":{"enabled":false},"pod_exec":{"enabled":true,"when":{"namespaces":["open"]}}}}""";
        Assert.IsType<ToolDecision.Allow>(Decided(Json, Exec("open")));
        Assert.IsType<ToolDecision.Deny>(Decided(Json, Exec("shop")));
    }

    [Fact]
    public void A_call_is_in_one_environment_and_with_none_defined_all_is_production_whatever_the_namespace()
    {
        var sets = new EnvironmentMap([new("dev", [], ["dev"]), new("staging", [], ["staging"])]);
        Truth In(string environment, EnvironmentMap map, ToolFacts facts) => new Condition { Environments = [environment] }.Judge(facts, map);
        Assert.Equal((Truth.Yes, Truth.No, Truth.No), (In("dev", sets, Call("dev")), In("staging", sets, Call("dev")), In("production", sets, Call("dev"))));
        Assert.Equal(Truth.Unknown, In("production", sets, Call(null) with { AnyNamespace = true }));
        Assert.Equal(Truth.Yes, In("production", EnvironmentMap.Empty, Call(null) with { AnyNamespace = true }));
    }
}
