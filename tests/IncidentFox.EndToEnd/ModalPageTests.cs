using System.Text.RegularExpressions;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace IncidentFox.EndToEnd;

/// <summary>Cards, modals, Home and answers as a requester, an approver and an outsider see them on the page. The pictures are those of docs/images.</summary>
public sealed class ModalPageTests : IAsyncLifetime
{
    private readonly TwoApproversInstallation _product = new();
    private Browser _browser = null!;

    private IPage Page => _browser.Page;

    private ILocator Card => Page.GetByTestId("messages").GetByTestId("message").Filter(new() { HasText = "Exactly what" }).Last;

    private ILocator Modal => Page.GetByTestId("modal");

    /// <summary>What only this person sees, the newest.</summary>
    private ILocator Told => Page.Locator("article.only-mine").Last;

    public async ValueTask InitializeAsync()
    {
        await _product.InitializeAsync();
        _browser = await Browser.OpenAsync(_product.Slack.Url);
        // Whole cards on the pictures, and nothing over them.
        await Page.SetViewportSizeAsync(1120, 1200);
        await Page.GetByLabel("Close this hint").ClickAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        await _product.DisposeAsync();
    }

    [Fact]
    public async Task Each_is_offered_what_they_may_do_and_told_why_not_and_nothing_runs_before_somebody_answers_for_it()
    {
        await _product.BreakAsync(DemoFaults.StuckPool);
        var before = _product.Changes;
        await _product.ProposeAsync();

        // An outsider: nothing at all.
        await BecomeAsync("xeno", "channel-sre-approvals");
        await ApproveAsync();
        await Expect(Told).ToContainTextAsync("another Slack workspace");
        await Card.GetByTestId("action-approval.more").ClickAsync();
        await Expect(Page.Locator("article.only-mine")).ToHaveCountAsync(2);
        await Expect(Modal).ToHaveCountAsync(0);
        await _browser.ShootAsync(Told, "refused-outsider");

        // Who asked: may call it off, and not approve.
        await BecomeAsync("omar", "channel-sre-approvals");
        await ApproveAsync();
        await Expect(Told).ToContainTextAsync("asked for");
        await _browser.ShootAsync(Told, "refused-requester");
        await Card.GetByTestId("action-approval.more").ClickAsync();
        Assert.Equal(["cancel"], await OfferedAsync());
        await _browser.ShootAsync(Modal, "modal-requester");
        await Modal.GetByTestId("modal-cancel").ClickAsync();
        await Expect(Modal).ToHaveCountAsync(0);

        // An approver: a denial wants a reason.
        await BecomeAsync("ada", "channel-sre-approvals");
        await Card.GetByTestId("action-approval.deny").ClickAsync();
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Modal.GetByTestId("error-reason")).ToBeVisibleAsync();
        await _browser.ShootAsync(Modal, "modal-deny");
        await Modal.GetByTestId("modal-cancel").ClickAsync();

        // Approves with a comment, and takes it back.
        await Card.GetByTestId("action-approval.more").ClickAsync();
        Assert.Equal(["approve", "break_glass"], await OfferedAsync());
        await Modal.Locator("select").SelectOptionAsync("approve");
        await Modal.Locator("textarea").FillAsync("Looked at the pool: it leaks.");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Card).ToContainTextAsync("it leaks");
        await Expect(Card).ToContainTextAsync("1 of 2");
        await _browser.ShootAsync(Card, "card-one-of-two");
        await Card.GetByTestId("action-approval.more").ClickAsync();
        Assert.Equal(["withdraw", "break_glass"], await OfferedAsync());
        await Modal.Locator("select").SelectOptionAsync("withdraw");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Card).ToContainTextAsync("none yet");
        Assert.Equal(before, _product.Changes);

        await Page.GetByTestId("app-home").ClickAsync();
        await Expect(Page.GetByTestId("home")).ToContainTextAsync("1 action waits");
        await _browser.ShootAsync(Page.GetByTestId("home"), "home");

        // Alone: only with a reason that everybody reads.
        await Page.GetByTestId("channel-sre-approvals").ClickAsync();
        await Card.GetByTestId("action-approval.more").ClickAsync();
        await Modal.Locator("select").SelectOptionAsync("break_glass");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Modal.GetByTestId("error-reason")).ToContainTextAsync("everybody is told");
        await Modal.Locator("textarea").FillAsync("Nobody else is awake and checkout loses orders");
        await _browser.ShootAsync(Modal, "modal-break-glass");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Card).ToContainTextAsync("Done");
        await Expect(Card).ToContainTextAsync("Nobody else is awake");
        await Expect(Card).ToContainTextAsync("acted alone");
        await _browser.ShootAsync(Card, "card-broken-glass");
        Assert.Equal(before + 1, _product.Changes);

        // Another admin closes the review; the one who acted can't.
        await Card.GetByTestId("action-approval.review").ClickAsync();
        await Expect(Told).ToContainTextAsync("You acted alone here");
        await Expect(Modal).ToHaveCountAsync(0);
        await BecomeAsync("ben", "channel-sre-approvals");
        await Card.GetByTestId("action-approval.review").ClickAsync();
        await Expect(Modal).ToContainTextAsync("Nobody else is awake");
        await Modal.Locator("textarea").FillAsync("The pool leaked, the restart was right.");
        await _browser.ShootAsync(Modal, "modal-review");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Card).ToContainTextAsync("the restart was right");
        await Expect(Card.GetByTestId("action-approval.review")).ToHaveCountAsync(0);
        await _browser.ShootAsync(Card, "card-reviewed");
        Assert.Empty(_browser.Errors);
    }

    [Fact]
    public async Task An_admin_changes_the_policy_in_forms_that_say_what_is_wrong_and_others_are_refused()
    {
        await BecomeAsync("vera", "channel-incidents");
        await TypeAsync("/incidentfox-admin tools set pod_restart");
        await Expect(Told).ToContainTextAsync("needs the role admin");
        await _browser.ShootAsync(Told, "refused-viewer");
        await TypeAsync("/incidentfox help");
        await Expect(Told).ToContainTextAsync("/incidentfox investigate");
        await _browser.ShootAsync(Told, "help");

        await BecomeAsync("ada", "channel-incidents");
        await TypeAsync("/incidentfox-admin workflows set pod_restart");
        await Expect(Modal).ToContainTextAsync("How many people must approve?");
        await Modal.Locator("[data-block=required_approvers] input").FillAsync("many");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Modal.GetByTestId("error-required_approvers")).ToContainTextAsync("must be a number");
        await Expect(Modal.Locator("[data-block=required_approvers] input")).ToHaveValueAsync("many");   // what was typed is still there
        await Modal.Locator("[data-block=required_approvers] input").FillAsync("1");
        await Modal.Locator("[data-block=timeout_minutes] input").FillAsync("0");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Modal.GetByTestId("error-timeout_minutes")).ToBeVisibleAsync();
        await _browser.ShootAsync(Modal, "modal-workflow-errors");
        await Modal.Locator("[data-block=timeout_minutes] input").FillAsync("10");
        await Modal.GetByTestId("modal-submit").ClickAsync();
        await Expect(Told).ToContainTextAsync("timeout_minutes");
        await _browser.ShootAsync(Told, "policy-changed");

        await TypeAsync("/incidentfox-admin tools set docker_exec");
        await Expect(Modal).ToContainTextAsync("By whom?");
        await _browser.ShootAsync(Modal, "modal-tool");
        await Modal.GetByTestId("modal-cancel").ClickAsync();
        await TypeAsync("/incidentfox-admin tools list docker_exec");
        await Expect(Told).ToContainTextAsync("docker_exec");
        await TypeAsync("/incidentfox-admin tools explain docker_exec as @omar");
        await Expect(Told).ToContainTextAsync("needs the role admin");
        await _browser.ShootAsync(Told, "tools-explain");
        await TypeAsync("/incidentfox-admin policy history");
        await Expect(Told).ToContainTextAsync("VERSION");
        await TypeAsync("/incidentfox-admin help");
        await Expect(Told).ToContainTextAsync("/incidentfox-admin freeze");
        await _browser.ShootAsync(Told, "admin-help");
        await TypeAsync("/incidentfox-admin polcy");
        await Expect(Told).ToContainTextAsync("policy");
        await _browser.ShootAsync(Told, "admin-typo");
        await TypeAsync("/incidentfox-admin policy edit");
        await Expect(Modal.Locator("textarea").First).ToHaveValueAsync(new Regex("timeout_minutes"));
        await _browser.ShootAsync(Modal, "modal-policy");
        Assert.Empty(_browser.Errors);
    }

    private async Task BecomeAsync(string person, string channel)
    {
        await Page.GetByTestId($"person-{person}").ClickAsync();
        await Page.GetByTestId(channel).ClickAsync();
    }

    private async Task ApproveAsync()
    {
        await Card.GetByTestId("action-approval.approve").ClickAsync();
        await Page.GetByTestId("confirm-yes").ClickAsync();
    }

    private async Task<IReadOnlyList<string>> OfferedAsync()
    {
        await Expect(Modal.Locator("select")).ToBeVisibleAsync();
        return [.. (await Modal.Locator("option").EvaluateAllAsync<string[]>("all => all.map(o => o.value)")).Where(v => v.Length > 0)];
    }

    private async Task TypeAsync(string command)
    {
        var told = await Page.Locator("article.only-mine").CountAsync();
        await Page.GetByTestId("composer").FillAsync("");
        await Page.GetByTestId("composer").PressSequentiallyAsync(command);
        await Page.Keyboard.PressAsync("Escape");   // what is suggested
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Page.Locator("article.only-mine").Nth(told).Or(Modal)).ToBeVisibleAsync();
    }

    private sealed class TwoApproversInstallation : Installation
    {
        protected override StackOptions Options(StackOptions options) => options with
        {
            PolicyJson = """
                {
                  "tools": {"docker_exec": {"allowed_roles": ["admin"]}},
                  "approval_workflows": {"actions": {"pod_restart": {"required_approvers": 2, "break_glass": true}}}
                }
                """,
        };
    }
}
