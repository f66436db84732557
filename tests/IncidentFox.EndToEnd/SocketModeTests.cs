using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class SocketModeTests(BlindSocketInstallation product) : IClassFixture<BlindSocketInstallation>
{
    [Fact]
    public async Task Without_the_credential_for_Prometheus_the_report_says_what_it_could_not_see()
    {
        await product.BreakAsync(DemoFaults.MemoryLeak);
        var (card, _) = await product.ProposeAsync();

        var report = MessageText.Of(await product.People.WaitForTextAsync(card, "what could not be seen", t => t.Contains("What I could not see", StringComparison.Ordinal), TestContext.Current.CancellationToken));
        var blind = report[report.IndexOf("What I could not see", StringComparison.Ordinal)..report.IndexOf("What to do next", StringComparison.Ordinal)];
        Assert.Contains("prometheus", blind, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Commands_and_clicks_work_over_Socket_Mode_also_after_Slack_asks_for_new_connections()
    {
        var ct = TestContext.Current.CancellationToken;
        var truth = await product.BreakAsync(DemoFaults.StuckPool);
        var before = product.Changes;
        var (_, approval) = await product.ProposeAsync();

        await product.Slack.RefreshSocketsAsync();
        await WorkspaceSession.UntilAsync("a new connection", () => product.Slack.SocketConnections > 0, ct);
        Assert.Contains("somebody else", await product.People.ClickAndReadAsync(DemoPeople.Omar, approval, WorkspaceSession.Approve, ct), StringComparison.Ordinal);
        var click = await product.Slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        Assert.True(click.IsAnswered, click.Problem);
        await product.People.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), ct);
        Assert.Equal(before + 1, product.Changes);
        Assert.DoesNotContain(truth.Fix!.Parameters["pod"], product.Stack.Estate.PodNames("shop"));

        // Cut without a word, as a network does it.
        var opened = Opened();
        await product.Slack.RefreshSocketsAsync(abort: true);
        await WorkspaceSession.UntilAsync("new connections", () => Opened() >= opened + 2 && product.Slack.SocketConnections >= 2, ct);
        Assert.Contains("/incidentfox investigate", await product.AskAsync(DemoPeople.Omar, "/incidentfox help"), StringComparison.Ordinal);
        Assert.All(product.Slack.Deliveries.All, d => Assert.Equal("socket", d.Transport));

        int Opened() => product.Slack.ApiCalls.All.Count(c => c.Method == "apps.connections.open" && c.Ok);
    }
}
