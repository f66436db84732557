using CsCheck;

namespace IncidentFox.Core.Tests.Approvals;

public sealed class ApprovalRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Gen<Role> Roles = Gen.Int[0, 4].Select(i => (Role)i);

    private static ApprovalTerms Terms(int required = 2, ApprovalState state = ApprovalState.Pending) =>
        Under(new Workflow { RequiredApprovers = required }, state);

    private static ApprovalTerms Under(Workflow workflow, ApprovalState state = ApprovalState.Pending) =>
        new(state, Now, Now.AddMinutes(30), World.Sre, workflow);

    private static Voter Person(int n, Role role = Role.Admin, string org = "acme", string? team = "sre") => new()
    {
        Principal = new Principal
        {
            Person = new PersonId(new Guid(n, 0, 0, new byte[8])), Org = new OrgId(org), DisplayName = $"p{n}", AuditName = $"p{n}",
            Grants = [new Grant(team is null ? null : new TeamId(team), role)],
        },
        Email = $"p{n}@acme.test", SlackUsers = new HashSet<string> { $"U{n}00" },
    };

    private static Approver Named(string text) => Approver.TryParse(text, out var approver) ? approver : throw new ArgumentException(text, nameof(text));

    [Fact]
    public void No_order_of_clicks_by_k_people_counts_for_more_than_k() =>
        Gen.Select(Gen.Int[0, 4].Array[0, 30], Gen.Int[1, 6]).Sample((clicks, required) =>
            ApprovalRules.HasQuorum(Terms(required), clicks.Select(c => Person(c)), [], Now) == clicks.Distinct().Count() >= required);

    [Fact]
    public void Only_eligible_people_count_whoever_else_votes() =>
        Gen.Select(Gen.Int[0, 5], Roles, Gen.Bool, Gen.Int[0, 2], Gen.Bool).Array[0, 12].Sample(voters =>
        {
            var people = voters.Select(v => (Voter: Person(v.Item1, v.Item2, v.Item3 ? "acme" : "other", v.Item4 switch { 0 => "sre", 1 => "web", _ => null }), Asked: v.Item5)).ToArray();
            var requesters = people.Where(p => p.Asked).Select(p => p.Voter.Principal.Person).ToHashSet();
            var eligible = people.Select(p => p.Voter.Principal)
                .Where(p => p.Org == World.Sre.Org && !requesters.Contains(p.Person) && p.Grants.Any(g => (g.Team is null || g.Team == World.Sre.Team) && g.Role >= Role.Admin))
                .Select(p => p.Person).Distinct().Count();
            return Enumerable.Range(1, 6).All(k => ApprovalRules.HasQuorum(Terms(k), people.Select(p => p.Voter), requesters, Now) == eligible >= k);
        });

    [Fact]
    public void A_requester_never_decides_neither_way_whatever_their_role() =>
        Gen.Select(Roles, Gen.Bool).Sample((role, denying) =>
            !ApprovalRules.Judge(Terms(), Person(1, role, team: null), [Person(1).Principal.Person], denying, Now).Accepted);

    [Fact]
    public void A_viewer_an_outsider_and_somebody_unknown_are_refused_with_a_reason()
    {
        foreach (var voter in new[] { null, Person(1, Role.Viewer), Person(1, Role.Operator), Person(1, Role.None), Person(1, org: "other", team: null), Person(1, team: "web") })
        {
            foreach (var denying in new[] { true, false })
            {
                var judgement = ApprovalRules.Judge(Terms(), voter, [], denying, Now);
                Assert.False(judgement.Accepted);
                Assert.NotEmpty(judgement.Reason!);
            }
        }
        Assert.True(ApprovalRules.Judge(Terms(), Person(1, Role.OrgAdmin, team: null), [], false, Now).Accepted);
    }

    [Fact]
    public void From_the_deadline_on_nothing_counts()
    {
        foreach (var late in new[] { 0, 1, 100_000 })
        {
            var at = Terms().ExpiresAt.AddTicks(late);
            Assert.False(ApprovalRules.Judge(Terms(), Person(1), [], false, at).Accepted);
            Assert.False(ApprovalRules.Judge(Terms(), Person(1), [], true, at).Accepted);
            Assert.False(ApprovalRules.HasQuorum(Terms(1), [Person(1)], [], at));
        }
        Assert.True(ApprovalRules.HasQuorum(Terms(1), [Person(1)], [], Terms().ExpiresAt.AddTicks(-1)));
    }

    [Fact]
    public void Deciding_is_open_while_pending_denying_also_while_approved_and_neither_afterwards()
    {
        foreach (var state in Enum.GetValues<ApprovalState>().Append((ApprovalState)99))
        {
            Assert.Equal(state == ApprovalState.Pending, ApprovalRules.Judge(Terms(state: state), Person(1), [], false, Now).Accepted);
            Assert.Equal(state is ApprovalState.Pending or ApprovalState.Approved, ApprovalRules.Judge(Terms(state: state), Person(1), [], true, Now).Accepted);
            Assert.Equal(state == ApprovalState.Pending, ApprovalRules.HasQuorum(Terms(1, state), [Person(1)], [], Now));
        }
    }

    [Fact]
    public void A_quorum_of_nobody_is_none() => Assert.False(ApprovalRules.HasQuorum(Terms(0), [], [], Now));

    [Theory]
    [InlineData("p1@acme.test", true)]
    [InlineData("P1@Acme.Test", true)]
    [InlineData("p2@acme.test", false)]
    [InlineData("U100", true)]
    [InlineData("U10", false)]
    [InlineData("group:@sre-leads", true)]
    [InlineData("group:S0LEADS", true)]
    [InlineData("group:@others", false)]
    [InlineData("oncall:pagerduty/PABC", true)]
    [InlineData("oncall:opsgenie/PABC", false)]
    [InlineData("role:viewer", true)]
    [InlineData("role:operator", false)]
    public void Who_is_named_decides_and_nobody_else_does_even_with_the_role(string approver, bool expected)
    {
        var terms = Under(new Workflow { Approvers = [Named(approver)], ApproverRole = Role.Viewer });
        var voter = Person(1, Role.Viewer) with { Groups = new HashSet<string> { "@sre-leads", "S0LEADS" }, OnCall = new HashSet<string> { "pagerduty/PABC" } };
        Assert.Equal(expected, ApprovalRules.Judge(terms, voter, [], false, Now).Accepted);
        Assert.Equal(expected, ApprovalRules.HasQuorum(terms, [voter], [], Now));
        Assert.False(ApprovalRules.Judge(terms, Person(9, Role.Viewer), [], false, Now).Accepted && !approver.StartsWith("role", StringComparison.Ordinal));
        Assert.False(ApprovalRules.Judge(terms, voter, [voter.Principal.Person], false, Now).Accepted);
        Assert.False(ApprovalRules.Judge(terms, voter with { Principal = Person(1, org: "other").Principal }, [], false, Now).Accepted);
    }

    [Fact]
    public void Escalation_widens_who_may_approve_from_its_minute_on_and_never_lowers_how_many_must() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 29], Gen.Int[0, 29], Gen.Int[0, 6]).Sample((required, after, minute, outsiders) =>
        {
            var terms = Under(new Workflow
            {
                RequiredApprovers = required, Approvers = [Named("p1@acme.test")],
                Escalation = [new EscalationStep(after, [Named("role:operator")], null)],
            });
            var now = Now.AddMinutes(minute);
            var voters = Enumerable.Range(2, outsiders).Select(n => Person(n, Role.Operator)).Prepend(Person(1)).ToArray();
            var counted = 1 + (minute >= after ? outsiders : 0);
            return ApprovalRules.HasQuorum(terms, voters, [], now) == counted >= required
                && voters.Skip(1).All(v => ApprovalRules.Judge(terms, v, [], false, now).Accepted == minute >= after);
        });

    [Fact]
    public void With_more_time_nobody_who_could_approve_can_do_so_no_more() =>
        Gen.Select(Gen.Int[0, 20], Gen.Int[0, 29], Gen.Int[0, 29], Roles).Sample((after, one, two, role) =>
        {
            var terms = Under(new Workflow { Escalation = [new EscalationStep(after, [Named("role:operator")], null)] });
            var (earlier, later) = (Now.AddMinutes(Math.Min(one, two)), Now.AddMinutes(Math.Max(one, two)));
            return !ApprovalRules.Judge(terms, Person(1, role), [], false, earlier).Accepted || ApprovalRules.Judge(terms, Person(1, role), [], false, later).Accepted;
        });

    [Fact]
    public void Taking_a_role_or_a_group_away_never_makes_anybody_an_approver() =>
        Gen.Select(Roles, Roles, Gen.Bool, Gen.Bool, Gen.Bool).Sample((high, low, named, grouped, denying) =>
        {
            if (low > high)
                (low, high) = (high, low);
            var terms = Under(new Workflow { Approvers = named ? [Named("group:@leads"), Named("role:admin")] : [] });
            var more = Person(1, high) with { Groups = grouped ? new HashSet<string> { "@leads" } : [] };
            var less = Person(1, low);
            return !ApprovalRules.Judge(terms, less, [], denying, Now).Accepted || ApprovalRules.Judge(terms, more, [], denying, Now).Accepted;
        });

    [Fact]
    public void Who_asked_approves_only_where_the_terms_allow_it()
    {
        var asked = new[] { Person(1).Principal.Person };
        Assert.True(ApprovalRules.Judge(Under(new Workflow { AllowSelfApproval = true }), Person(1), asked, false, Now).Accepted);
        Assert.False(ApprovalRules.Judge(Under(new Workflow()), Person(1), asked, false, Now).Accepted);
        Assert.False(ApprovalRules.Judge(Under(new Workflow { AllowSelfApproval = true }), Person(1, Role.Operator), asked, false, Now).Accepted);
    }

    [Fact]
    public void An_admin_who_is_not_named_may_say_no_but_not_yes()
    {
        var terms = Under(new Workflow { Approvers = [Named("p2@acme.test")] });
        Assert.True(ApprovalRules.Judge(terms, Person(1), [], true, Now).Accepted);
        Assert.False(ApprovalRules.Judge(terms, Person(1), [], false, Now).Accepted);
        Assert.False(ApprovalRules.Judge(terms, Person(1, Role.Operator), [], true, Now).Accepted);
    }

    [Fact]
    public void Acting_alone_takes_an_admin_who_did_not_ask_and_terms_that_allow_it() =>
        Gen.Select(Gen.Bool, Roles, Gen.Bool, Gen.Bool, Gen.Int[0, 8], Gen.Int[0, 60]).Sample((allowed, role, asked, ours, state, minute) =>
        {
            var terms = Under(new Workflow { BreakGlass = allowed, RequiredApprovers = 3 }, (ApprovalState)state);
            var voter = Person(1, role, ours ? "acme" : "other", team: null);
            var judged = ApprovalRules.JudgeBreakGlass(terms, voter, asked ? [voter.Principal.Person] : [], Now.AddMinutes(minute));
            return judged.Accepted == (allowed && role >= Role.Admin && !asked && ours && state == (int)ApprovalState.Pending && minute < 30)
                && judged.Accepted == judged.Reason is null;
        });

    [Fact]
    public void Only_who_asked_calls_it_off_and_only_before_it_runs()
    {
        foreach (var state in Enum.GetValues<ApprovalState>())
        {
            var open = state is ApprovalState.Pending or ApprovalState.Approved;
            var mine = new[] { Person(1).Principal.Person };
            Assert.Equal(open, ApprovalRules.JudgeCancel(Terms(state: state), Person(1, Role.Viewer), mine, Now).Accepted);
            Assert.False(ApprovalRules.JudgeCancel(Terms(state: state), Person(2, Role.OrgAdmin), mine, Now).Accepted);
            Assert.False(ApprovalRules.JudgeCancel(Terms(state: state), Person(1, org: "other"), mine, Now).Accepted);
            Assert.False(ApprovalRules.JudgeCancel(Terms(state: state), null, mine, Now).Accepted);
            Assert.False(ApprovalRules.JudgeCancel(Terms(state: state), Person(1, Role.None), mine, Now).Accepted);
            Assert.Equal(state == ApprovalState.Pending, ApprovalRules.JudgeWithdrawal(Terms(state: state), Now).Accepted);
        }
        Assert.False(ApprovalRules.JudgeWithdrawal(Terms(), Now.AddMinutes(30)).Accepted);
        Assert.False(ApprovalRules.JudgeBreakGlass(Under(new Workflow { BreakGlass = true }), null, [], Now).Accepted);
    }

    // Of random cases few get as far as being accepted: each refusal is shown beside the one case that is.
    [Fact]
    public void Acting_alone_is_refused_for_one_thing_that_is_wrong()
    {
        var terms = Under(new Workflow { BreakGlass = true, RequiredApprovers = 3 });
        var admin = Person(1);
        Assert.True(ApprovalRules.JudgeBreakGlass(terms, admin, [Person(2).Principal.Person], Now).Accepted);
        Assert.Contains("break_glass", ApprovalRules.JudgeBreakGlass(Under(new Workflow { RequiredApprovers = 3 }), admin, [], Now).Reason);
        Assert.Contains("You asked", ApprovalRules.JudgeBreakGlass(terms, admin, [admin.Principal.Person], Now).Reason);
        Assert.Contains("needs the role", ApprovalRules.JudgeBreakGlass(terms, Person(1, Role.Operator), [], Now).Reason);
        Assert.Contains("time for a decision is over", ApprovalRules.JudgeBreakGlass(terms, admin, [], terms.ExpiresAt).Reason);
        Assert.Contains("already approved", ApprovalRules.JudgeBreakGlass(terms with { State = ApprovalState.Approved }, admin, [], Now).Reason);
    }

    [Fact]
    public void An_admin_who_is_not_named_does_not_count_towards_the_quorum()
    {
        var terms = Under(new Workflow { Approvers = [Named("p2@acme.test")], RequiredApprovers = 1 });
        Assert.False(ApprovalRules.HasQuorum(terms, [Person(1, Role.OrgAdmin, team: null)], [], Now));
        Assert.True(ApprovalRules.HasQuorum(terms, [Person(1), Person(2, Role.Operator)], [], Now));
    }

    [Fact]
    public void Who_may_not_decide_is_told_which_role_it_takes_or_whom_policy_names_now()
    {
        Assert.Contains("needs the role admin in team sre; you have operator", ApprovalRules.Judge(Terms(), Person(1, Role.Operator), [], false, Now).Reason);
        var terms = Under(new Workflow { Approvers = [Named("p2@acme.test")], Escalation = [new EscalationStep(5, [Named("p3@acme.test")], null)] });
        Assert.Contains("Policy names who decides this: p2@acme.test. You are not", ApprovalRules.Judge(terms, Person(1), [], false, Now).Reason);
        Assert.Contains(": p2@acme.test, p3@acme.test. You are not", ApprovalRules.Judge(terms, Person(1), [], false, Now.AddMinutes(5)).Reason);
    }

    [Theory]
    [InlineData(5, "p1@acme.test, p2@acme.test, p3@acme.test, p4@acme.test, p5@acme.test")]
    [InlineData(6, "p1@acme.test, p2@acme.test, p3@acme.test, p4@acme.test, p5@acme.test and 1 more")]
    public void Five_names_are_said_and_how_many_more_there_are_nobody_twice(int count, string expected)
    {
        var names = Enumerable.Range(1, count).Select(n => Named($"p{n}@acme.test")).ToArray();
        var terms = Under(new Workflow { Approvers = names, Escalation = [new EscalationStep(0, [names[0]], null)] });
        Assert.Contains($"decides this: {expected}. You", ApprovalRules.Judge(terms, Person(9), [], false, Now).Reason);
    }

    [Fact]
    public void What_is_not_known_means_nobody() =>
        Assert.DoesNotContain([new Approver(ApproverKind.Role, "everybody"), new Approver((ApproverKind)99, "p1@acme.test")], a => Person(1, Role.OrgAdmin, team: null).Is(a, World.Sre.Team));
}
