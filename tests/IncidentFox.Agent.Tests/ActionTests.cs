using System.Text.Json;
using IncidentFox.Agent.Investigating;
using IncidentFox.Contracts;
using Xunit;

namespace IncidentFox.Agent.Tests;

/// <summary>From the finding to the action, its decision and its effect.</summary>
public sealed class ActionTests
{
    private const string Wedged = "checkout-7d9f8c6b5d-aaaaa";

    [Fact]
    public async Task One_pod_that_is_killed_for_memory_beside_healthy_siblings_is_proposed_for_a_restart_once()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Approving(shop, () => (shop.Checkout[0], shop.ErrorShare) = (("checkout-7d9f8c6b5d-ccccc", true, false), _ => 0));
        Assert.Equal(ExitCodes.Done, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);

        var call = Assert.Single(gateway.Calls, c => c.Tool is "pod_restart" or "scale_deployment");
        Assert.Equal($$"""{"namespace":"shop","pod":"{{Wedged}}"}""", call.Arguments.GetRawText());
        Assert.Contains("OOMKilled", call.Reason!, StringComparison.Ordinal);
        Assert.Equal(Confidence.High, gateway.Final.Confidence);
        Assert.Contains("from 0.4 % to 50 %", gateway.Final.WhatHappened, StringComparison.Ordinal);
        Assert.Contains("since 14:55:00 UTC", gateway.Final.WhatHappened, StringComparison.Ordinal);
        Assert.Contains("2 of 2 pods of checkout are ready", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Contains("checkout answers 0 % of its requests with 5xx now", gateway.Final.Action.Outcome!, StringComparison.Ordinal);
        Assert.Single(gateway.Events.OfType<NoticeEvent>());
        Assert.Empty(gateway.Violations);
    }

    [Fact]
    public async Task The_report_comes_before_the_proposal_and_only_the_last_is_final()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Approving(shop, () => shop.Checkout[0] = ("checkout-7d9f8c6b5d-ccccc", true, false));
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Equal([false, false, true], gateway.Reports.Select(r => r.Final));
        Assert.Null(gateway.Reports.First().Report.Action);
        Assert.Equal("apr_1", gateway.Reports.ElementAt(1).Report.Action!.ApprovalId);
        Assert.IsType<ReportEvent>(gateway.Events[^1]);
    }

    [Fact]
    public async Task A_dependency_scaled_to_zero_is_the_cause_and_scaling_it_back_is_proposed()
    {
        var shop = new SmallShop { PaymentsReplicas = 0, ErrorShare = at => at < SmallShop.Now.AddMinutes(-5) ? 0 : 1, Log = "level=error msg=\"call to payments failed: connection refused\"\n" };
        await using var gateway = Approving(shop, () => (shop.PaymentsReplicas, shop.ErrorShare) = (2, _ => 0));
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Contains("payments is scaled to 0", gateway.Final.Why, StringComparison.Ordinal);
        Assert.Contains("checkout calls payments", gateway.Final.Why, StringComparison.Ordinal);
        Assert.Equal(Confidence.High, gateway.Final.Confidence);
        var call = Assert.Single(gateway.Calls, c => c.Tool == "scale_deployment");
        Assert.Equal("""{"namespace":"shop","deployment":"payments","replicas":2}""", call.Arguments.GetRawText());
        Assert.Contains("checkout answers 0 %", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("denied", "not during the sale", "Denied: not during the sale. Nothing was changed.")]
    [InlineData("expired", null, "Nobody decided in time. Nothing was changed.")]
    [InlineData("cancelled", null, "Cancelled. Nothing was changed.")]
    [InlineData("failed", "409", "Approved, but the change failed: 409.")]
    [InlineData("unknown", "the answer was lost", "It can't be known whether the change ran: the answer was lost. A person must check.")]
    public async Task Every_other_end_is_said_plainly(string state, string? detail, string outcome)
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Gateway(shop);
        gateway.Approval = id => Status(id, state, detail);
        Assert.Equal(ExitCodes.Done, (await Run.AgentAsync(gateway, SmallShop.Now)).Code);
        Assert.Equal(outcome, gateway.Final.Action!.Outcome);
        Assert.Equal(outcome, Assert.Single(gateway.Events.OfType<NoticeEvent>()).Text);
        Assert.DoesNotContain(gateway.Events.OfType<StepEvent>(), s => s.Id == "effect");
    }

    [Fact]
    public async Task An_executed_action_without_effect_is_said_so()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Approving(shop, () => { });
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Contains($"its effect is not seen: Pod {Wedged} is still there", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Equal(StepState.Failed, gateway.Events.OfType<StepEvent>().Last(s => s.Id == "effect").State);
    }

    [Fact]
    public async Task A_refused_proposal_is_reported_with_the_reason()
    {
        var shop = new SmallShop { Write = (_, _) => ToolAnswer.Error(403, "denied", "The team's policy denies pod_restart.") };
        shop.BreakByMemory();
        await using var gateway = Gateway(shop);
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Contains("policy denies pod_restart", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Null(gateway.Final.Action.ApprovalId);
    }

    [Fact]
    public async Task Without_a_decision_the_agent_parks_and_ends_well()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Gateway(shop);
        gateway.Task = shop.Ask(park: 0);
        gateway.Approval = id => Status(id, "pending", null);
        Assert.Equal(new Ending(ExitCodes.Done, null), await Run.AgentAsync(gateway, SmallShop.Now));
        Assert.Equal("apr_1", Assert.IsType<ParkedEvent>(gateway.Events[^1]).ApprovalId);
        Assert.DoesNotContain(gateway.Reports, r => r.Final);
    }

    [Fact]
    public async Task What_is_approved_while_it_would_park_is_waited_for()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        await using var gateway = Gateway(shop);
        gateway.Task = shop.Ask(park: 0);
        var asked = 0;
        gateway.Approval = id => Status(id, asked++ == 0 ? "approved" : "denied", null);
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.DoesNotContain(gateway.Events, e => e is ParkedEvent);
        Assert.StartsWith("Denied", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fresh_sandbox_checks_the_effect_without_looking_again()
    {
        var shop = new SmallShop();
        shop.Checkout[0] = ("checkout-7d9f8c6b5d-ccccc", true, false);
        await using var gateway = Gateway(shop);
        gateway.Task = shop.Ask(resume: Resume("executed"));
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Contains($"Pod {Wedged} is replaced: 2 of 2", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Equal("as it stood", gateway.Final.Why);
        Assert.DoesNotContain(gateway.Events, e => e is PlanEvent);
        Assert.DoesNotContain(gateway.Calls, c => c.Tool == "pod_restart");
    }

    [Fact]
    public async Task A_fresh_sandbox_after_a_denial_only_ends_the_report()
    {
        var shop = new SmallShop();
        await using var gateway = Gateway(shop);
        gateway.Task = shop.Ask(resume: Resume("denied"));
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.StartsWith("Denied", gateway.Final.Action!.Outcome!, StringComparison.Ordinal);
        Assert.Empty(gateway.Calls);
    }

    [Fact]
    public async Task One_pod_that_answers_most_of_the_errors_is_found_by_the_metrics()
    {
        var shop = new SmallShop { ErrorShare = at => at < SmallShop.Now.AddMinutes(-3) ? 0.001 : 0.45, ByPod = [(Wedged, 4.8, 5), ("checkout-7d9f8c6b5d-bbbbb", 0.01, 5)], Log = "level=error msg=\"payments connection pool exhausted (16/16)\"\n" };
        await using var gateway = Gateway(shop);
        gateway.Approval = id => Status(id, "denied", null);
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.Contains($"{Wedged} answers 96 % of its requests with 5xx", gateway.Final.Why, StringComparison.Ordinal);
        Assert.Contains("pool exhausted", gateway.Final.Why, StringComparison.Ordinal);
        Assert.Single(gateway.Calls, c => c.Tool == "pod_restart");
    }

    [Fact]
    public async Task The_last_healthy_pod_is_not_blamed_for_the_load_of_the_broken_one()
    {
        var shop = new SmallShop();
        shop.BreakByMemory();
        shop.ByPod = [("checkout-7d9f8c6b5d-bbbbb", 5, 10), (Wedged, 0, 0.1)];
        await using var gateway = Gateway(shop);
        gateway.Approval = id => Status(id, "denied", null);
        await Run.AgentAsync(gateway, SmallShop.Now);
        Assert.DoesNotContain("One pod of checkout fails", gateway.Final.Why + string.Join(' ', gateway.Final.NextSteps), StringComparison.Ordinal);
        Assert.Equal(Wedged, Assert.Single(gateway.Calls, c => c.Tool == "pod_restart").Arguments.GetProperty("pod").GetString());
    }

    private static FakeGateway Gateway(SmallShop shop)
    {
        shop.Write ??= (_, _) => ToolAnswer.Approval("apr_1", SmallShop.Now.AddMinutes(30));
        return new() { Task = shop.Ask(), ToolNames = SmallShop.Tools, Answer = shop.Answer };
    }

    // Pending at first, executed at the second look.
    private static FakeGateway Approving(SmallShop shop, Action happens)
    {
        var gateway = Gateway(shop);
        var looks = 0;
        gateway.Approval = id =>
        {
            if (looks++ == 0)
                return Status(id, "pending", null);
            happens();
            var call = gateway.Calls.Last(c => c.Tool is "pod_restart" or "scale_deployment");
            return Status(id, "executed", null) with { Tool = call.Tool, Parameters = call.Arguments };
        };
        return gateway;
    }

    private static ResumedWork Resume(string state) => new()
    {
        Approval = Status("apr_1", state, null),
        Report = new() { WhatHappened = "x", Why = "as it stood", Confidence = Confidence.High, Evidence = [], NextSteps = [], NotSeen = [], Method = "m", Action = new("pod_restart", "Restart", "apr_1") },
    };

    private static ApprovalStatus Status(string id, string state, string? detail) => new()
    {
        ApprovalId = id,
        Tool = "pod_restart",
        State = state,
        Detail = detail,
        Final = state is not ("pending" or "approved" or "executing"),
        Parameters = JsonDocument.Parse($$"""{"namespace":"shop","pod":"{{Wedged}}"}""").RootElement,
    };
}
