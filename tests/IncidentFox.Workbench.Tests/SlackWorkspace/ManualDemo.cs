using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

/// <summary>The workspace with an app that shows every kind of block, to look at: <c>--explicit only --filter-class *ManualDemo</c>, then open http://127.0.0.1:5080.</summary>
public sealed class ManualDemo
{
    [Fact(Explicit = true)]
    public async Task Stays_up_until_it_is_stopped()
    {
        await using var app = await DemoApp.StartAsync();
        await using var slack = await SlackDouble.StartAsync(new SlackDoubleOptions
        {
            AppBaseUrl = app.Url,
            Events = Given.AllEvents,
            Shortcuts = [new MessageShortcut("investigate_message", "Investigate this")],
            Links = [new EstateLink("Prometheus", "http://127.0.0.1:9090/"), new EstateLink("The shop", "http://127.0.0.1:8081/")],
        });
        app.Answer = request => AnswerAsync(slack, app, request);
        await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
    }

    private static async Task<(int, string)> AnswerAsync(SlackDouble slack, DemoApp app, Received request)
    {
        if (request.Path == "/slack/events") return (200, "");
        if (request.Path == "/slack/interactions") return await InteractAsync(slack, app, request.Payload);
        if (request.Field("text").Contains("slow", StringComparison.Ordinal)) await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        if (!request.Field("text").StartsWith("investigate", StringComparison.Ordinal)) return (200, "Try `/incidentfox investigate <what is wrong>`.");
        var report = await app.CallAsync(slack, "chat.postMessage", new { channel = request.Field("channel_id"), text = "Report", blocks = Cards.Everything });
        Assert.True(report["ok"]!.GetValue<bool>(), report.ToJsonString());
        await app.CallAsync(slack, "chat.postMessage", new { channel = request.Field("channel_id"), text = "I also asked for a restart in <#C0APPROVAL>.", thread_ts = report["ts"]!.ToString() });
        await app.CallAsync(slack, "chat.postMessage", new { channel = "#sre-approvals", text = "Approve?", blocks = Cards.Approval });
        return (200, JsonSerializer.Serialize(new { response_type = "ephemeral", text = $"On it, <@{request.Field("user_id")}>. *Watch this channel.*" }));
    }

    private static async Task<(int, string)> InteractAsync(SlackDouble slack, DemoApp app, JsonObject payload)
    {
        if (payload["type"]!.ToString() == "view_submission")
        {
            var reason = payload["view"]!["state"]!["values"]!["reason"]!["text"]!["value"]!.ToString();
            return reason.Contains("because", StringComparison.Ordinal)
                ? (200, "")
                : (200, JsonSerializer.Serialize(new { response_action = "errors", errors = new { reason = "Say why: the word \"because\" is missing." } }));
        }

        if (payload["type"]!.ToString() != "block_actions") return (200, "");
        var action = payload["actions"]![0]!["action_id"]!.ToString();
        if (action == "deny") await app.CallAsync(slack, "views.open", new { trigger_id = payload["trigger_id"]!.ToString(), view = Cards.Modal });
        if (action == "approve") await app.CallAsync(slack, "chat.update", new { channel = payload["channel"]!["id"]!.ToString(), ts = payload["container"]!["message_ts"]!.ToString(), text = "Approved by <@" + payload["user"]!["id"] + ">.", blocks = Array.Empty<object>() });
        return (200, "");
    }
}
