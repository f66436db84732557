using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

// An integration that a test writes, called through both doors.
internal sealed class OwnIntegration
{
    private static readonly TeamId Team = new("sre");

    public OwnIntegration(string tools, string head = "")
    {
        Catalog = Sample.Load(("own.yaml", Text(tools, head)));
    }

    public IntegrationCatalog Catalog { get; }

    public Integration Integration => Catalog.All[0];

    public static IReadOnlyList<string> Errors(string tools, string head = "") => Sample.Errors(("own.yaml", Text(tools, head)));

    public ParsedCall Call(string tool, string arguments) => ToolDoor.Parse(Catalog, Team, tool, JsonDocument.Parse(arguments).RootElement);

    public ParsedCall Send(string method, string target, string body = "", params (string Name, string Value)[] headers) =>
        BaseUrlDoor.Parse(Catalog, Team, "own", method, target, Encoding.UTF8.GetBytes(body), [.. headers.Select(h => KeyValuePair.Create(h.Name, h.Value))]);

    // What goes out for a call of the tools' door; read back by the base-URL door it must be the same call.
    public OutgoingRequest Out(string tool, string arguments)
    {
        var call = Assert.IsType<ParsedCall.Call>(Call(tool, arguments));
        var request = Build(call);
        var back = Send(request.Method, request.PathAndQuery, Body(request), [.. request.Headers.Select(h => (h.Name, h.Value))]);
        Sample.Same(call.ToolCall, Assert.IsType<ParsedCall.Call>(back).ToolCall);
        return request;
    }

    public static OutgoingRequest Build(ParsedCall.Call call) =>
        RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, new JsonObject(), null, dryRun: false);

    public static string Body(OutgoingRequest request) => request.Body is null ? "" : Encoding.UTF8.GetString(request.Body);

    private static string Text(string tools, string head) =>
        $"integration: own\n{head}\nauth: {{scheme: none}}\n{(head.Contains("base_url", StringComparison.Ordinal) ? "" : "base_url: https://own.example\n")}tools:\n"
        + string.Concat(tools.Split('\n').Select(l => $"  {l.Replace("READ", "description: Looks., effect: read, data: own", StringComparison.Ordinal)}\n"));
}
