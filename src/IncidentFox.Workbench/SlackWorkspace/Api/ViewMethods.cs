using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Blocks;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>views.*: modals and App Home.</summary>
internal sealed class ViewMethods(SlackWorkspaceState state, Triggers triggers)
{
    private const int MaxStack = 3;

    public IEnumerable<ApiMethod> All(SlackLimits limits) =>
    [
        new("views.open", limits.Tier4, AcceptsJson: true, args => Open(args, onTop: false)),
        new("views.push", limits.Tier4, AcceptsJson: true, args => Open(args, onTop: true)),
        new("views.update", limits.Tier4, AcceptsJson: true, Update),
        new("views.publish", limits.Tier4, AcceptsJson: true, Publish),
    ];

    private JsonObject Open(Arguments args, bool onTop)
    {
        if (args.Text("trigger_id") is not { } trigger) return Answers.Missing("trigger_id");
        if (Read(args, home: false, out var view) is { } wrong) return wrong;
        var (person, error) = triggers.Redeem(trigger);
        if (error is not null) return Answers.Fail(error);
        if (onTop && state.OpenViews(person!).Count >= MaxStack) return Answers.Fail("push_limit_reached");
        if (view["external_id"]?.ToString() is { Length: > 0 } external && state.FindView(external) is not null) return Answers.Fail("duplicate_external_id");
        return Answers.Ok(("view", state.OpenView(person!, view, onTop).ToSlack()));
    }

    private JsonObject Update(Arguments args)
    {
        if ((args.Text("view_id") ?? args.Text("external_id")) is not { } id) return Answers.Missing("view_id");
        if (state.FindView(id) is not { } old) return Answers.Fail("not_found");
        if (Read(args, home: false, out var view) is { } wrong) return wrong;
        var (updated, conflict) = state.UpdateView(old.Id, view, args.Text("hash"));
        if (conflict) return Answers.Fail("hash_conflict");
        return updated is null ? Answers.Fail("not_found") : Answers.Ok(("view", updated.ToSlack()));
    }

    private JsonObject Publish(Arguments args)
    {
        if (args.Text("user_id") is not { } user) return Answers.Missing("user_id");
        if (Roster.FindPerson(user) is null) return Answers.Fail("user_not_found");
        if (Read(args, home: true, out var view) is { } wrong) return wrong;
        if (args.Text("hash") is { Length: > 0 } hash && state.Home(user) is { } old && old.Hash != hash) return Answers.Fail("hash_conflict");
        return Answers.Ok(("view", state.PublishHome(user, view).ToSlack()));
    }

    private static JsonObject? Read(Arguments args, bool home, out JsonObject view)
    {
        view = [];
        if (args.Json<JsonObject>("view") is not { } given) return Answers.Missing("view");
        var errors = ViewRules.Check(given, home);
        if (errors.Count > 0) return Answers.Fail("invalid_arguments", errors);
        view = Complete(given);
        return null;
    }

    /// <summary>A copy of the view with the ids that Slack fills in.</summary>
    public static JsonObject Complete(JsonObject given)
    {
        var view = given.DeepClone().AsObject();
        view["blocks"] = BlockText.WithIds(given["blocks"]!.AsArray());
        return view;
    }
}
