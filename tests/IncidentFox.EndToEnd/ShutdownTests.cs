using System.Diagnostics;
using System.Globalization;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

public sealed class ShutdownTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task SIGTERM_ends_the_product_in_the_middle_of_an_investigation_which_goes_on_after_the_next_start()
    {
        var ct = TestContext.Current.CancellationToken;
        await product.BreakAsync(DemoFaults.MemoryLeak);
        using var stall = product.Stack.Estate.StallNext(r => r.Method == "GET" && r.Path.EndsWith("/pods", StringComparison.Ordinal));
        var last = product.People.Last(DemoPeople.Approvals);
        var (_, card) = await product.People.InvestigateAsync(DemoPeople.Omar, Installation.Question, ct);
        await stall.Reached.WaitAsync(TimeSpan.FromSeconds(60), ct);
        Assert.NotEmpty(Leftovers.Processes(product.RuntimeDirectory));

        using (var kill = Process.Start("kill", ["-TERM", product.Stack.Product.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(ct);
        await product.Stack.Product.WaitForExitAsync(ct).WaitAsync(TimeSpan.FromSeconds(30), ct);
        stall.Release();
        Assert.Contains("stopped", product.Stack.Product.Tail, StringComparison.Ordinal);
        await Leftovers.NoneAsync(product.RuntimeDirectory);
        Assert.Single(await product.Ledger.OpenInvestigationsAsync());

        await product.Stack.StartProductAsync(ct);
        var approval = await product.People.WaitForApprovalAsync(last, ct);
        var report = await product.People.WaitForTextAsync(card, "the report on the same card", t => t.Contains("Why", StringComparison.Ordinal), ct);
        Assert.Contains(product.Stack.Estate.FaultTruth!.Fix!.Parameters["pod"], MessageText.Of(report), StringComparison.Ordinal);
        await product.People.DenyAsync(DemoPeople.Ada, approval, "Not while we deploy", ct);
        await product.Ledger.UntilAsync("the investigation to be", product.Ledger.LatestInvestigationStatusAsync, "completed");
        Assert.Equal("denied", await product.Ledger.LatestApprovalStatusAsync());
        await Leftovers.NoneAsync(product.RuntimeDirectory);
    }
}
