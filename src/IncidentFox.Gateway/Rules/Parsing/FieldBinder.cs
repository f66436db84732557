using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>Keys with a number in them, as some services spell lists (<c>InstanceId.1</c>).</summary>
internal static class FieldKey
{
    /// <summary>A field's key with an item's number, from 1.</summary>
    public static string WithNumber(RuleField field, int number) =>
        field.Key.Replace(RuleField.Number, number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>The number in a key; null when it is not this field's.</summary>
    public static int? NumberIn(RuleField field, string key)
    {
        var at = field.Key.IndexOf(RuleField.Number, StringComparison.Ordinal);
        return WireValue.Between(key, field.Key[..at], field.Key[(at + RuleField.Number.Length)..]) is { Length: > 0 and <= 4 } digits
            && digits[0] != '0' && digits.All(char.IsAsciiDigit) ? int.Parse(digits, CultureInfo.InvariantCulture) : null;
    }
}

/// <summary>The pairs of a query or a form against a rule's keys.</summary>
internal static class FieldBinder
{
    public static void Bind(Binding binding, string what, IReadOnlyList<RuleField> fields, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        var values = new Dictionary<RuleField, List<(int Number, string Value)>>(ReferenceEqualityComparer.Instance);
        foreach (var (key, value) in pairs)
        {
            var (field, number) = Find(fields, key);
            if (field is null)
            {
                binding.Problems.Add($"{what} key {Arguments.Printable(key)} is not known; known are {(fields.Count == 0 ? "none" : string.Join(", ", fields.Select(f => f.Key)))}");
                continue;
            }
            if (!values.TryGetValue(field, out var given))
                values[field] = given = [];
            given.Add((number, value));
        }
        foreach (var (field, given) in values)
            Bind(binding, what, field, given);
    }

    private static void Bind(Binding binding, string what, RuleField field, List<(int Number, string Value)> given)
    {
        if (field.IsNumbered)
        {
            given.Sort((a, b) => a.Number.CompareTo(b.Number));
            for (var i = 0; i < given.Count; i++)
            {
                if (given[i].Number != i + 1)
                {
                    binding.Problems.Add($"{what} key {field.Key} must count from 1, each number once");
                    return;
                }
            }
        }
        else if (!field.IsList && given.Count > 1)
        {
            binding.Problems.Add($"{what} key {field.Key} is there more than once");
            return;
        }
        var value = given[0].Value;
        if (field.IsList)
            binding.Put(field.Parameter!, new JsonArray([.. given.Select(g => JsonValue.Create(g.Value))]));
        else if (field.Parameter is { } parameter)
            binding.Put(parameter, value);
        else if (field.Literal is { } literal && literal != value)
            binding.Problems.Add($"{what} key {field.Key} must be {literal}");
        else if (field.Text is { } text)
        {
            if (Template.Single(text) is { } single && !single.Name.Contains('.') && WireValue.Between(value, single.Before, single.After) is { } inside)
                binding.Put(single.Name, inside);
            else
                binding.Problems.Add($"{what} key {field.Key} can't be read back into the tool's arguments; call POST /tools/{binding.Rule.Tool} instead");
        }
    }

    private static (RuleField? Field, int Number) Find(IReadOnlyList<RuleField> fields, string key)
    {
        foreach (var field in fields)
        {
            if (!field.IsNumbered && field.Key == key)
                return (field, 0);
            if (field.IsNumbered && FieldKey.NumberIn(field, key) is { } number)
                return (field, number);
        }
        return (null, 0);
    }
}
