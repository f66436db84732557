using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class RefusedClickTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task Nobody_without_the_right_may_approve_or_deny_and_each_is_told_why()
    {
        await product.BreakAsync(DemoFaults.MemoryLeak);
        var before = product.Changes;
        var (_, approval) = await product.ProposeAsync();
        var shown = MessageText.Of(approval);

        Assert.Contains("somebody else has to decide", await ClickAsync(DemoPeople.Omar), StringComparison.Ordinal);
        Assert.Contains("admin", await ClickAsync(DemoPeople.Vera), StringComparison.Ordinal);
        Assert.Matches("(?i)workspace|organization|team", await ClickAsync(DemoPeople.Xeno));

        Assert.Equal("pending", await product.Ledger.LatestApprovalStatusAsync());
        Assert.Equal(0, await product.Ledger.ReadAsync<long>(
            "select count(*) from app.approval_votes where approval_id = (select id from app.approvals order by created_at desc limit 1)"));
        Assert.Equal(before, product.Changes);
        Assert.Equal(shown, MessageText.Of(product.Slack.State.Find(approval.Channel, approval.Ts)!));
        var refused = await product.Ledger.ListAsync<string>(
            "select event_type from app.audit_events where event_type in ('approval_refused', 'access_denied') and at > (select created_at from app.approvals order by created_at desc limit 1)");
        Assert.Equal(3, refused.Count);

        Task<string> ClickAsync(string person) => product.People.ClickAndReadAsync(person, approval, WorkspaceSession.Approve, TestContext.Current.CancellationToken);
    }
}
