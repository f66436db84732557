using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class CommandTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task Stop_ends_the_sandbox_withdraws_the_open_approval_and_the_cards_say_so()
    {
        await product.BreakAsync(DemoFaults.StuckPool);
        var before = product.Changes;
        var (card, approval) = await product.ProposeAsync();
        Assert.NotEmpty(Leftovers.Processes(product.RuntimeDirectory));

        Assert.Contains("(pod_restart): pending, 0 of 1 approvals", await product.AskAsync(DemoPeople.Omar, "/incidentfox status"), StringComparison.Ordinal);
        Assert.Contains("is stopped and 1 open action(s) withdrawn", await product.AskAsync(DemoPeople.Omar, "/incidentfox stop"), StringComparison.Ordinal);

        var ct = TestContext.Current.CancellationToken;
        var withdrawn = await product.People.WaitForTextAsync(approval, "the withdrawal on the card", t => t.Contains("Withdrawn. Nothing ran.", StringComparison.Ordinal), ct);
        Assert.False(MessageText.HasButton(withdrawn, WorkspaceSession.Approve));
        await product.People.WaitForTextAsync(card, "the end on the investigation's card", t => t.Contains("Stopped by Omar Haddad", StringComparison.Ordinal), ct);
        await Leftovers.NoneAsync(product.RuntimeDirectory);
        Assert.Equal("cancelled", await product.Ledger.LatestApprovalStatusAsync());
        Assert.Equal(before, product.Changes);

        Assert.Contains("Nothing of this team is being investigated", await product.AskAsync(DemoPeople.Omar, "/incidentfox stop"), StringComparison.Ordinal);
        var list = await product.AskAsync(DemoPeople.Omar, "/incidentfox list");
        Assert.Contains("stopped", list, StringComparison.Ordinal);
        Assert.Contains(Installation.Question, list, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_a_command_gets_the_list_of_commands_and_the_nearest_one()
    {
        var help = await product.AskAsync(DemoPeople.Vera, "/incidentfox help");
        Assert.All(["investigate", "status", "list", "stop", "help"], c => Assert.Contains($"/incidentfox {c}", help, StringComparison.Ordinal));
        Assert.Contains("Did you mean \"status\"?", await product.AskAsync(DemoPeople.Vera, "/incidentfox statsu"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_and_an_outsider_start_nothing()
    {
        var before = await product.Ledger.ReadAsync<long>("select count(*) from app.investigations");

        Assert.Contains("operator", await product.AskAsync(DemoPeople.Vera, "/incidentfox investigate let me in"), StringComparison.Ordinal);
        Assert.NotEmpty(await product.AskAsync(DemoPeople.Xeno, "/incidentfox investigate let me in"));

        Assert.Equal(before, await product.Ledger.ReadAsync<long>("select count(*) from app.investigations"));
    }

    [Fact]
    public async Task Health_addresses_answer()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = product.Stack.HttpUrl };
        Assert.Equal("ok", await http.GetStringAsync("health/live"));
        Assert.Equal("ok", await http.GetStringAsync("health/ready"));
    }
}
