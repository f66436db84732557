using System.Text.Json.Nodes;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

/// <summary>The main job in a pod that starts for it: driver, door for pods, TokenReview, TLS, NetworkPolicies and the agent as it ships.</summary>
public sealed class PodSandboxTests(ColdPodInstallation product) : IClassFixture<ColdPodInstallation>
{
    private IReadOnlyList<JsonObject> Pods() => product.Stack.Pods!.Cluster.List("Pod", SandboxCluster.Namespace);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_pod_investigates_proposes_and_sees_its_action_run_and_is_gone_afterwards()
    {
        await product.BreakAsync(DemoFaults.MemoryLeak);
        var before = product.Changes;
        var (card, approval) = await product.ProposeAsync();

        var pod = Assert.Single(Pods());
        Assert.Equal("Running", (string?)pod["status"]!["phase"]);
        Assert.Equal("gvisor", (string?)pod["spec"]!["runtimeClassName"]);
        Assert.Equal((string?)pod["metadata"]!["uid"], await product.Ledger.ReadAsync<string>("select p.uid from app.sandbox_pods p join app.sandboxes s on s.id = p.sandbox_id where s.caged_at is not null"));

        var click = await product.Slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: Ct);
        Assert.True(click.IsAnswered, click.Problem);
        await product.People.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), Ct);
        await product.People.WaitForReplyAsync(card, "the agent's word that it helped", t => t.Contains("was executed and worked", StringComparison.Ordinal), Ct);

        Assert.Equal(before + 1, product.Changes);
        await WorkspaceSession.UntilAsync("the pod to be gone", () => Pods().Count == 0, Ct);
    }
}
