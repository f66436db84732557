using System.Text.Json.Nodes;
using IncidentFox.Gateway.Execution.Derivations;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Execution.OnCall;

/// <summary>Asks an integration who is on call now, with its own read credential and over the way that every call takes.</summary>
public sealed class OnCallReader(AuditedSend send)
{
    /// <summary>More people than this are no rota.</summary>
    public const int MaxPeople = 50;

    /// <summary>E-mail addresses in lower case, or why they could not be learned.</summary>
    public async Task<(IReadOnlyList<string>? Emails, string? Problem)> ReadAsync(
        Integration integration, string schedule, SendContext context, CancellationToken cancellationToken)
    {
        if (integration.OnCall is not { } settings)
            return (null, $"{integration.Name} does not know who is on call");
        var (list, problem) = await AskAsync(integration, settings.Tool, Fill(settings.Arguments, "schedule", schedule), context, cancellationToken);
        if (problem is not null)
            return (null, problem);
        if (AnswerPointer.Find(list, settings.People) is not (true, JsonArray people) || people.Count > MaxPeople)
            return (null, $"{integration.Name} did not answer with a list of at most {MaxPeople} people");
        var emails = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in people)
        {
            var person = item;
            if (settings.Person is { } read)
            {
                if (Pods.Text(item, read.Id) is not { } id)
                    return (null, $"{integration.Name} names somebody without an id");
                (person, problem) = await AskAsync(integration, read.Tool, Fill(read.Arguments, "person", id), context, cancellationToken);
                if (problem is not null)
                    return (null, problem);
            }
            // Somebody without an address is nobody whom the product knows.
            if (Pods.Text(person, settings.Email) is { Length: > 0 and <= 320 } email)
                emails.Add(email.ToLowerInvariant());
        }
        return ([.. emails], null);
    }

    private static JsonObject Fill(JsonObject arguments, string name, string value) =>
        (JsonObject)Template.Json(arguments, new TemplateValues(new JsonObject { [name] = value }))!;

    private async Task<(JsonNode? Answer, string? Problem)> AskAsync(
        Integration integration, string tool, JsonObject arguments, SendContext context, CancellationToken cancellationToken)
    {
        var rule = integration.FindRule(tool)!;
        var given = Rules.Parsing.Arguments.Check(rule, arguments);
        if (given.Parameters is null)
            return (null, $"{tool} can't be called like this: {string.Join("; ", given.Problems)}");
        var answer = await send.SendAsync(RuleReads.Build(integration, tool, given.Parameters), context, "on_call", cancellationToken);
        if (answer.Status is null)
            return (null, answer.Sentence);
        return answer.Succeeded && answer.Json() is { } json ? (json, null) : (null, $"{integration.Name} answered {answer.Status}");
    }
}
