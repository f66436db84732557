using IncidentFox.Core;
using IncidentFox.Core.Identity;

namespace IncidentFox.Gateway.Rules.Explaining;

/// <summary>A request somebody wonders about.</summary>
public sealed record RequestQuestion
{
    /// <summary>Its method.</summary>
    public required string Method { get; init; }

    /// <summary>An address at the target (<c>https://host/path</c>), or one of the base-URL door (<c>/i/{integration}/path</c>).</summary>
    public required string Url { get; init; }

    /// <summary>Who would ask.</summary>
    public required TeamId Team { get; init; }

    /// <summary>The lowest role among those who asked.</summary>
    public Role Role { get; init; } = Role.Operator;

    /// <summary>When they would: policies may have hours.</summary>
    public DateTimeOffset At { get; init; } = TimeProvider.System.GetUtcNow();

    /// <summary>Its body.</summary>
    public string? Body { get; init; }

    /// <summary>Its headers.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>What would become of it.</summary>
/// <param name="HasRule">Whether a rule allows it; policy may still say no.</param>
/// <param name="Facts">What is to be said, in order: a word and a text.</param>
/// <param name="Suggestion">YAML that would allow it; null when it is allowed or no rule could say it.</param>
public sealed record Explanation(bool HasRule, IReadOnlyList<(string Word, string Text)> Facts, string? Suggestion);
