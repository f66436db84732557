using System.Text.Json;
using IncidentFox.Slack.Inbound;

namespace IncidentFox.Slack.WebApi;

internal sealed record ChannelPage(IReadOnlyList<SlackChannel> Channels, string? NextCursor);

internal static class AnswerReader
{
    public static SlackUser User(JsonElement root)
    {
        var user = root.Object("user") ?? throw new MalformedPayloadException("user is missing");
        return new SlackUser
        {
            Id = user.RequiredId("id"),
            Name = user.Text("name") ?? "",
            RealName = user.Text("real_name") ?? user.Object("profile")?.Text("real_name"),
            TeamId = user.Id("team_id"),
            TimeZone = user.Text("tz"),
            IsBot = user.Flag("is_bot"),
            IsDeleted = user.Flag("deleted"),
            IsOwner = user.Flag("is_owner") || user.Flag("is_primary_owner"),
            IsRestricted = user.Flag("is_restricted") || user.Flag("is_ultra_restricted"),
            IsStranger = user.Flag("is_stranger"),
        };
    }

    public static ChannelPage Channels(JsonElement root) =>
        new([.. root.Items("channels").Select(Channel)], root.Object("response_metadata")?.Text("next_cursor"));

    public static IReadOnlyList<string> Members(JsonElement root) =>
        [.. root.Items("users").Select(u => JsonFields.CheckedId(u.GetString(), "users") ?? throw new MalformedPayloadException("users holds an empty id"))];

    public static IReadOnlyList<SlackUserGroup> UserGroups(JsonElement root) =>
        [.. root.Items("usergroups").Where(g => g.TryGetProperty("date_delete", out var deleted) && deleted.ValueKind == JsonValueKind.Number && deleted.GetInt64() == 0)
            .Select(g => new SlackUserGroup(g.RequiredId("id"), g.Text("handle") ?? "", Members(g)))];

    public static SlackIdentity Identity(JsonElement root) => new(
        root.RequiredId("team_id"),
        root.Text("team") ?? "",
        root.RequiredId("user_id"),
        root.Id("bot_id"),
        root.Id("enterprise_id"),
        root.Text("url") ?? "");

    private static SlackChannel Channel(JsonElement channel) => new()
    {
        Id = channel.RequiredId("id"),
        Name = channel.Text("name") ?? "",
        IsPrivate = channel.Flag("is_private"),
        IsArchived = channel.Flag("is_archived"),
        IsMember = channel.Flag("is_member"),
        IsExternallyShared = channel.Flag("is_ext_shared"),
    };
}
