using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution.Derivations;

namespace IncidentFox.Gateway.Rules.Files;

// What must hold between the parts of a rule, and between the rules of an integration.
internal static class RuleChecks
{
    private static readonly string[] ForbiddenHeaders =
    [
        "authorization", "proxy-authorization", "cookie", "host", "connection", "upgrade", "te", "trailer", "transfer-encoding", "expect",
        "content-length", "content-type", "content-encoding", "accept-encoding", "x-http-method-override", "x-http-method", "x-method-override",
    ];

    public static IEnumerable<(string Tool, string Problem)> Check(IReadOnlyList<ToolRule> rules)
    {
        foreach (var rule in rules)
        {
            foreach (var problem in Request(rule).Concat(Templates(rule)).Concat(Action(rule, rules)))
                yield return (rule.Tool, problem);
        }
    }

    public static bool IsPointer(string text) =>
        text.Length == 0 || (text[0] == '/' && !text.Replace("~0", "", StringComparison.Ordinal).Replace("~1", "", StringComparison.Ordinal).Contains('~'));

    private static IEnumerable<string> Request(ToolRule rule)
    {
        foreach (var problem in PlaceChecks.Check(rule))
            yield return problem;
        foreach (var header in rule.Headers)
        {
            if (header.Name.Length == 0 || !header.Name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') || ForbiddenHeaders.Contains(header.Name.ToLowerInvariant())
                || !header.Value.All(c => c is >= ' ' and < (char)127))
                yield return $"header {YamlMap.Shown(header.Name)} can't be set by a rule";
        }
        if (rule.Headers.GroupBy(h => h.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
            yield return $"header {twice.Key} is there twice";
        if ((rule.Body is not null || rule.Form is not null) && rule.Method == "GET")
            yield return "a GET has no body";
        foreach (var problem in Opaque(rule))
            yield return problem;
        if (rule.Transport == RuleTransport.KubernetesExec && (rule is not { Effect: ToolEffect.Exec, Method: "GET", DryRun: null, Proof: null, Success.Count: 0 }))
            yield return "'transport: kubernetes_exec' is a GET with 'effect: exec', and has no dry_run, success or proof: the command's end says all there is";
        if (rule.Body is not null && rule.Form is not null)
            yield return "has a body and a form: a request has one of them";
        if (!MediaType(rule.ContentType).Contains('/') || rule.ContentType.Any(c => c is < ' ' or >= (char)127))
            yield return "'content_type' must be a media type such as application/json";
        if (rule.Form is not null && MediaType(rule.ContentType) != "application/x-www-form-urlencoded")
            yield return "a form is sent as application/x-www-form-urlencoded";
        if (rule.RowCountPointer is { } rows && rows != "lines" && !IsPointer(rows))
            yield return "'rows' must be 'lines' or a JSON pointer such as /items";
    }

    // Bytes that nobody looks into may only ask, and only git's upload-pack is known to do no more than that.
    private static IEnumerable<string> Opaque(ToolRule rule)
    {
        if (rule.OpaqueBytes is null)
            yield break;
        if (rule.ContentType != Parsing.OpaqueBody.ContentType || rule.Path.LastOrDefault() is not { Literal: Parsing.OpaqueBody.Service })
            yield return $"'body: opaque' is for paths that end with /{Parsing.OpaqueBody.Service} and content_type {Parsing.OpaqueBody.ContentType}";
        if (rule.Effect != ToolEffect.Read || rule.Method != "POST")
            yield return "'body: opaque' needs a POST and 'effect: read': what changes something is shown to people, and bytes can't be";
        if (rule.Listed)
            yield return "'body: opaque' needs 'listed: false': arguments can't hold such a body";
        if (rule.Form is not null)
            yield return "has 'body: opaque' and a form: a request has one of them";
    }

    private static string MediaType(string contentType) => contentType.Split(';')[0].Trim();

    private static IEnumerable<string> Templates(ToolRule rule)
    {
        var parameters = rule.Parameters.Select(p => p.Name).ToHashSet();
        var derivation = rule.Precondition?.Derivation is { } use ? KnownDerivations.Find(use.Name) : null;
        var captured = (rule.Precondition?.Captures.Select(c => c.Name) ?? []).Concat(derivation?.Frozen ?? []).Select(n => "precondition." + n).ToHashSet();
        var seen = (rule.Precondition?.Seen.Select(c => c.Name) ?? []).Concat(derivation?.Seen ?? []).Select(n => "seen." + n).ToHashSet();
        var later = Template.Names(rule.Body);
        if (rule.Preview is { } preview)
        {
            later = later.Concat(Template.Names(preview.Title));
            var shown = preview.Facts.SelectMany(f => Template.Names(f.Value)).Concat(preview.Changes.SelectMany(c => Template.Names(c.Before).Concat(Template.Names(c.After))));
            later = later.Concat(shown.Where(n => !seen.Contains(n)));
        }
        later = later.Concat(rule.Success.SelectMany(c => Template.Names(c.Value)));
        if (rule.Proof is { } proof)
            later = later.Concat(Template.Names(proof.Arguments)).Concat(proof.Rules.SelectMany(r => r.When).SelectMany(c => Template.Names(c.Value)));
        later = later.Concat((rule.Form ?? []).Concat(rule.Query).Where(f => f.Text is not null).SelectMany(f => Template.Names(f.Text!)));
        foreach (var name in later.Distinct().Where(n => n != "approval.id" && !parameters.Contains(n) && !captured.Contains(n)))
            yield return $"{{{name}}} is neither a parameter nor captured by its precondition";
        var before = Template.Names(rule.Precondition?.Arguments).Concat((rule.Precondition?.Refusals ?? []).SelectMany(r => r.When).SelectMany(c => Template.Names(c.Value)));
        foreach (var name in before.Distinct().Where(n => !parameters.Contains(n)))
            yield return $"{{{name}}} in its precondition is not a parameter";
    }

    private static IEnumerable<string> Action(ToolRule rule, IReadOnlyList<ToolRule> rules)
    {
        if (rule.Effect == ToolEffect.Read)
        {
            if (rule.Method is not ("GET" or "POST"))
                yield return $"a read is a GET or a POST, not a {rule.Method}";
            if (rule is not { Precondition: null, DryRun: null, Preview: null, Success.Count: 0, Proof: null })
                yield return "a read has no precondition, dry_run, preview, success or proof";
            yield break;
        }
        if (rule is { Method: "GET", Transport: RuleTransport.Http })
            yield return "a GET can't be a write: state 'effect: read'";
        if (rule.Preview is null)
            yield return "'preview' is missing: approvers must see what would happen";
        if (rule.DryRun?.BodyMembers is not null && rule.Body is not JsonObject)
            yield return "'dry_run.body' needs a body that is a mapping";
        if (rule.DryRun is { } dry && dry.Query.Any(d => rule.Query.Any(q => q.Key == d.Name)))
            yield return "'dry_run.query' repeats a key of 'query'";
        if (rule.DryRun is { Form.Count: > 0 } form && (rule.Form is null || form.Form.Any(d => rule.Form.Any(f => f.Key == d.Name))))
            yield return "'dry_run.form' needs a form, and repeats none of its keys";
        foreach (var problem in Precondition(rule, rules))
            yield return problem;
        foreach (var (what, tool, arguments) in Reads(rule))
        {
            if (rules.FirstOrDefault(r => r.Tool == tool) is not { Effect: ToolEffect.Read, OpaqueBytes: null } read)
                yield return $"its {what} reads with {YamlMap.Shown(tool)}, which is not a read of this file";
            else if (arguments.Select(a => a.Key).Where(a => read.Parameters.All(p => p.Name != a)).ToList() is { Count: > 0 } unknown)
                yield return $"its {what} gives {tool} arguments it does not take: {string.Join(", ", unknown)}";
            else if (read.Parameters.Where(p => p.Required && !arguments.ContainsKey(p.Name)).Select(p => p.Name).ToList() is { Count: > 0 } missing)
                yield return $"its {what} does not give {tool} the arguments it needs: {string.Join(", ", missing)}";
        }
    }

    private static IEnumerable<string> Precondition(ToolRule rule, IReadOnlyList<ToolRule> rules)
    {
        if (rule.Precondition is not { } precondition)
            yield break;
        foreach (var name in precondition.Hold.Where(n => precondition.Captures.All(c => c.Name != n)))
            yield return $"its precondition holds {YamlMap.Shown(name)}, which it does not capture";
        if (precondition.Captures.Concat(precondition.Seen).GroupBy(c => c.Name).FirstOrDefault(g => g.Skip(1).Any()) is { } twice)
            yield return $"its precondition has {twice.Key} twice";
        if (precondition.Derivation is not { } use)
            yield break;
        if (KnownDerivations.Find(use.Name) is not { } derivation)
            yield return $"derives as {YamlMap.Shown(use.Name)}, which is not known; known are {string.Join(", ", KnownDerivations.All.Select(d => d.Name))}";
        else if (use.Reads.Count != derivation.Reads.Count)
            yield return $"derives as {use.Name}, which needs these reads: {string.Join(", ", derivation.Reads)}";
        foreach (var read in use.Reads.Where(t => rules.FirstOrDefault(r => r.Tool == t) is not { Effect: ToolEffect.Read, OpaqueBytes: null }))
            yield return $"derives with {YamlMap.Shown(read)}, which is not a read of this file";
    }

    private static IEnumerable<(string What, string Tool, JsonObject Arguments)> Reads(ToolRule rule)
    {
        if (rule.Precondition is { } precondition)
            yield return ("precondition", precondition.Tool, precondition.Arguments);
        if (rule.Proof is { } proof)
            yield return ("proof", proof.Tool, proof.Arguments);
    }
}
