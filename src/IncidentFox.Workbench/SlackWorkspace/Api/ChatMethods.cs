using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Blocks;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>chat.*: what the bot says.</summary>
internal sealed class ChatMethods(SlackWorkspaceState state, Func<Uri> workspaceUrl, Action<string, Message, Message?> told)
{
    private const int MaxPost = 40_000;

    /// <summary>chat.update takes less text than chat.postMessage: 4,000 bytes, counted with the characters that Slack escapes.</summary>
    private const int MaxUpdate = 4_000;

    public IEnumerable<ApiMethod> All(SlackLimits limits) =>
    [
        new("chat.postMessage", 0, AcceptsJson: true, Post),
        new("chat.update", limits.Tier3, AcceptsJson: true, Update),
        new("chat.delete", limits.Tier3, AcceptsJson: true, Delete),
        new("chat.postEphemeral", limits.Tier4, AcceptsJson: true, PostEphemeral),
        new("chat.getPermalink", limits.Tier4, AcceptsJson: false, Permalink),
    ];

    private JsonObject Post(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: true) is not { } channel) return Answers.Fail("channel_not_found");
        if (!state.BotIsIn(channel.Id)) return Answers.Fail("not_in_channel");
        if (Content(args, MaxPost, out var text, out var blocks) is { } wrong) return wrong;
        if (Thread(args, channel.Id) is { } noThread) return noThread;
        var message = state.Post(channel.Id, DemoPeople.BotUserId, text, blocks, args.Text("thread_ts"), metadata: args.Json<JsonObject>("metadata"));
        told("message", message, null);
        return Answers.Ok(("channel", channel.Id), ("ts", message.Ts), ("message", message.ToSlack()));
    }

    private JsonObject PostEphemeral(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: true) is not { } channel) return Answers.Fail("channel_not_found");
        if (!state.BotIsIn(channel.Id)) return Answers.Fail("not_in_channel");
        if (args.Text("user") is not { } user || !channel.Members.Contains(user)) return Answers.Fail("user_not_in_channel");
        if (Content(args, MaxPost, out var text, out var blocks) is { } wrong) return wrong;
        var message = state.Post(channel.Id, DemoPeople.BotUserId, text, blocks, args.Text("thread_ts"), visibleOnlyTo: user);
        return Answers.Ok(("message_ts", message.Ts));
    }

    private JsonObject Update(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        if (args.Text("ts") is not { } ts || state.Find(channel.Id, ts) is not { } message) return Answers.Fail("message_not_found");
        if (message.Author != DemoPeople.BotUserId) return Answers.Fail("cant_update_message");
        if (Content(args, MaxUpdate, out var text, out var blocks) is { } wrong) return wrong;
        var updated = state.Replace(channel.Id, ts, text.Length > 0 ? text : message.Text, args.Has("blocks") ? blocks : message.Blocks, markEdited: true)!;
        told("message_changed", updated, message);
        return Answers.Ok(("channel", channel.Id), ("ts", ts), ("text", updated.Text), ("message", updated.ToSlack()));
    }

    private JsonObject Delete(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        if (args.Text("ts") is not { } ts || state.Find(channel.Id, ts) is not { } message) return Answers.Fail("message_not_found");
        if (message.Author != DemoPeople.BotUserId) return Answers.Fail("cant_delete_message");
        state.Remove(channel.Id, ts);
        return Answers.Ok(("channel", channel.Id), ("ts", ts));
    }

    private JsonObject Permalink(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        if (args.Text("message_ts") is not { } ts || state.Find(channel.Id, ts) is not { } message) return Answers.Fail("message_not_found");
        var thread = message.IsReply ? $"?thread_ts={message.ThreadTs}&cid={channel.Id}" : "";
        return Answers.Ok(("channel", channel.Id), ("permalink", new Uri(workspaceUrl(), $"archives/{channel.Id}/p{ts.Replace(".", "", StringComparison.Ordinal)}{thread}").ToString()));
    }

    /// <summary>The text and blocks of a message, or the error that Slack would answer.</summary>
    private static JsonObject? Content(Arguments args, int maxText, out string text, out JsonArray? blocks)
    {
        text = args.Text("text") ?? "";
        blocks = null;
        if (args.Has("blocks"))
        {
            if (args.Json<JsonArray>("blocks") is not { } given) return Answers.Fail("invalid_blocks_format");
            var errors = BlockRules.Check(given, Surface.Message);
            if (errors.Count > 0) return Answers.Fail("invalid_blocks", errors);
            if (BlockText.IsTooLong(given)) return Answers.Fail("msg_blocks_too_long");
            blocks = BlockText.WithIds(given);
        }

        if (text.Length == 0 && blocks is not { Count: > 0 }) return Answers.Fail("no_text");
        var size = maxText == MaxUpdate ? System.Text.Encoding.UTF8.GetByteCount(text) : text.Length;
        return size > maxText ? Answers.Fail("msg_too_long") : null;
    }

    private JsonObject? Thread(Arguments args, string channel)
    {
        if (args.Text("thread_ts") is not { } ts) return null;
        if (state.Find(channel, ts) is not { } parent) return Answers.Fail("thread_not_found");
        return parent.IsReply ? Answers.Fail("cannot_reply_to_message") : null;
    }
}
