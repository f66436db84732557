using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>auth.test, users.*, conversations.* and usergroups.*: reading methods, which take forms, not JSON.</summary>
internal sealed class DirectoryMethods(SlackWorkspaceState state, Func<Uri> workspaceUrl)
{
    public IEnumerable<ApiMethod> All(SlackLimits limits) =>
    [
        new("auth.test", 600, AcceptsJson: true, AuthTest),
        new("users.info", limits.Tier4, AcceptsJson: false, UserInfo),
        new("users.list", limits.Tier2, AcceptsJson: false, args => Page(args, "members", DemoPeople.All, Roster.Describe)),
        new("conversations.list", limits.Tier2, AcceptsJson: false, args => Page(args, "channels", DemoPeople.Channels, Describe)),
        new("conversations.info", limits.Tier3, AcceptsJson: false, ChannelInfo),
        new("conversations.members", limits.Tier4, AcceptsJson: false, ChannelMembers),
        new("conversations.join", limits.Tier3, AcceptsJson: true, Join),
        new("conversations.history", limits.Tier3, AcceptsJson: true, History),
        new("conversations.replies", limits.Tier3, AcceptsJson: false, Replies),
        new("usergroups.list", limits.Tier2, AcceptsJson: false, Groups),
        new("usergroups.users.list", limits.Tier2, AcceptsJson: false, GroupMembers),
    ];

    private JsonObject AuthTest(Arguments args) => Answers.Ok(
        ("url", workspaceUrl().ToString()), ("team", DemoPeople.TeamName), ("user", "incidentfox"), ("team_id", DemoPeople.TeamId),
        ("user_id", DemoPeople.BotUserId), ("bot_id", DemoPeople.BotId), ("is_enterprise_install", false));

    private static JsonObject UserInfo(Arguments args) =>
        Roster.FindPerson(args.Text("user")) is { } person ? Answers.Ok(("user", Roster.Describe(person))) : Answers.Fail("user_not_found");

    private JsonObject ChannelInfo(Arguments args) =>
        Roster.FindChannel(args.Text("channel"), byName: false) is { } channel ? Answers.Ok(("channel", Describe(channel))) : Answers.Fail("channel_not_found");

    private static JsonObject ChannelMembers(Arguments args) =>
        Roster.FindChannel(args.Text("channel"), byName: false) is { } channel
            ? Page(args, "members", channel.Members, member => JsonValue.Create(member))
            : Answers.Fail("channel_not_found");

    private JsonObject Join(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        state.InviteBot(channel.Id);
        return Answers.Ok(("channel", Describe(channel)));
    }

    private JsonObject History(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        if (!state.BotIsIn(channel.Id)) return Answers.Fail("not_in_channel");
        var messages = state.Messages(channel.Id).Where(m => !m.IsReply && !m.IsNotice && Within(m, args)).Reverse().ToList();
        return Page(args, "messages", messages, m => m.ToSlack());
    }

    private JsonObject Replies(Arguments args)
    {
        if (Roster.FindChannel(args.Text("channel"), byName: false) is not { } channel) return Answers.Fail("channel_not_found");
        if (!state.BotIsIn(channel.Id)) return Answers.Fail("not_in_channel");
        if (args.Text("ts") is not { } ts || state.Find(channel.Id, ts) is not { } asked) return Answers.Fail("thread_not_found");
        var root = asked.ThreadTs ?? asked.Ts;
        var messages = state.Messages(channel.Id).Where(m => m.Ts == root || (m.IsReply && m.ThreadTs == root && Within(m, args))).ToList();
        return Page(args, "messages", messages, m => m.ToSlack());
    }

    private static JsonObject Groups(Arguments args) =>
        Answers.Ok(("usergroups", new JsonArray([.. DemoPeople.Groups.Select(g => Roster.Describe(g, args.Flag("include_users")))])));

    private static JsonObject GroupMembers(Arguments args) =>
        DemoPeople.Groups.FirstOrDefault(g => g.Id == args.Text("usergroup")) is { } group
            ? Answers.Ok(("users", new JsonArray([.. group.Members.Select(m => (JsonNode?)m)])))
            : Answers.Fail("no_such_subteam");

    private JsonObject Describe(DemoChannel channel) => Roster.Describe(channel, state.BotIsIn(channel.Id));

    private static bool Within(Message message, Arguments args)
    {
        var inclusive = args.Flag("inclusive");
        bool After(string? bound) => bound is null or "0" || string.CompareOrdinal(message.Ts, bound) > (inclusive ? -1 : 0);
        bool Before(string? bound) => bound is null or "now" || string.CompareOrdinal(message.Ts, bound) < (inclusive ? 1 : 0);
        return After(args.Text("oldest")) && Before(args.Text("latest"));
    }

    /// <summary>Cursor pages: at most 1000 entries, 100 unless told.</summary>
    private static JsonObject Page<T>(Arguments args, string name, IReadOnlyList<T> all, Func<T, JsonNode?> describe)
    {
        if (args.Has("limit") && args.Number("limit", -1) is < 0 or > 1000) return Answers.Fail("invalid_limit");
        var limit = args.Number("limit", 100) is 0 ? 100 : args.Number("limit", 100);
        var from = 0;
        if (args.Text("cursor") is { Length: > 0 } cursor && (!cursor.StartsWith("next:", StringComparison.Ordinal) || !int.TryParse(cursor[5..], CultureInfo.InvariantCulture, out from))) return Answers.Fail("invalid_cursor");
        var next = from + limit < all.Count ? string.Create(CultureInfo.InvariantCulture, $"next:{from + limit}") : "";
        return Answers.Ok(
            (name, new JsonArray([.. all.Skip(from).Take(limit).Select(describe)])), ("has_more", next.Length > 0),
            ("response_metadata", new JsonObject { ["next_cursor"] = next }));
    }
}
