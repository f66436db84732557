using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules.Files;

// The `on_call` section: how to learn who is on call.
internal static class OnCallFile
{
    public static OnCallSettings? Read(YamlMap? map)
    {
        if (map is null)
            return null;
        OnCallPerson? person = null;
        if (map.Map("person") is { } one)
        {
            person = new(Pointer(one, "id"), one.Text("read", required: true) ?? "", ToolRuleReader.Arguments(one));
            one.Done();
        }
        var read = new OnCallSettings(map.Text("read", required: true) ?? "", ToolRuleReader.Arguments(map), Pointer(map, "people"), person, Pointer(map, "email"));
        map.Done();
        return read;
    }

    public static IEnumerable<string> Problems(OnCallSettings onCall, IReadOnlyList<ToolRule> rules)
    {
        foreach (var tool in new[] { onCall.Tool, onCall.Person?.Tool }.OfType<string>().Where(t => rules.FirstOrDefault(r => r.Tool == t) is not { Effect: ToolEffect.Read, OpaqueBytes: null }))
            yield return $"names {YamlMap.Shown(tool)}, which is not a read of this integration";
        foreach (var name in Template.Names(onCall.Arguments).Where(n => n != "schedule").Concat(Template.Names(onCall.Person?.Arguments).Where(n => n != "person")))
            yield return $"has {{{name}}}, which is neither {{schedule}} of its own read nor {{person}} of a person's";
    }

    public static OnCallSettings Prefixed(OnCallSettings onCall, string prefix) => onCall with
    {
        Tool = prefix + onCall.Tool,
        Person = onCall.Person is { } person ? person with { Tool = prefix + person.Tool } : null,
    };

    private static string Pointer(YamlMap map, string key)
    {
        var pointer = map.Text(key, required: true) ?? "";
        if (!RuleChecks.IsPointer(pointer))
            map.Error(key, "must be a JSON pointer such as /user/email");
        return pointer;
    }
}
