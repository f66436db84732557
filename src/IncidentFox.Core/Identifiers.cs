using System.Globalization;

namespace IncidentFox.Core;

/// <summary>One investigation, shown as <c>inv_</c> and 32 hex digits.</summary>
public readonly record struct InvestigationId(Guid Value)
{
    /// <summary>A new one; later ones sort later.</summary>
    public static InvestigationId New() => new(Guid.CreateVersion7());

    /// <summary>Parses the shown form, strictly.</summary>
    public static bool TryParse(string? text, out InvestigationId id)
    {
        var ok = PrefixedId.TryParse(text, "inv_", out var value);
        id = new(value);
        return ok;
    }

    /// <inheritdoc />
    public override string ToString() => PrefixedId.Format("inv_", Value);

    /// <summary>What people see and type: the last 8 digits.</summary>
    public string Short => Value.ToString("N", CultureInfo.InvariantCulture)[^8..];
}

/// <summary>One sandbox, shown as <c>sbx_</c> and 32 hex digits. Used once, for one investigation.</summary>
public readonly record struct SandboxId(Guid Value)
{
    /// <summary>A new one.</summary>
    public static SandboxId New() => new(Guid.CreateVersion7());

    /// <summary>Parses the shown form, strictly.</summary>
    public static bool TryParse(string? text, out SandboxId id)
    {
        var ok = PrefixedId.TryParse(text, "sbx_", out var value);
        id = new(value);
        return ok;
    }

    /// <inheritdoc />
    public override string ToString() => PrefixedId.Format("sbx_", Value);
}

/// <summary>One approval, shown as <c>apr_</c> and 32 hex digits.</summary>
public readonly record struct ApprovalId(Guid Value)
{
    /// <summary>A new one; later ones sort later.</summary>
    public static ApprovalId New() => new(Guid.CreateVersion7());

    /// <summary>Parses the shown form, strictly.</summary>
    public static bool TryParse(string? text, out ApprovalId id)
    {
        var ok = PrefixedId.TryParse(text, "apr_", out var value);
        id = new(value);
        return ok;
    }

    /// <inheritdoc />
    public override string ToString() => PrefixedId.Format("apr_", Value);

    /// <summary>What people see: the last 8 digits.</summary>
    public string Short => Value.ToString("N", CultureInfo.InvariantCulture)[^8..];
}

/// <summary>One person, however many Slack or OIDC identities they have. Approvers are counted by this.</summary>
public readonly record struct PersonId(Guid Value)
{
    /// <summary>A new one.</summary>
    public static PersonId New() => new(Guid.CreateVersion7());

    /// <inheritdoc />
    public override string ToString() => PrefixedId.Format("per_", Value);
}

/// <summary>An organization's configured name: 1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
public readonly record struct OrgId(string Value)
{
    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>A team's configured name within its organization: 1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
public readonly record struct TeamId(string Value)
{
    /// <inheritdoc />
    public override string ToString() => Value;
}

internal static class PrefixedId
{
    public static string Format(string prefix, Guid value) => prefix + value.ToString("N", CultureInfo.InvariantCulture);

    public static bool TryParse(string? text, string prefix, out Guid value)
    {
        value = default;
        return text is { Length: 36 } && text.StartsWith(prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(text.AsSpan(4), "N", out value)
            && text == Format(prefix, value);
    }
}
