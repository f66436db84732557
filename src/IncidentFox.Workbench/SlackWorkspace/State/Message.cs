using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>One message as it stands. Copies are handed out: what a caller does to them changes nothing.</summary>
public sealed record Message
{
    public required string Channel { get; init; }
    public required string Ts { get; init; }
    public required string Author { get; init; }
    public required string Text { get; init; }
    public JsonArray? Blocks { get; init; }
    public string? ThreadTs { get; init; }
    public string? EditedTs { get; init; }

    /// <summary>Set on ephemeral messages: the only person who sees it.</summary>
    public string? VisibleOnlyTo { get; init; }

    /// <summary>True for the workspace's own words ("the app did not answer").</summary>
    public bool IsNotice { get; init; }

    public int ReplyCount { get; init; }
    public string? LatestReply { get; init; }
    public JsonObject? Metadata { get; init; }

    public bool IsReply => ThreadTs is not null && ThreadTs != Ts;

    internal Message Copy() => this with { Blocks = Blocks?.DeepClone().AsArray(), Metadata = Metadata?.DeepClone().AsObject() };

    /// <summary>The message as the Web API and the deliveries carry it.</summary>
    internal JsonObject ToSlack()
    {
        var json = new JsonObject { ["type"] = "message", ["user"] = Author, ["text"] = Text, ["ts"] = Ts, ["team"] = DemoPeople.All.FirstOrDefault(p => p.Id == Author)?.TeamId };
        if (Author == DemoPeople.BotUserId)
        {
            json["bot_id"] = DemoPeople.BotId;
            json["app_id"] = DemoPeople.AppId;
        }

        if (Blocks is not null) json["blocks"] = Blocks.DeepClone();
        if (Metadata is not null) json["metadata"] = Metadata.DeepClone();
        if (ThreadTs is not null) json["thread_ts"] = ThreadTs;
        if (ReplyCount > 0)
        {
            json["thread_ts"] = Ts;
            json["reply_count"] = ReplyCount;
            json["latest_reply"] = LatestReply;
        }

        if (EditedTs is not null) json["edited"] = new JsonObject { ["user"] = Author, ["ts"] = EditedTs };
        if (VisibleOnlyTo is not null) json["is_ephemeral"] = true;
        return json;
    }
}

/// <summary>An open modal, or a person's App Home.</summary>
public sealed record View
{
    public required string Id { get; init; }
    public required string Hash { get; init; }
    public required string Person { get; init; }
    public required string RootId { get; init; }
    public string? PreviousId { get; init; }

    /// <summary>What the app sent, with the ids that Slack fills in.</summary>
    public required JsonObject Body { get; init; }

    public string Type => (string)Body["type"]!;

    /// <summary>The view as the Web API and the deliveries carry it.</summary>
    internal JsonObject ToSlack(JsonObject? values = null)
    {
        var json = Body.DeepClone().AsObject();
        json["id"] = Id;
        json["team_id"] = DemoPeople.TeamId;
        json["app_id"] = DemoPeople.AppId;
        json["app_installed_team_id"] = DemoPeople.TeamId;
        json["bot_id"] = DemoPeople.BotId;
        json["hash"] = Hash;
        json["root_view_id"] = RootId;
        json["previous_view_id"] = PreviousId;
        json["state"] = new JsonObject { ["values"] = values?.DeepClone() ?? new JsonObject() };
        foreach (var text in (string[])["private_metadata", "callback_id", "external_id"]) json[text] ??= "";
        foreach (var flag in (string[])["clear_on_close", "notify_on_close"]) json[flag] ??= false;
        return json;
    }
}
