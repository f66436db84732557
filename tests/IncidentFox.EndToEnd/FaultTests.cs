using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class FaultTests : IAsyncLifetime
{
    private readonly HttpInstallation _product = new();

    public ValueTask InitializeAsync() => _product.InitializeAsync();

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Theory]
    [InlineData(DemoFaults.MemoryLeak, 1)]
    [InlineData(DemoFaults.StuckPool, 1)]
    [InlineData(DemoFaults.ScaledToZero, 2)]
    public async Task The_report_names_what_is_broken_and_its_fix_runs_once_when_enough_admins_approve(string fault, int approvers)
    {
        var truth = await _product.BreakAsync(fault);
        var before = _product.Changes;
        var (card, approval) = await _product.ProposeAsync();

        var asked = MessageText.Of(approval);
        Assert.All(truth.Fix!.Parameters.Values, v => Assert.Contains(v, asked, StringComparison.Ordinal));
        Assert.Equal(truth.Fix.Tool, await _product.Ledger.ReadAsync<string>("select tool from app.approvals order by created_at desc limit 1"));
        var target = truth.Fix.Parameters.TryGetValue("pod", out var pod) ? pod : truth.Fix.Parameters["deployment"];
        var report = MessageText.Of(await _product.People.WaitForTextAsync(card, "the report", t => t.Contains("Why", StringComparison.Ordinal), TestContext.Current.CancellationToken));
        Assert.Contains(target, report[report.IndexOf("What happened", StringComparison.Ordinal)..], StringComparison.Ordinal);

        foreach (var admin in new[] { DemoPeople.Ada, DemoPeople.Ben }.Take(approvers))
        {
            Assert.Equal(before, _product.Changes);
            Assert.Equal("pending", await _product.Ledger.LatestApprovalStatusAsync());
            var click = await _product.Slack.ClickAsync(admin, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: TestContext.Current.CancellationToken);
            Assert.True(click.IsAnswered, click.Problem);
            if (admin == DemoPeople.Ada && approvers == 2)
                await _product.People.WaitForTextAsync(approval, "the first vote on the card", t => t.Contains("1 of 2", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        }

        var done = await _product.People.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.False(MessageText.HasButton(done, WorkspaceSession.Approve));
        Assert.Equal(before + 1, _product.Changes);
        var notice = await _product.People.WaitForReplyAsync(card, "the agent's word that it helped", t => t.Contains("was executed and worked", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Contains("ready", MessageText.Of(notice), StringComparison.Ordinal);
        Assert.Equal(before + 1, _product.Changes);
        if (pod is not null)
            Assert.DoesNotContain(pod, _product.Stack.Estate.PodNames("shop"));
    }
}
