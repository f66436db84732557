using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules;

/// <summary>What a parameter holds.</summary>
public enum ParameterType
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A whole number within ±2^53.</summary>
    Integer,

    /// <summary>A finite number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A list of texts.</summary>
    StringList,

    /// <summary>1 to 20 segments of a path with slashes between them, none of which a server could take for a step up.</summary>
    Path,

    /// <summary>A JSON object, at most 64 KiB and 16 levels deep, no member twice: a query in a target's own language.</summary>
    Object,
}

/// <summary>One parameter of a tool.</summary>
public sealed record ToolParameter
{
    /// <summary>1 to 64 of <c>a-z 0-9 _</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it holds.</summary>
    public required ParameterType Type { get; init; }

    /// <summary>For a model or a person.</summary>
    public required string Description { get; init; }

    /// <summary>False: may be left out, and then <see cref="Default"/> holds, or nothing.</summary>
    public bool Required { get; init; } = true;

    /// <summary>The value of a parameter that was left out; null: none.</summary>
    public JsonNode? Default { get; init; }

    /// <summary>The whole text, or each item, must match this (.NET syntax, matched without backtracking, anchored by the product).</summary>
    public string? Pattern { get; init; }

    /// <summary>What may stand nowhere in the text, or in an item: a regular expression, of whatever case. For words of a query language that do more than ask.</summary>
    public string? Without { get; init; }

    /// <summary>The only values it may have; empty: any.</summary>
    public IReadOnlyList<string> Allowed { get; init; } = [];

    /// <summary>Smallest number.</summary>
    public decimal? Min { get; init; }

    /// <summary>Largest number.</summary>
    public decimal? Max { get; init; }

    /// <summary>Longest text or item, characters.</summary>
    public int MaxLength { get; init; } = 1_000;

    /// <summary>Most items of a list.</summary>
    public int MaxItems { get; init; } = 50;
}
