using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Files;

// What a rule says beyond the request itself: precondition, dry run, preview, proof.
internal static class ActionReader
{
    public static Precondition? Precondition(YamlMap tool)
    {
        if (tool.Map("precondition") is not { } map)
            return null;
        var read = new Precondition
        {
            Tool = map.Text("read", required: true) ?? "",
            Arguments = ToolRuleReader.Arguments(map),
            Captures = map.Map("capture", required: true) is { } capture ? Captures(capture) : [],
            Seen = map.Map("seen") is { } seen ? Captures(seen) : [],
            Refusals = [.. map.Maps("refuse").Select(Refusal)],
            Derivation = Derivation(map),
            Hold = map.Texts("hold"),
        };
        map.Done();
        return read;
    }

    private static List<Capture> Captures(YamlMap map)
    {
        var captures = new List<Capture>();
        foreach (var name in map.Keys())
        {
            if (!Names.IsIdentifier(name))
                map.Error(name, "a name is 1 to 64 of a-z, 0-9 and _");
            if (map.IsText(name))
                captures.Add(new(name, Pointer(map, name), HasDefault: false, null));
            else if (map.Map(name) is { } one)
            {
                captures.Add(new(name, Pointer(one, "at"), one.Has("default"), one.Json("default")));
                one.Done();
            }
        }
        return captures;
    }

    private static TargetRefusal Refusal(YamlMap map)
    {
        var refusal = new TargetRefusal([.. map.Maps("when").Select(Condition)], map.Text("say", required: true) ?? "");
        if (refusal.When.Count == 0)
            map.Error("'when' needs at least one condition");
        map.Done();
        return refusal;
    }

    private static DerivationUse? Derivation(YamlMap precondition)
    {
        if (precondition.Map("derive") is not { } map)
            return null;
        var use = new DerivationUse(map.Text("as", required: true) ?? "", map.Texts("reads"));
        map.Done();
        return use;
    }

    public static DryRun? DryRun(YamlMap tool)
    {
        if (tool.Map("dry_run") is not { } map)
            return null;
        var body = map.Json("body");
        if (body is not (null or JsonObject))
            map.Error("body", "must be a mapping of members");
        var read = new DryRun
        {
            BodyMembers = body as JsonObject,
            Query = [.. ToolRuleReader.Pairs(map, "query").Select(p => new RuleHeader(p.Key, p.Value))],
            Form = [.. ToolRuleReader.Pairs(map, "form").Select(p => new RuleHeader(p.Key, p.Value))],
            Status = (int?)map.Integer("status", 100, 599),
        };
        if (read is { BodyMembers: null, Query.Count: 0, Form.Count: 0 })
            map.Error("needs 'body', 'query' or 'form'");
        map.Done();
        return read;
    }

    public static EffectTemplate? Preview(YamlMap tool)
    {
        if (tool.Map("preview") is not { } map)
            return null;
        var changes = new List<ChangeTemplate>();
        if (map.Map("changes") is { } changed)
        {
            foreach (var what in changed.Keys())
            {
                if (changed.Texts(what) is [var before, var after])
                    changes.Add(new(what, before, after));
                else
                    changed.Error(what, "must be a list of two texts: before and after");
            }
        }
        var read = new EffectTemplate
        {
            Title = map.Text("title", required: true) ?? "",
            Facts = [.. ToolRuleReader.Pairs(map, "facts").Select(p => new FactTemplate(p.Key, p.Value))],
            Changes = changes,
        };
        map.Done();
        return read;
    }

    public static IReadOnlyList<ProofCondition> Success(YamlMap tool) => [.. tool.Maps("success").Select(Condition)];

    public static ProofOfEffect? Proof(YamlMap tool)
    {
        if (tool.Map("proof") is not { } map)
            return null;
        var rules = new List<ProofRule>();
        foreach (var rule in map.Maps("rules"))
        {
            var verdict = rule.Text("then", required: true);
            if (verdict is not (null or "done" or "not_done"))
                rule.Error("then", "must be done or not_done");
            var conditions = rule.Maps("when").Select(Condition).ToList();
            if (conditions.Count == 0)
                rule.Error("'when' needs at least one condition");
            rules.Add(new(conditions, verdict == "done" ? ProofVerdict.Done : ProofVerdict.NotDone));
            rule.Done();
        }
        if (rules.Count == 0)
            map.Error("'rules' needs at least one rule");
        var read = new ProofOfEffect { Tool = map.Text("read", required: true) ?? "", Arguments = ToolRuleReader.Arguments(map), Rules = rules };
        map.Done();
        return read;
    }

    private static ProofCondition Condition(YamlMap map)
    {
        string[] tests = ["status", "equals", "not_equals", "exists", "absent", "contains"];
        var given = tests.Where(map.Has).ToList();
        if (given.Count != 1)
            map.Error($"needs exactly one of {string.Join(", ", tests)}");
        var test = given.FirstOrDefault();
        if ((test is "exists" or "absent") && map.Boolean(test) != true)
            map.Error(test, "must be true");
        var condition = new ProofCondition
        {
            Test = test switch
            {
                "equals" => ProofTest.Equals,
                "not_equals" => ProofTest.NotEquals,
                "exists" => ProofTest.Exists,
                "absent" => ProofTest.Absent,
                "contains" => ProofTest.Contains,
                _ => ProofTest.StatusIs,
            },
            Status = test == "status" ? (int)(map.Integer("status", 100, 599) ?? 0) : 0,
            Pointer = test is null or "status" ? null : Pointer(map, "at"),
            Value = test is "equals" or "not_equals" or "contains" ? map.Json(test) : null,
        };
        if (test == "contains" && !(condition.Value is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0))
            map.Error(test, "must be a text");
        map.Done();
        return condition;
    }

    private static string Pointer(YamlMap map, string key)
    {
        var pointer = map.Text(key, required: true) ?? "";
        if (!RuleChecks.IsPointer(pointer))
            map.Error(key, "must be a JSON pointer such as /metadata/uid");
        return pointer;
    }
}
