using IncidentFox.Core.Policy;

namespace IncidentFox.Core.Administration;

/// <summary>Whose layer of the policy: an organization's, or one team's.</summary>
public readonly record struct PolicyScope(OrgId Org, TeamId? Team)
{
    /// <inheritdoc />
    public override string ToString() => Team is { } team ? $"team {team}" : $"organization {Org}";
}

/// <summary>What became of a change, with the errors told apart by setting.</summary>
public sealed record EditResult(PolicyOutcome Outcome, int Version, IReadOnlyList<SettingError> Errors);

/// <summary>Changes of policies as people make them, in Slack and on the command line alike. Whether somebody may is asked before.</summary>
public sealed class PolicyDesk(PolicyStore store)
{
    /// <summary>Where everything is kept.</summary>
    public PolicyStore Store { get; } = store;

    /// <summary>Changes one entry of the layer.</summary>
    /// <param name="scope">Whose layer.</param>
    /// <param name="part">Of what.</param>
    /// <param name="name">The tool's or action's name.</param>
    /// <param name="settings">As typed.</param>
    /// <param name="seen">The version that the person looked at; null: whichever is in force now, for a change that doesn't depend on what they saw.</param>
    /// <param name="byWhom">For the audit trail.</param>
    /// <param name="note">Why, in their words.</param>
    /// <param name="cancellationToken">Nothing is half done.</param>
    public async Task<EditResult> EditAsync(
        PolicyScope scope, PolicyPart part, string name, IReadOnlyDictionary<string, string> settings, int? seen, string byWhom, string? note, CancellationToken cancellationToken)
    {
        var current = await Store.CurrentAsync(scope.Org, scope.Team, cancellationToken);
        var version = current?.Version ?? 0;
        if (seen is { } looked && looked != version)
            return new(PolicyOutcome.Conflict, version, [new("", $"somebody changed this policy meanwhile: it is version {version} now, you looked at {looked}")]);
        var (json, errors) = PolicyEdit.Apply(current?.Json, part, name, settings);
        if (json is null)
            return new(PolicyOutcome.Invalid, version, errors);
        var change = await Store.SetAsync(scope.Org, scope.Team, json, version, byWhom, note, cancellationToken);
        return new(change.Outcome, change.Version, [.. change.Errors.Select(e => PolicyEdit.Of(part, name, e))]);
    }
}
