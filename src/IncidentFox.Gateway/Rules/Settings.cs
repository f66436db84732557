namespace IncidentFox.Gateway.Rules;

/// <summary>Something that an installation must or may say about itself, such as a region. It stands as <c>{settings.NAME}</c> in the file's texts.</summary>
public sealed record SettingDeclaration
{
    /// <summary>1 to 64 of <c>a-z 0-9 _</c>.</summary>
    public required string Name { get; init; }

    /// <summary>For whoever sets it.</summary>
    public required string Description { get; init; }

    /// <summary>The whole value must match this. Unstated: letters, digits, <c>_ . -</c>, the first one a letter or a digit.</summary>
    public required string Pattern { get; init; }

    /// <summary>The value of a setting that was left out; null: it must be given.</summary>
    public string? Default { get; init; }

    /// <summary>A value as an example: what the shipped file is checked and documented with.</summary>
    public string? Example { get; init; }

    /// <summary>Longest value, characters.</summary>
    public const int MaxLength = 200;

    /// <summary>Where no pattern is stated.</summary>
    public const string Plain = "[A-Za-z0-9][A-Za-z0-9_.-]*";

    /// <summary>What is wrong with a value; null when it may stand. Braces never may: a value is never read for placeholders.</summary>
    public string? Problem(string value) =>
        value.Length is 0 or > MaxLength || value.Any(c => c is < ' ' or >= (char)127 or '{' or '}') || !Parsing.Arguments.Compile(Pattern).IsMatch(value)
            ? $"must match {Pattern} and have 1 to {MaxLength} characters"
            : null;
}
