using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

/// <summary>
/// <c>serve --role bot</c> and <c>serve --role gateway</c>, with the agent in pods that really run: their own network, the policies enforced, a token of their own. The
/// API server is the double.
/// </summary>
public sealed class PodTests(PodInstallation product) : IClassFixture<PodInstallation>
{
    [Fact]
    public async Task A_waiting_pod_investigates_and_what_it_proposes_is_done_once_although_the_bot_is_killed_meanwhile()
    {
        var ct = TestContext.Current.CancellationToken;
        await product.Ledger.UntilAsync("a pod to wait, caged", () => product.Ledger.ReadAsync<long>("select count(*) from app.sandbox_pods where state = 'idle'"), 1L);
        var waiting = await product.Ledger.ReadAsync<string>("select uid from app.sandbox_pods where state = 'idle'");
        await product.BreakAsync(DemoFaults.MemoryLeak);
        var before = product.Changes;
        using var stall = product.Stack.Estate.StallNext(r => r.Method == "GET" && r.Path.EndsWith("/pods", StringComparison.Ordinal));
        var last = product.People.Last(DemoPeople.Approvals);
        var (_, card) = await product.People.InvestigateAsync(DemoPeople.Omar, Installation.Question, ct);
        await stall.Reached.WaitAsync(TimeSpan.FromSeconds(60), ct);

        // Its pod goes on without it, and the next bot takes it over.
        await product.Stack.Product.KillAsync(ct);
        await product.Stack.StartProductAsync(ct);
        stall.Release();

        var approval = await product.People.WaitForApprovalAsync(last, ct);
        await product.People.WaitForTextAsync(card, "the report on the same card", t => t.Contains("Why", StringComparison.Ordinal), ct);
        await product.People.ClickAndReadAsync(DemoPeople.Ada, approval, WorkspaceSession.Approve, ct);
        await product.People.WaitForTextAsync(approval, "that it is done", t => t.Contains("Done", StringComparison.Ordinal), ct);
        await product.Ledger.UntilAsync("the investigation to be", product.Ledger.LatestInvestigationStatusAsync, "completed");

        Assert.Equal(before + 1, product.Changes);
        Assert.Equal(waiting, await product.Ledger.ReadAsync<string>("select p.uid from app.sandbox_pods p join app.sandboxes s on s.id = p.sandbox_id order by s.created_at limit 1"));
        Assert.Equal(0, await product.Ledger.ReadAsync<long>("select count(*) from app.audit_events where event_type = 'security_alert'"));
        await product.Ledger.UntilAsync("no pod to be left but the one that waits",
            () => Task.FromResult(product.Stack.Pods!.Cluster.List("Pod", SandboxCluster.Namespace).Count(p => (string?)p["metadata"]!["labels"]!["incidentfox.io/sandbox"] is not null)), 0);
        var (exitCode, verified) = await product.Stack.RunCommandAsync(ct, "audit", "verify");
        Assert.True(exitCode == 0, verified);
    }
}
