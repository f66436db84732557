using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

// The files an installation writes, and calls made with them.
internal static class Sample
{
    public const string Kubernetes = """
        integration: kubernetes
        extends: kubernetes
        base_url: https://127.0.0.1:6443
        auth: {read: "file:///etc/incidentfox/secrets/k8s-read", write: "file:///etc/incidentfox/secrets/k8s-write"}
        network: {allow: ["127.0.0.0/8"]}
        """;

    public const string Prometheus = """
        integration: prometheus
        extends: prometheus
        base_url: http://127.0.0.1:9090/prom
        auth: {read: "file:///etc/incidentfox/secrets/prom", username: incidentfox}
        network: {allow: ["127.0.0.0/8"]}
        """;

    public const string Alertmanager = """
        integration: alertmanager
        extends: alertmanager
        base_url: http://127.0.0.1:9093
        auth: {read: "file:///etc/incidentfox/secrets/prom", username: incidentfox}
        network: {allow: ["127.0.0.0/8"]}
        """;

    public static readonly TeamId Team = new("sre");

    public static IntegrationCatalog Catalog { get; } = Load(("k.yaml", Kubernetes), ("p.yaml", Prometheus), ("a.yaml", Alertmanager));

    public static IntegrationCatalog Load(params (string, string)[] files)
    {
        var load = IntegrationLoader.Parse(files);
        Assert.Empty(load.Errors);
        return load.Catalog!;
    }

    public static IReadOnlyList<string> Errors(params (string, string)[] files) => IntegrationLoader.Parse(files).Errors;

    public static ParsedCall Call(string tool, string arguments) =>
        ToolDoor.Parse(Catalog, Team, tool, JsonDocument.Parse(arguments).RootElement);

    public static ParsedCall.Call Accepted(string tool, string arguments) => Assert.IsType<ParsedCall.Call>(Call(tool, arguments));

    public static ParsedCall.Refused Refused(string tool, string arguments) => Assert.IsType<ParsedCall.Refused>(Call(tool, arguments));

    public static ParsedCall Get(string integration, string target, string method = "GET", string body = "") =>
        BaseUrlDoor.Parse(Catalog, Team, integration, method, target, System.Text.Encoding.UTF8.GetBytes(body));

    public static string Target(ParsedCall.Call call, JsonObject? preconditions = null, bool dryRun = false) =>
        RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, preconditions, null, dryRun).PathAndQuery;

    public static void Same(ToolCall a, ToolCall b)
    {
        Assert.Equal((a.Integration, a.Tool, a.Effect, a.RuleVersion), (b.Integration, b.Tool, b.Effect, b.RuleVersion));
        Assert.True(JsonNode.DeepEquals(a.Parameters, b.Parameters), $"{a.Parameters.ToJsonString()} != {b.Parameters.ToJsonString()}");
    }
}
