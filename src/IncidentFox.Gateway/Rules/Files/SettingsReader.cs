namespace IncidentFox.Gateway.Rules.Files;

// What a file says about settings: a mapping declares one, a text gives its value.
internal sealed record FileSettings(IReadOnlyList<SettingDeclaration> Declared, IReadOnlyDictionary<string, string> Given)
{
    public static FileSettings Read(YamlMap root)
    {
        var declared = new List<SettingDeclaration>();
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        if (root.Map("settings") is not { } map)
            return new([], given);
        foreach (var name in map.Keys())
        {
            if (!Names.IsIdentifier(name))
                map.Error(name, "a setting's name is 1 to 64 of a-z, 0-9 and _");
            else if (!map.IsText(name))
            {
                if (map.Map(name) is { } one)
                    declared.Add(Declaration(name, one));
            }
            else if (map.Text(name) is { } value)
                given[name] = value;
        }
        return new(declared, given);
    }

    // The values that hold: given, else the default. A shipped file on its own is read with examples.
    public IReadOnlyDictionary<string, string> Values(IReadOnlyList<SettingDeclaration> below, bool withExamples, YamlMap root)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        IReadOnlyList<SettingDeclaration> all = [.. below, .. Declared];
        foreach (var setting in all)
        {
            if (Given.TryGetValue(setting.Name, out var value))
            {
                if (setting.Problem(value) is { } problem)
                    root.Map("settings")!.Error(setting.Name, problem);
            }
            else
                value = setting.Default ?? (withExamples ? setting.Example : null);
            if (value is null)
                root.Error($"'settings.{setting.Name}' is missing: {setting.Description}{(setting.Example is null ? "" : $", e.g. {setting.Example}")}");
            values[setting.Name] = value ?? setting.Example ?? "x";
        }
        foreach (var (name, value) in Given.Where(g => !values.ContainsKey(g.Key)))
        {
            if (below.Count > 0 || root.Has("extends"))
                root.Map("settings")!.Error(name, $"is not a setting of the integration that this extends; those are {(all.Count == 0 ? "none" : string.Join(", ", all.Select(s => s.Name)))}");
            else if (value.AsSpan().IndexOfAny('{', '}') >= 0 || value.Length > SettingDeclaration.MaxLength || value.Any(char.IsControl))
                root.Map("settings")!.Error(name, $"has at most {SettingDeclaration.MaxLength} characters, and no braces");
            else
                values[name] = value;
        }
        return values;
    }

    private static SettingDeclaration Declaration(string name, YamlMap map)
    {
        var setting = new SettingDeclaration
        {
            Name = name,
            Description = map.Text("description", required: true) ?? "",
            Pattern = ParameterReader.Pattern(map) ?? SettingDeclaration.Plain,
            Default = map.Text("default"),
            Example = map.Text("example"),
        };
        if (setting is { Default: null, Example: null })
            map.Error("needs an 'example' or a 'default'");
        foreach (var (key, value) in new[] { ("default", setting.Default), ("example", setting.Example) })
        {
            if (value is not null && setting.Problem(value) is { } problem)
                map.Error(key, problem);
        }
        map.Done();
        return setting;
    }
}
