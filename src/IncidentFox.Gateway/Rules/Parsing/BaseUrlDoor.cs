using IncidentFox.Core;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary><c>/i/{integration}/...</c>: a request as an ordinary client sends it, read back into the call that its rule would build it from.</summary>
internal static class BaseUrlDoor
{
    /// <summary>Reads it.</summary>
    /// <param name="catalog">All integrations.</param>
    /// <param name="team">Whose.</param>
    /// <param name="name">The integration's name, as sent.</param>
    /// <param name="method">As sent.</param>
    /// <param name="rawTarget">Path and query below the integration, byte for byte as sent.</param>
    /// <param name="body">As sent.</param>
    /// <param name="headers">All of the request; null: none.</param>
    public static ParsedCall Parse(
        IntegrationCatalog catalog, TeamId team, string name, string method, string rawTarget, ReadOnlyMemory<byte> body,
        IReadOnlyList<KeyValuePair<string, string>>? headers = null)
    {
        if (catalog.FindIndexed(team, name) is not { } indexed)
        {
            var known = string.Join(", ", catalog.Of(team).Select(i => i.Name));
            return new ParsedCall.Refused("no_rule", $"There is no integration '{Arguments.Printable(name)}'; there are: {(known.Length == 0 ? "none" : known)}.");
        }
        var integration = indexed.Integration;
        if (ClientHeaders.Unlisted(integration, headers ?? []) is { } header)
        {
            return new ParsedCall.Refused("bad_request",
                $"The header {Arguments.Printable(header)} is not accepted: the gateway adds credentials itself and passes no header on.");
        }
        var (target, problem) = CanonicalTarget.Parse(rawTarget);
        if (target is null)
            return new ParsedCall.Refused("bad_request", problem!);
        return Choose(indexed, new IncomingRequest(method, target, body, headers ?? []));
    }

    private static ParsedCall Choose(IndexedIntegration indexed, IncomingRequest request)
    {
        var integration = indexed.Integration;
        var form = indexed.Rules.OfForm(request);
        if (form.Count == 0)
            return NearestRule.Refuse(integration, request.Method, request.Target);
        var fitting = form.Count == 1 ? form : form.FindAll(r => PathMatch.FitsAll(r, request.Target));
        // None fits: what is wrong with the arguments of the first is the best that can be said.
        return fitting switch
        {
            [] => Bind(integration, form[0], request),
            [var only] => Bind(integration, only, request),
            _ when Discriminator.Choose(fitting, request) is { } meant => Bind(integration, meant, request),
            _ => new ParsedCall.Refused("no_rule",
                $"This could mean {string.Join(", ", fitting.Take(8).Select(r => r.Tool))}{(fitting.Count > 8 ? $" or {fitting.Count - 8} more" : "")} of integration {integration.Name}: "
                + $"it must carry the literal of one of them ({Discriminator.Places(fitting)})."),
        };
    }

    private static ParsedCall Bind(Integration integration, ToolRule rule, IncomingRequest request)
    {
        var binding = new Binding(rule);
        PathMatch.Bind(binding, request.Target);
        FieldBinder.Bind(binding, "query", rule.Query, request.Target.Query);
        ClientHeaders.Bind(binding, request);
        RequestBody.Bind(binding, request);
        if (binding.Problems.Count > 0)
            return new ParsedCall.Refused("no_rule", $"Rule {rule.Tool} of integration {integration.Name} comes nearest, but {string.Join("; ", binding.Problems.Take(10))}.", rule.Tool);
        var tool = new TeamTool(integration, rule, IntegrationCatalog.HasCredential(integration, rule));
        return ParsedCall.Of(tool, Arguments.Check(rule, binding.Given), binding.Opaque);
    }
}
