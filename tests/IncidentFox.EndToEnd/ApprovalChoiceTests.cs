using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class ApprovalChoiceTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task What_waits_is_in_the_list_and_in_Home_and_who_asked_calls_it_off()
    {
        var ct = TestContext.Current.CancellationToken;
        await product.BreakAsync(DemoFaults.MemoryLeak);
        var before = product.Changes;
        var (_, approval) = await product.ProposeAsync();

        Assert.Contains("1 action waits for people", await product.AskAsync(DemoPeople.Vera, "/incidentfox-admin approvals"), StringComparison.Ordinal);
        product.Slack.OpenHome(DemoPeople.Vera);
        await WorkspaceSession.UntilAsync("the Home tab", () => product.Slack.State.Home(DemoPeople.Vera)?.Body.ToJsonString().Contains("1 action waits", StringComparison.Ordinal) == true, ct);

        await product.Slack.ClickAsync(DemoPeople.Omar, approval.Channel, approval.Ts, "approval.more", ct: ct);
        await WorkspaceSession.UntilAsync("the modal", () => product.Slack.State.OpenViews(DemoPeople.Omar).Count > 0, ct);
        var view = product.Slack.State.OpenViews(DemoPeople.Omar)[^1];
        var done = await product.Slack.SubmitViewAsync(DemoPeople.Omar, view.Id, new Dictionary<string, string> { ["what"] = "cancel", ["reason"] = "it healed" }, ct);

        Assert.True(done.IsAnswered && done.Errors.Count == 0, $"{done.Problem} {string.Join(' ', done.Errors.Values)}");
        await product.People.WaitForTextAsync(approval, "the end on the card", t => t.Contains("Called off by Omar Haddad", StringComparison.Ordinal) && t.Contains("it healed", StringComparison.Ordinal), ct);
        Assert.Equal("cancelled", await product.Ledger.LatestApprovalStatusAsync());
        Assert.Contains("Nothing of this team waits", await product.AskAsync(DemoPeople.Vera, "/incidentfox-admin approvals"), StringComparison.Ordinal);
        Assert.Equal(before, product.Changes);
    }
}
