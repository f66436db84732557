using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Rules.Documenting;

/// <summary>
/// JSON Schema (draft 7, which editors know) of integration files. It completes and explains; the loader is stricter and has the last word.
/// </summary>
public static class IntegrationSchema
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The schema, as the file has it.</summary>
    public static string Text() => Json().ToJsonString(Indented) + "\n";

    /// <summary>The schema.</summary>
    public static JsonObject Json()
    {
        var root = Closed("One integration: where a service is, how to show who one is there, and what may be said to it.", new()
        {
            ["integration"] = Pattern("Its name, unique in a team.", "^[a-z0-9_-]{1,40}$"),
            ["extends"] = Enumeration("A shipped integration whose rules it takes over.", ShippedIntegration.All.Select(i => i.Name)),
            ["team"] = Pattern("The only team that may use it; unstated: all.", "^[a-z0-9_-]{1,40}$"),
            ["description"] = Text("For people and models."),
            ["base_url"] = Pattern("https://host[:port][/path]; may hold {settings.NAME}.", "^https?://"),
            ["settings"] = Map("What differs from one installation to the next: a mapping declares a setting, a text gives its value.", AnyOf(Text("Its value."), Setting())),
            ["auth"] = Auth(),
            ["network"] = Closed("Which addresses its host may resolve to, and whom to believe there.", new()
            {
                ["allow"] = List("Ranges besides public ones, e.g. 10.0.0.0/8.", Text("An address or a range.")),
                ["ca_file"] = Pattern("PEM file with the authorities to trust instead of the system's.", "^/"),
                ["min_tls"] = Enumeration("The oldest TLS that is spoken.", ["1.2", "1.3"]),
                ["server_name"] = Text("The name on its certificate, when it is not the host's."),
            }),
            ["refusal"] = Closed("How the target says that it does not accept the credential, besides 401.", new()
            {
                ["status"] = Whole("A status that means it.", 400, 499), ["at"] = Text("A JSON pointer into a 2xx answer."), ["equals"] = List("What means it there.", Text("A text.")),
            }),
            ["limits"] = Closed("How much and how long.", new()
            {
                ["response_bytes"] = Whole("Most bytes of an answer.", 1_024, 64 * 1024 * 1024), ["timeout_seconds"] = Whole("Longest call.", 1, 300),
                ["first_byte_seconds"] = Whole("Longest wait for an answer to begin.", 1, 300), ["connect_seconds"] = Whole("Longest wait for a connection.", 1, 60),
                ["concurrent"] = Whole("Calls under way at once.", 1, 10_000), ["per_second"] = Whole("Calls per second.", 1, 1_000_000),
                ["per_sandbox_concurrent"] = Whole("Calls of one sandbox under way at once.", 1, 10_000),
                ["per_sandbox_per_second"] = Whole("Calls of one sandbox per second.", 1, 1_000_000),
            }),
            ["scrub"] = Closed("What is taken out of answers besides the credential of the call.", new()
            {
                ["foreign"] = Boolean("Whatever looks like somebody else's secret; unstated: true."),
            }),
            ["tool_prefix"] = Pattern("Put before every tool's name.", "^[a-z0-9_]{0,20}$"),
            ["source"] = AnyOf(Pattern("Where the vendor documents it.", "^https://"), List("Where the vendor documents it.", Pattern("An address.", "^https://"))),
            ["credential"] = Text("Which credential to create, with the least it needs."),
            ["probe"] = AnyOf(Text("The read of `integrations test`."), Closed("The read of `integrations test`.", new() { ["read"] = Text("A read of this file."), ["with"] = Anything("Its arguments.") }, "read")),
            ["on_call"] = Closed("How to learn who is on call.", new()
            {
                ["read"] = Text("A read of this file."), ["with"] = Anything("Its arguments; {schedule} is the schedule's id."), ["people"] = Text("JSON pointer to the list of those on call now."),
                ["person"] = Closed("A read for each, where the list has ids only.", new()
                {
                    ["id"] = Text("JSON pointer to the id."), ["read"] = Text("A read of this file."), ["with"] = Anything("Its arguments; {person} is the id."),
                }, "id", "read"),
                ["email"] = Text("JSON pointer to the e-mail address."),
            }, "read", "people", "email"),
            ["types"] = Map("Parameters that several tools share.", Parameter()),
            ["tools"] = Map("The rules: what is not here is refused.", Tool(), "^[a-z0-9_]{1,64}$"),
        }, "integration");
        root.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        root.Insert(1, "title", "IncidentFox integration");
        return root;
    }

    private static JsonObject Auth()
    {
        JsonObject Reference(string description) => AnyOf(
            Pattern(description, "^(keyvault|vault|k8s|file|env)://"), Map(description, Pattern("A reference to a secret.", "^(keyvault|vault|k8s|file|env)://")));
        JsonObject properties = new()
        {
            ["scheme"] = Enumeration("How a credential is added.", AuthSchemes.All.Select(s => s.Name)),
            ["read"] = Reference("The secret of reads, or several by slot."),
            ["write"] = Reference("The secret of what changes something; unstated: such tools are not offered."),
            ["headers"] = Map("With scheme header: each a text with {slot} where a secret belongs.", Text("A text with {slot}.")),
            ["query"] = Map("With scheme query: each a text with {slot} where a secret belongs.", Text("A text with {slot}.")),
        };
        foreach (var option in AuthSchemes.All.SelectMany(s => s.Options.Select(o => (Scheme: s.Name, Option: o))).GroupBy(o => o.Option.Name))
            properties[option.Key] = Text(string.Join(" ", option.Select(o => $"{o.Scheme}: {o.Option.Description}.")));
        return Closed("Who to be there. References only: a secret itself is refused.", properties);
    }

    private static JsonObject Tool() => Closed("One thing that may be done.", new()
    {
        ["description"] = Text("What it does, for a model or a person."),
        ["other_names"] = List("Other names of the same tool: a call by one of them is a call of it, and what policy says of any of them holds.", Pattern("A name.", "^[a-z0-9_]{1,64}$")),
        ["effect"] = Enumeration("What it does to the world; unstated: write.", ["read", "write", "exec"]),
        ["request"] = Pattern("A method and a path, e.g. GET /api/{project}/things/.", "^(GET|POST|PUT|PATCH|DELETE) /"),
        ["query"] = Map("Keys: \"{parameter}\", a literal, or a text with a {parameter}.", Text("A value.")),
        ["ignored_query"] = List("Keys that clients send on their own; accepted and dropped.", Text("A key.")),
        ["headers"] = Map("Sent as they stand.", Text("A value.")),
        ["parameters"] = Map("What it takes: a parameter, or the name of one of types (with ? where it may be left out).", AnyOf(Text("One of types."), Parameter()), "^[a-z0-9_]{1,64}$"),
        ["body"] = Anything("JSON with placeholders; or opaque: git's own binary form, passed on as it is."),
        ["max_body_bytes"] = Whole("With body: opaque, most bytes of it.", 1, Contracts.Protocol.MaxMessageBytes),
        ["form"] = Map("The body as a form, in this order.", Text("A value.")),
        ["transport"] = Enumeration("How it is spoken; unstated: http.", ["http", "kubernetes_exec"]),
        ["content_type"] = Text("Of the body."),
        ["rows"] = Pattern("JSON pointer to the array whose length is the row count, or lines.", "^(lines|(/.*)?)$"),
        ["data"] = Text("What the audit trail calls it."),
        ["listed"] = Boolean("False: not offered to agents, but may be called."),
        ["precondition"] = Closed("What is read first and must still hold.", new()
        {
            ["read"] = Text("A read of this file."), ["with"] = Anything("Its arguments."),
            ["capture"] = Map("JSON pointers into its answer: {precondition.NAME}, frozen with the request.", Capture()),
            ["seen"] = Map("JSON pointers into its answer: {seen.NAME}, shown and not frozen.", Capture()),
            ["refuse"] = List("States of the target in which nobody is asked.", Closed("One.", new() { ["when"] = List("All must hold.", Condition()), ["say"] = Text("Why, in a sentence.") }, "when", "say")),
            ["derive"] = Closed("A class that makes what pointers can't.", new()
            {
                ["as"] = Enumeration("Which.", Execution.Derivations.KnownDerivations.All.Select(d => d.Name)), ["reads"] = List("The reads it asks for, in its order.", Text("A read of this file.")),
            }, "as"),
            ["hold"] = List("Captures that are read again right before it is sent and must be the same.", Text("A captured name.")),
        }, "read", "capture"),
        ["dry_run"] = Closed("What makes a question of it.", new()
        {
            ["query"] = Map("Keys that are added.", Text("A value.")), ["body"] = Anything("Members that are added."), ["form"] = Map("Keys that are added.", Text("A value.")),
            ["status"] = Whole("The answer that means yes, where that is no 2xx.", 100, 599),
        }),
        ["preview"] = Closed("What approvers see.", new()
        {
            ["title"] = Text("What would happen."), ["facts"] = Map("Label and value.", Text("A value.")),
            ["changes"] = Map("Before and after.", List("Two texts.", Text("A text."))),
        }, "title"),
        ["success"] = List("What must hold of a 2xx answer for it to have run.", Condition()),
        ["proof"] = Closed("How to see whether it ran.", new()
        {
            ["read"] = Text("A read of this file."), ["with"] = Anything("Its arguments."),
            ["rules"] = List("The first whose conditions hold decides.", Closed("One.", new()
            {
                ["when"] = List("All must hold.", Condition()),
                ["then"] = Enumeration("What it means.", ["done", "not_done"]),
            }, "when", "then")),
        }, "read", "rules"),
    }, "description", "request", "data");

    private static JsonObject Capture() => AnyOf(Text("A pointer."), Closed("With a default.", new() { ["at"] = Text("A pointer."), ["default"] = Anything("When it is not there.") }, "at"));

    private static JsonObject Condition() => Closed("A condition.", new()
    {
        ["status"] = Whole("The answer's status.", 100, 599), ["at"] = Text("A JSON pointer."), ["equals"] = Anything("This value."),
        ["not_equals"] = Anything("Another value."), ["contains"] = Text("Some text below it has this in it."), ["exists"] = Boolean("It is there."), ["absent"] = Boolean("It is not there."),
    });

    private static JsonObject Parameter() => Closed("A parameter.", new()
    {
        ["type"] = Enumeration("What it holds.", ["string", "integer", "number", "boolean", "string_list", "path", "object"]),
        ["description"] = Text("For a model or a person."),
        ["required"] = Boolean("True unless there is a default."),
        ["default"] = Anything("When it is left out."),
        ["pattern"] = Text("Regular expression of the whole value, matched without backtracking."),
        ["without"] = Text("Regular expression of what may stand nowhere in it, of whatever case."),
        ["enum"] = List("The only values.", Text("A value.")),
        ["min"] = new JsonObject { ["type"] = "number" },
        ["max"] = new JsonObject { ["type"] = "number" },
        ["max_length"] = Whole("Longest text or item.", 1, 100_000),
        ["max_items"] = Whole("Most items.", 1, 1_000),
    }, "type", "description");

    private static JsonObject Setting() => Closed("A declaration.", new()
    {
        ["description"] = Text("For whoever sets it."), ["pattern"] = Text("Regular expression of the whole value."), ["default"] = Text("When it is not given."), ["example"] = Text("A value as an example."),
    }, "description");

    private static JsonObject Closed(string description, JsonObject properties, params string[] required)
    {
        var schema = new JsonObject { ["description"] = description, ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (required.Length > 0)
            schema["required"] = new JsonArray([.. required.Select(r => JsonValue.Create(r))]);
        return schema;
    }

    private static JsonObject Map(string description, JsonObject value, string? names = null)
    {
        var schema = new JsonObject { ["description"] = description, ["type"] = "object", ["additionalProperties"] = value };
        if (names is not null)
            schema["propertyNames"] = new JsonObject { ["pattern"] = names };
        return schema;
    }

    private static JsonObject List(string description, JsonObject item) => new() { ["description"] = description, ["type"] = "array", ["items"] = item };

    private static JsonObject AnyOf(params JsonObject[] schemas) => new() { ["anyOf"] = new JsonArray([.. schemas]) };

    private static JsonObject Enumeration(string description, IEnumerable<string> values) =>
        new() { ["description"] = description, ["type"] = "string", ["enum"] = new JsonArray([.. values.Select(v => JsonValue.Create(v))]) };

    private static JsonObject Pattern(string description, string pattern) => new() { ["description"] = description, ["type"] = "string", ["pattern"] = pattern };

    private static JsonObject Text(string description) => new() { ["description"] = description, ["type"] = "string" };

    private static JsonObject Boolean(string description) => new() { ["description"] = description, ["type"] = "boolean" };

    private static JsonObject Whole(string description, long min, long max) => new() { ["description"] = description, ["type"] = "integer", ["minimum"] = min, ["maximum"] = max };

    private static JsonObject Anything(string description) => new() { ["description"] = description };
}
