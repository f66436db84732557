using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class SocketModeTests : IAsyncLifetime
{
    private readonly BlindSocketInstallation _product = new();

    public ValueTask InitializeAsync() => _product.InitializeAsync();

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task Without_the_credential_for_Prometheus_the_report_says_what_it_could_not_see()
    {
        await _product.BreakAsync(DemoFaults.MemoryLeak);
        var (card, _) = await _product.ProposeAsync();

        var report = MessageText.Of(await _product.People.WaitForTextAsync(card, "what could not be seen", t => t.Contains("What I could not see", StringComparison.Ordinal), TestContext.Current.CancellationToken));
        var blind = report[report.IndexOf("What I could not see", StringComparison.Ordinal)..report.IndexOf("What to do next", StringComparison.Ordinal)];
        Assert.Contains("prometheus", blind, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Commands_and_clicks_work_over_Socket_Mode_also_after_Slack_asks_for_new_connections()
    {
        var ct = TestContext.Current.CancellationToken;
        var truth = await _product.BreakAsync(DemoFaults.StuckPool);
        var before = _product.Changes;
        var (_, approval) = await _product.ProposeAsync();

        await _product.Slack.RefreshSocketsAsync();
        await WorkspaceSession.UntilAsync("a new connection", () => _product.Slack.SocketConnections > 0, ct);
        Assert.Contains("somebody else", await _product.People.ClickAndReadAsync(DemoPeople.Omar, approval, WorkspaceSession.Approve, ct), StringComparison.Ordinal);
        var click = await _product.Slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        Assert.True(click.IsAnswered, click.Problem);
        await _product.People.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), ct);
        Assert.Equal(before + 1, _product.Changes);
        Assert.DoesNotContain(truth.Fix!.Parameters["pod"], _product.Stack.Estate.PodNames("shop"));

        // Cut without a word, as a network does it.
        var opened = Opened();
        await _product.Slack.RefreshSocketsAsync(abort: true);
        await WorkspaceSession.UntilAsync("new connections", () => Opened() >= opened + 2 && _product.Slack.SocketConnections >= 2, ct);
        Assert.Contains("/incidentfox investigate", await _product.AskAsync(DemoPeople.Omar, "/incidentfox help"), StringComparison.Ordinal);
        Assert.All(_product.Slack.Deliveries.All, d => Assert.Equal("socket", d.Transport));

        int Opened() => _product.Slack.ApiCalls.All.Count(c => c.Method == "apps.connections.open" && c.Ok);
    }
}
