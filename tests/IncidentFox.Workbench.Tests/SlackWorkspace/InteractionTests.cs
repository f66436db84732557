using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed class InteractionTests
{
    [Fact]
    public async Task A_trigger_opens_one_modal_for_the_person_it_came_from()
    {
        await using var given = await Given.WorkspaceAsync();
        var trigger = await TriggerAsync(given, DemoPeople.Ada);
        Assert.True((await OpenAsync(given, trigger))["ok"]!.GetValue<bool>());
        Assert.Single(given.Slack.State.OpenViews(DemoPeople.Ada));
        Assert.Empty(given.Slack.State.OpenViews(DemoPeople.Omar));
        Assert.Equal("exchanged_trigger_id", (await OpenAsync(given, trigger))["error"]!.ToString());
        Assert.Equal("invalid_trigger_id", (await OpenAsync(given, "1.2.3"))["error"]!.ToString());
    }

    [Fact]
    public async Task A_trigger_ends_after_three_seconds()
    {
        await using var given = await Given.WorkspaceAsync();
        var early = await TriggerAsync(given, DemoPeople.Ada);
        given.Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True((await OpenAsync(given, early))["ok"]!.GetValue<bool>());
        var late = await TriggerAsync(given, DemoPeople.Ada);
        given.Clock.Advance(TimeSpan.FromSeconds(3.1));
        Assert.Equal("expired_trigger_id", (await OpenAsync(given, late))["error"]!.ToString());
    }

    [Fact]
    public async Task A_race_for_one_trigger_has_one_winner()
    {
        await using var given = await Given.WorkspaceAsync();
        var trigger = await TriggerAsync(given, DemoPeople.Ada);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => OpenAsync(given, trigger)));
        Assert.Single(answers, a => a["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Slack_itself_refuses_what_is_not_filled_in()
    {
        await using var given = await Given.WorkspaceAsync();
        var view = (await OpenAsync(given, await TriggerAsync(given, DemoPeople.Ada)))["view"]!["id"]!.ToString();
        given.App.Requests.Clear();
        var result = await given.Slack.SubmitViewAsync(DemoPeople.Ada, view, new Dictionary<string, string> { ["reason"] = "short" });
        Assert.Equal(["kind", "reason"], result.Errors.Keys.Order());
        Assert.Empty(given.App.Requests);
        Assert.Single(given.Slack.State.OpenViews(DemoPeople.Ada));
    }

    [Fact]
    public async Task A_submission_carries_the_values_and_the_app_may_refuse_or_accept_it()
    {
        await using var given = await Given.WorkspaceAsync();
        var view = (await OpenAsync(given, await TriggerAsync(given, DemoPeople.Ada)))["view"]!["id"]!.ToString();
        given.App.Answer = _ => Task.FromResult((200, """{"response_action":"errors","errors":{"reason":"Not good enough."}}"""));
        var values = new Dictionary<string, string> { ["reason"] = "it is too risky", ["kind"] = "risk", ["also/flags"] = "stop\ntell" };
        var refused = await given.Slack.SubmitViewAsync(DemoPeople.Ada, view, values);
        Assert.Equal("Not good enough.", refused.Errors["reason"]);
        Assert.Single(given.Slack.State.OpenViews(DemoPeople.Ada));

        given.App.Answer = _ => Task.FromResult((200, ""));
        Assert.Empty((await given.Slack.SubmitViewAsync(DemoPeople.Ada, view, values)).Errors);
        Assert.Empty(given.Slack.State.OpenViews(DemoPeople.Ada));
        var state = given.App.Requests.Last().Payload["view"]!["state"]!["values"]!;
        Assert.Equal("it is too risky", state["reason"]!["text"]!["value"]!.ToString());
        Assert.Equal("risk", state["kind"]!["pick"]!["selected_option"]!["value"]!.ToString());
        Assert.Equal(["stop", "tell"], state["also"]!["flags"]!["selected_options"]!.AsArray().Select(o => o!["value"]!.ToString()));
    }

    [Fact]
    public async Task Nobody_submits_another_persons_modal()
    {
        await using var given = await Given.WorkspaceAsync();
        var view = (await OpenAsync(given, await TriggerAsync(given, DemoPeople.Ada)))["view"]!["id"]!.ToString();
        var result = await given.Slack.SubmitViewAsync(DemoPeople.Omar, view, new Dictionary<string, string> { ["reason"] = "it is too risky", ["kind"] = "risk" });
        Assert.Equal(DeliveryOutcome.NotSent, result.Outcome);
    }

    [Fact]
    public async Task An_old_hash_does_not_overwrite_a_newer_view()
    {
        await using var given = await Given.WorkspaceAsync();
        var view = (await OpenAsync(given, await TriggerAsync(given, DemoPeople.Ada)))["view"]!;
        var update = new { view_id = view["id"]!.ToString(), hash = view["hash"]!.ToString(), view = Cards.Modal };
        Assert.True((await given.App.CallAsync(given.Slack, "views.update", update))["ok"]!.GetValue<bool>());
        Assert.Equal("hash_conflict", (await given.App.CallAsync(given.Slack, "views.update", update))["error"]!.ToString());
    }

    [Fact]
    public async Task A_response_url_takes_five_answers_within_thirty_minutes()
    {
        await using var given = await Given.WorkspaceAsync();
        await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        var url = given.App.Requests.Last().Field("response_url");
        for (var i = 1; i <= 5; i++) Assert.Equal(200, (int)(await given.App.RespondAsync(url, new { text = $"answer {i}" })).StatusCode);
        var sixth = await given.App.RespondAsync(url, new { text = "six" });
        Assert.Equal((404, true), ((int)sixth.StatusCode, (await sixth.Content.ReadAsStringAsync()).Contains("used_url", StringComparison.Ordinal)));
        Assert.Equal(5, given.Slack.State.Ephemerals(DemoPeople.Omar).Count);
        Assert.Empty(given.Slack.State.Messages(DemoPeople.Incidents));

        await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        var second = given.App.Requests.Last().Field("response_url");
        given.Clock.Advance(TimeSpan.FromMinutes(31));
        Assert.Contains("expired_url", await (await given.App.RespondAsync(second, new { text = "late" })).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_click_on_an_ephemeral_message_can_replace_and_delete_it()
    {
        await using var given = await Given.WorkspaceAsync();
        given.App.Answer = _ => Task.FromResult((200, JsonSerializer.Serialize(new { text = "card", blocks = Cards.Approval })));
        await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        given.App.Answer = _ => Task.FromResult((200, ""));
        var shown = Assert.Single(given.Slack.State.Ephemerals(DemoPeople.Omar));
        Assert.Equal(DeliveryOutcome.NotSent, (await given.Slack.ClickAsync(DemoPeople.Ada, "incidents", shown.Ts, "deny")).Outcome);
        await given.Slack.ClickAsync(DemoPeople.Omar, "incidents", shown.Ts, "deny");
        var click = given.App.Requests.Last().Payload;
        Assert.True(click["container"]!["is_ephemeral"]!.GetValue<bool>());
        Assert.Null(click["message"]);
        var url = click["response_url"]!.ToString();
        await given.App.RespondAsync(url, new { replace_original = true, text = "changed" });
        Assert.Equal("changed", Assert.Single(given.Slack.State.Ephemerals(DemoPeople.Omar)).Text);
        await given.App.RespondAsync(url, new { delete_original = true });
        Assert.Empty(given.Slack.State.Ephemerals(DemoPeople.Omar));
    }

    [Fact]
    public async Task A_home_is_published_for_one_person_and_opening_it_is_an_event()
    {
        await using var given = await Given.WorkspaceAsync();
        var home = new { type = "home", blocks = Cards.Approval };
        await given.App.CallAsync(given.Slack, "views.publish", new { user_id = DemoPeople.Ada, view = home });
        Assert.NotNull(given.Slack.State.Home(DemoPeople.Ada));
        Assert.Null(given.Slack.State.Home(DemoPeople.Omar));
        given.Slack.OpenHome(DemoPeople.Ada);
        await given.Slack.Deliveries.WaitForAsync(d => d.What == "app_home_opened");
        Assert.Equal("home", given.App.Requests.Last().Payload["event"]!["view"]!["type"]!.ToString());
    }

    private static async Task<string> TriggerAsync(Given given, string person)
    {
        await given.Slack.RunCommandAsync(person, "incidents", "/incidentfox help");
        return given.App.Requests.Last().Field("trigger_id");
    }

    private static Task<JsonObject> OpenAsync(Given given, string trigger) => given.App.CallAsync(given.Slack, "views.open", new { trigger_id = trigger, view = Cards.Modal });
}
