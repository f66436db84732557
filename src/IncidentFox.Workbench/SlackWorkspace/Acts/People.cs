using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Api;
using IncidentFox.Workbench.SlackWorkspace.Blocks;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Acts;

/// <summary>What people do in the workspace, with what Slack itself does about it: check, deliver, show the answer or the failure.</summary>
internal sealed class People(SlackDoubleOptions options, SlackWorkspaceState state, Courier courier, Payloads payloads, ResponseUrls urls, EventMaker events, SocketDoor sockets)
{
    public async Task<DeliveryResult> RunCommandAsync(string userId, string channelName, string typed, CancellationToken ct)
    {
        if (Place(userId, channelName, out var person, out var channel) is { } wrong) return wrong;
        var words = typed.Trim().Split(' ', 2, StringSplitOptions.TrimEntries);
        var (name, text) = (words[0], words.Length > 1 ? words[1] : "");
        if (name == "/invite" && text.TrimStart('@') == "incidentfox")
        {
            state.InviteBot(channel.Id);
            state.Post(channel.Id, DemoPeople.BotUserId, $"<@{DemoPeople.BotUserId}> was added to #{channel.Name} by <@{person.Id}>.", isNotice: true);
            return new DeliveryResult(DeliveryOutcome.Answered, null, "", TimeSpan.Zero);
        }

        if (options.Commands.All(c => c.Name != name)) return Tell(DeliveryResult.NotSent($"{name} is not a valid command. Try {options.Commands[0].Name} help."), person, channel);
        var result = await courier.DeliverAsync(payloads.Command(person, channel, name, TypedText.ToSlack(text)), ct);
        if (!result.IsAnswered) return Tell(result with { Problem = Failure(result, name) }, person, channel);
        ShowAnswer(person, channel, $"{name} {text}".Trim(), result.Body);
        return result;
    }

    public async Task<DeliveryResult> ClickAsync(string userId, string channelName, string ts, string actionId, string? value, string? blockId, IReadOnlyDictionary<string, string>? values, CancellationToken ct)
    {
        if (Place(userId, channelName, out var person, out var channel) is { } wrong) return wrong;
        if (state.Find(channel.Id, ts, userId) is not { Blocks: { } blocks } message) return DeliveryResult.NotSent("That message is gone.");
        if (FindElement(blocks, actionId, blockId) is not var (block, element)) return DeliveryResult.NotSent("That button is gone: the message has changed.");
        var (filled, _) = ViewValues.Read(blocks, values ?? new Dictionary<string, string>());
        var result = await courier.DeliverAsync(payloads.BlockActions(person, channel, message, Action(block, element, value), filled), ct);
        return result.IsAnswered ? result : Tell(result with { Problem = Failure(result, "The app") }, person, channel, message.ThreadTs);
    }

    public async Task<DeliveryResult> ClickInViewAsync(string userId, string viewId, string actionId, string? value, IReadOnlyDictionary<string, string>? values, CancellationToken ct)
    {
        if (FindView(userId, viewId, out var person) is not { } view) return DeliveryResult.NotSent("That window is closed.");
        var blocks = view.Body["blocks"]!.AsArray();
        if (FindElement(blocks, actionId, null) is not var (block, element)) return DeliveryResult.NotSent("That button is gone: the window has changed.");
        var (filled, _) = ViewValues.Read(blocks, values ?? new Dictionary<string, string>());
        var result = await courier.DeliverAsync(payloads.BlockActions(person, view, Action(block, element, value), filled), ct);
        return result.IsAnswered ? result : result with { Problem = Failure(result, "The app") };
    }

    public async Task<DeliveryResult> SubmitViewAsync(string userId, string viewId, IReadOnlyDictionary<string, string> values, CancellationToken ct)
    {
        if (FindView(userId, viewId, out var person) is not { Type: "modal" } view) return DeliveryResult.NotSent("That window is closed.");
        var (filled, errors) = ViewValues.Read(view.Body["blocks"]!.AsArray(), values);
        if (errors.Count > 0) return DeliveryResult.NotSent("Some fields need attention.") with { Errors = errors };
        var result = await courier.DeliverAsync(payloads.Submission(person, view, filled), ct);
        if (!result.IsAnswered) return result with { Problem = "We had some trouble connecting. Try again?" };
        return ViewAnswer(person, view, result);
    }

    /// <summary>Closes a modal; the app hears of it only when it asked to.</summary>
    public async Task CloseViewAsync(string userId, string viewId, CancellationToken ct)
    {
        if (FindView(userId, viewId, out var person) is not { Type: "modal" } view) return;
        var notify = view.Body["notify_on_close"]?.GetValue<bool>() == true;
        state.CloseView(userId, viewId);
        if (notify) await courier.DeliverAsync(payloads.Closed(person, view, all: false), ct);
    }

    public async Task<DeliveryResult> RunShortcutAsync(string userId, string channelName, string ts, string callbackId, CancellationToken ct)
    {
        if (Place(userId, channelName, out var person, out var channel) is { } wrong) return wrong;
        if (options.Shortcuts.All(s => s.CallbackId != callbackId)) return DeliveryResult.NotSent($"The app has no shortcut \"{callbackId}\".");
        if (state.Find(channel.Id, ts, userId) is not { } message) return DeliveryResult.NotSent("That message is gone.");
        var result = await courier.DeliverAsync(payloads.Shortcut(person, channel, message, callbackId), ct);
        return result.IsAnswered ? result : Tell(result with { Problem = Failure(result, "The app") }, person, channel, message.ThreadTs);
    }

    public Message Say(string userId, string channelName, string typed, string? threadTs)
    {
        if (Place(userId, channelName, out var person, out var channel) is { } wrong) throw new ArgumentException(wrong.Problem, nameof(channelName));
        var message = state.Post(channel.Id, person.Id, TypedText.ToSlack(typed), threadTs: threadTs);
        events.Told("message", message, null);
        if (message.Text.Contains($"<@{DemoPeople.BotUserId}>", StringComparison.Ordinal)) events.Mentioned(message);
        return message;
    }

    /// <summary>Shows a command's immediate answer: nothing, plain text, or a JSON message.</summary>
    private void ShowAnswer(Person person, DemoChannel channel, string typed, string body)
    {
        if (body.Trim().Length == 0) return;
        var answer = ParseObject(body) ?? new JsonObject { ["text"] = body };
        if (answer["response_type"]?.ToString() == "in_channel") state.Post(channel.Id, person.Id, TypedText.ToSlack(typed));
        if (answer.Count > 0 && urls.Apply(person.Id, channel.Id, null, null, answer) is { } error)
        {
            state.Post(channel.Id, DemoPeople.BotUserId, $"The app's answer was not a message that Slack accepts ({error}).", visibleOnlyTo: person.Id, isNotice: true);
        }
    }

    private DeliveryResult ViewAnswer(Person person, View view, DeliveryResult result)
    {
        var answer = ParseObject(result.Body) ?? [];
        switch (answer["response_action"]?.ToString())
        {
            case null:
                state.CloseView(person.Id, view.Id);
                return result;
            case "clear":
                state.CloseView(person.Id, null);
                return result;
            case "errors":
                var inputs = view.Body["blocks"]!.AsArray().Where(b => b!["type"]!.ToString() == "input").Select(b => b!["block_id"]!.ToString()).ToHashSet();
                var errors = (answer["errors"] as JsonObject ?? []).Where(e => inputs.Contains(e.Key)).ToDictionary(e => e.Key, e => e.Value?.ToString() ?? "");
                return errors.Count > 0 ? result with { Errors = errors } : Trouble(result, "errors names no input of this window");
            case var action and ("update" or "push") when answer["view"] is JsonObject next:
                if (ViewRules.Check(next, home: false) is { Count: > 0 } wrong) return Trouble(result, wrong[0]);
                if (action == "push") state.OpenView(person.Id, ViewMethods.Complete(next), onTop: true);
                else state.UpdateView(view.Id, ViewMethods.Complete(next));
                return result;
            default:
                return Trouble(result, "unknown response_action");
        }

        static DeliveryResult Trouble(DeliveryResult result, string why) =>
            result with { Outcome = DeliveryOutcome.Refused, Problem = $"We had some trouble connecting. Try again? ({why})" };
    }

    /// <summary>What Slackbot tells the person when the app failed them.</summary>
    private string Failure(DeliveryResult result, string who) => result.Outcome switch
    {
        DeliveryOutcome.TimedOut => $"{who} failed with the error \"operation_timeout\": the app did not answer within 3 seconds.",
        DeliveryOutcome.Refused => $"{who} failed with the error \"http_service_error\": the app answered with status {result.Status}.",
        _ when courier.App is null && sockets.Count == 0 => $"{who} failed with the error \"app_missing_action_url\": no app is connected yet.",
        _ => $"{who} failed with the error \"dispatch_failed\": the app could not be reached.",
    };

    private DeliveryResult Tell(DeliveryResult result, Person person, DemoChannel channel, string? threadTs = null)
    {
        state.Post(channel.Id, DemoPeople.BotUserId, result.Problem!, threadTs: threadTs, visibleOnlyTo: person.Id, isNotice: true);
        return result with { IsShown = true };
    }

    private static DeliveryResult? Place(string userId, string channelName, out Person person, out DemoChannel channel)
    {
        person = Roster.FindPerson(userId)!;
        channel = Roster.FindChannel(channelName, byName: true)!;
        if (person is null or { IsBot: true }) return DeliveryResult.NotSent($"There is no person {userId} here.");
        if (channel is null) return DeliveryResult.NotSent($"There is no channel {channelName} here.");
        return channel.Members.Contains(userId) ? null : DeliveryResult.NotSent($"{person.Name} is not a member of #{channel.Name}.");
    }

    private View? FindView(string userId, string viewId, out Person person)
    {
        person = Roster.FindPerson(userId)!;
        return state.FindView(viewId) is { } view && view.Person == userId && person is not null ? view : null;
    }

    private static (JsonObject Block, JsonObject Element)? FindElement(JsonArray blocks, string actionId, string? blockId)
    {
        foreach (var block in blocks.OfType<JsonObject>().Where(b => blockId is null || b["block_id"]?.ToString() == blockId))
        {
            if (BlockText.Elements(block).FirstOrDefault(e => e["action_id"]?.ToString() == actionId) is { } element) return (block, element);
        }

        return null;
    }

    private JsonObject Action(JsonObject block, JsonObject element, string? value)
    {
        var type = element["type"]!.ToString();
        var action = type == "button" ? element.DeepClone().AsObject() : ViewValues.Value(element, type, value ?? "");
        action.Remove("confirm");
        action["action_id"] = element["action_id"]!.ToString();
        action["block_id"] = block["block_id"]!.ToString();
        action["action_ts"] = state.NextTs();
        return action;
    }

    private static JsonObject? ParseObject(string body)
    {
        try
        {
            return body.Trim().Length == 0 ? null : JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
