using CsCheck;

namespace IncidentFox.Core.Tests.Approvals;

public sealed class ApprovalRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Gen<Role> Roles = Gen.Int[0, 4].Select(i => (Role)i);

    private static ApprovalTerms Terms(int required = 2, ApprovalState state = ApprovalState.Pending) =>
        new(state, Now.AddMinutes(30), World.Sre, required, Role.Admin);

    private static Principal Person(int n, Role role = Role.Admin, string org = "acme", string? team = "sre") => new()
    {
        Person = new PersonId(new Guid(n, 0, 0, new byte[8])), Org = new OrgId(org), DisplayName = $"p{n}", AuditName = $"p{n}",
        Grants = [new Grant(team is null ? null : new TeamId(team), role)],
    };

    [Fact]
    public void No_order_of_clicks_by_k_people_counts_for_more_than_k() =>
        Gen.Select(Gen.Int[0, 4].Array[0, 30], Gen.Int[1, 6]).Sample((clicks, required) =>
            ApprovalRules.HasQuorum(Terms(required), clicks.Select(c => Person(c)), [], Now) == clicks.Distinct().Count() >= required);

    [Fact]
    public void Only_eligible_people_count_whoever_else_votes() =>
        Gen.Select(Gen.Int[0, 5], Roles, Gen.Bool, Gen.Int[0, 2], Gen.Bool).Array[0, 12].Sample(voters =>
        {
            var people = voters.Select(v => (Principal: Person(v.Item1, v.Item2, v.Item3 ? "acme" : "other", v.Item4 switch { 0 => "sre", 1 => "web", _ => null }), Asked: v.Item5)).ToArray();
            var requesters = people.Where(p => p.Asked).Select(p => p.Principal.Person).ToHashSet();
            var eligible = people.Select(p => p.Principal)
                .Where(p => p.Org == World.Sre.Org && !requesters.Contains(p.Person) && p.Grants.Any(g => (g.Team is null || g.Team == World.Sre.Team) && g.Role >= Role.Admin))
                .Select(p => p.Person).Distinct().Count();
            return Enumerable.Range(1, 6).All(k => ApprovalRules.HasQuorum(Terms(k), people.Select(p => p.Principal), requesters, Now) == eligible >= k);
        });

    [Fact]
    public void A_requester_never_decides_neither_way_whatever_their_role() =>
        Gen.Select(Roles, Gen.Bool).Sample((role, denying) =>
            !ApprovalRules.Judge(Terms(), Person(1, role, team: null), [Person(1).Person], denying, Now).Accepted);

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
}
