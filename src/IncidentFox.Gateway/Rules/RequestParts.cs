namespace IncidentFox.Gateway.Rules;

/// <summary>One segment of a path: a literal, or a parameter with literal text around it.</summary>
/// <param name="Literal">Sent as it stands; null for a parameter.</param>
/// <param name="Parameter">The parameter's name; null for a literal.</param>
public readonly record struct PathSegment(string? Literal, string? Parameter)
{
    /// <summary>What stands before the parameter in the same segment.</summary>
    public string? Prefix { get; init; }

    /// <summary>What stands after it, e.g. <c>.json</c> or <c>:query</c>.</summary>
    public string? Suffix { get; init; }

    /// <summary>True: the parameter is a path and stands for one segment or more (<c>{path...}</c>).</summary>
    public bool IsMany { get; init; }

    /// <summary>As a file writes it.</summary>
    public override string ToString() => Literal ?? $"{Prefix}{{{Parameter}{(IsMany ? "..." : "")}}}{Suffix}";
}

/// <summary>One key of a query or a form.</summary>
/// <param name="Key">As sent. With <c>{n}</c> in it the parameter is a list, and the key is sent once per item with its number, from 1.</param>
/// <param name="Parameter">The parameter that is its value; null when <paramref name="Literal"/> or <see cref="Text"/> is. Left out when the parameter is absent.</param>
/// <param name="Literal">A value that is always sent.</param>
/// <param name="IsList">The parameter is a list: the key is sent once per item. Otherwise once at most.</param>
/// <param name="Ignored">The base-URL door accepts the key from clients and drops it, e.g. kubectl's <c>limit</c>. Never sent.</param>
public sealed record RuleField(string Key, string? Parameter, string? Literal, bool IsList, bool Ignored)
{
    /// <summary>A text with placeholders in it that is always sent; see <see cref="Template"/>.</summary>
    public string? Text { get; init; }

    /// <summary>The place of an item's number in a key.</summary>
    public const string Number = "{n}";

    /// <summary>Whether the key carries its item's number.</summary>
    public bool IsNumbered => Key.Contains(Number, StringComparison.Ordinal);
}

/// <summary>A header that is sent with this value.</summary>
/// <param name="Name">Header name.</param>
/// <param name="Value">Sent as it stands: a rule's word, never a client's.</param>
public sealed record RuleHeader(string Name, string Value);
