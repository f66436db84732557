using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>Who and what there is, as the Web API describes it.</summary>
internal static class Roster
{
    public static DemoChannel? FindChannel(string? given, bool byName) =>
        DemoPeople.Channels.FirstOrDefault(c => c.Id == given || (byName && given is not null && c.Name == given.TrimStart('#')));

    public static Person? FindPerson(string? id) => DemoPeople.All.FirstOrDefault(p => p.Id == id);

    public static JsonObject Describe(Person person) => new()
    {
        ["id"] = person.Id,
        ["team_id"] = person.TeamId,
        ["name"] = person.Handle,
        ["deleted"] = false,
        ["color"] = person.Color.TrimStart('#'),
        ["real_name"] = person.Name,
        ["tz"] = "Etc/UTC",
        ["tz_label"] = "Coordinated Universal Time",
        ["tz_offset"] = 0,
        ["profile"] = new JsonObject
        {
            ["title"] = person.Title,
            ["real_name"] = person.Name,
            ["display_name"] = person.Handle,
            ["email"] = person.IsBot ? null : person.Email,
            ["team"] = person.TeamId,
        },
        ["is_admin"] = false,
        ["is_owner"] = false,
        ["is_restricted"] = false,
        ["is_ultra_restricted"] = false,
        ["is_bot"] = person.IsBot,
        ["is_app_user"] = false,
        ["is_stranger"] = person.IsStranger,
        ["updated"] = 1_700_000_000,
    };

    public static JsonObject Describe(DemoChannel channel, bool botIsMember) => new()
    {
        ["id"] = channel.Id,
        ["name"] = channel.Name,
        ["name_normalized"] = channel.Name,
        ["is_channel"] = true,
        ["is_private"] = false,
        ["is_archived"] = false,
        ["is_general"] = channel.Id == DemoPeople.General,
        ["is_member"] = botIsMember,
        ["is_shared"] = channel.IsExternallyShared,
        ["is_ext_shared"] = channel.IsExternallyShared,
        ["context_team_id"] = DemoPeople.TeamId,
        ["creator"] = DemoPeople.Ada,
        ["created"] = 1_700_000_000,
        ["num_members"] = channel.Members.Count,
        ["topic"] = new JsonObject { ["value"] = channel.Topic, ["creator"] = DemoPeople.Ada, ["last_set"] = 1_700_000_000 },
        ["purpose"] = new JsonObject { ["value"] = channel.Topic, ["creator"] = DemoPeople.Ada, ["last_set"] = 1_700_000_000 },
    };

    public static JsonObject Describe(UserGroup group, bool withUsers)
    {
        var json = new JsonObject
        {
            ["id"] = group.Id,
            ["team_id"] = DemoPeople.TeamId,
            ["is_usergroup"] = true,
            ["name"] = group.Name,
            ["handle"] = group.Handle,
            ["date_delete"] = 0,
            ["user_count"] = group.Members.Count,
        };
        if (withUsers) json["users"] = new JsonArray([.. group.Members.Select(m => (JsonNode?)m)]);
        return json;
    }
}
