using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using Microsoft.Playwright;

namespace IncidentFox.EndToEnd;

public sealed class PageTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task On_the_page_Omar_asks_Ada_approves_and_sees_it_done_and_nothing_leaves_the_machine()
    {
        await product.BreakAsync(DemoFaults.MemoryLeak);
        await product.Stack.Estate.WaitForAlertAsync(TestContext.Current.CancellationToken);
        var before = product.Changes;
        await using var browser = await Browser.OpenAsync(product.Slack.Url);
        var page = browser.Page;

        await page.GetByTestId("composer").FillAsync("");
        await page.GetByTestId("composer").PressSequentiallyAsync($"/incidentfox investigate {Installation.Question}");
        await page.Keyboard.PressAsync("Enter");
        var report = page.GetByTestId("message").Filter(new() { HasText = Installation.Question }).Last;
        await Assertions.Expect(report).ToContainTextAsync("What is looked at");
        await Assertions.Expect(report).ToContainTextAsync("Why (confidence");
        await Assertions.Expect(report).ToContainTextAsync("What to do next");
        await page.SetViewportSizeAsync(1120, 1800);
        await browser.ShootAsync(report, "report");
        await page.SetViewportSizeAsync(1120, 900);

        await page.GetByTestId("person-ada").ClickAsync();
        await page.GetByTestId("channel-sre-approvals").ClickAsync();
        var card = page.GetByTestId("message").Filter(new() { HasText = "Exactly what" }).Last;
        await Assertions.Expect(card.GetByTestId("action-approval.approve")).ToBeVisibleAsync();
        await browser.ShootAsync(card, "approval-card");
        await card.GetByTestId("action-approval.approve").ClickAsync();
        await browser.ShootAsync(page.GetByTestId("confirm-dialog"), "confirm");
        Assert.Equal(before, product.Changes);
        await page.GetByTestId("confirm-yes").ClickAsync();
        await Assertions.Expect(card).ToContainTextAsync("Done");
        await Assertions.Expect(card.GetByTestId("action-approval.approve")).ToHaveCountAsync(0);
        await card.ScrollIntoViewIfNeededAsync();
        await browser.ShootAsync(null, "done");

        Assert.Equal(before + 1, product.Changes);
        Assert.NotEmpty(browser.Requests);
        Assert.All(browser.Requests, r => Assert.Equal(product.Slack.Url.Authority, r.Authority));
        Assert.Empty(browser.Errors);
    }
}
