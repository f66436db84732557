using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core.Investigations;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>POST /v1/agent/hello</c>: nothing is handed out before the agent has shown that it is caged.</summary>
internal sealed class HelloEndpoint(SandboxSessions sessions, GatewayOptions options)
{
    private const int MaxProbes = 64;

    public async Task HandleAsync(AgentRequest request, byte[] body)
    {
        var (hello, error) = MessageCodec.Read(body, "hello", ContractsJson.Default.AgentHello);
        if (hello is null)
        {
            await request.RefuseAsync(400, "bad_message", $"The hello can't be read: {error}.");
            return;
        }
        var problem = Problem(hello);
        var session = request.Session!;
        // A good hello that is said again changes nothing and needs no second audit row.
        if (problem is not null || session.State == "starting")
            await sessions.RecordCageAsync(session, problem is null, Probes(hello), request.Aborted);
        if (problem is null)
            await request.AnswerAsync(200, new AgentWelcome { SandboxId = request.Sandbox.ToString() }, ContractsJson.Default.AgentWelcome);
        else
            await request.RefuseAsync(403, "not_caged", problem);
    }

    /// <summary>What a hello shows (null when it can't be read), and why it is refused; null when it shows a cage.</summary>
    public (JsonArray? Cage, RequestProblem? Refusal) Judge(byte[] body)
    {
        var (hello, error) = MessageCodec.Read(body, "hello", ContractsJson.Default.AgentHello);
        return hello is null ? (null, new(400, "bad_message", $"The hello can't be read: {error}."))
            : (Probes(hello), Problem(hello) is { } problem ? new(403, "not_caged", problem) : null);
    }

    private string? Problem(AgentHello hello)
    {
        if (hello.Cage.Count > MaxProbes)
            return $"A hello has at most {MaxProbes} probes.";
        if (hello.Cage.FirstOrDefault(p => p.Reached) is { } open)
            return $"The sandbox is not a cage: {Short(open.Kind, 20)} ({Short(open.Target, 80)}) can be reached from it. Nothing is handed out; check the sandbox's network.";
        var missing = options.Probes.Where(kind => hello.Cage.All(p => p.Kind != kind)).ToList();
        return missing.Count == 0 ? null : $"The hello shows nothing of {string.Join(", ", missing)}: every kind of address must have been tried.";
    }

    private static JsonArray Probes(AgentHello hello) => new([.. hello.Cage.Take(MaxProbes).Select(p => new JsonObject
    {
        ["kind"] = Short(p.Kind, 20), ["target"] = Short(p.Target, 80), ["reached"] = p.Reached, ["detail"] = Short(p.Detail, 200),
    })]);

    private static string Short(string text, int most)
    {
        var printable = Arguments.Printable(text);
        return printable.Length > most ? printable[..most] : printable;
    }
}
