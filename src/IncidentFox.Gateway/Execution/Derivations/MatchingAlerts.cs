using System.Text.Json.Nodes;

namespace IncidentFox.Gateway.Execution.Derivations;

/// <summary>Of the alerts that a read gave: how many have the name of the parameter <c>alert</c>, and the <c>value</c> of the <c>label</c>.</summary>
internal sealed class MatchingAlerts : IDerivation
{
    public string Name => "matching_alerts";

    public IReadOnlyList<string> Reads => [];

    public IReadOnlyList<string> Frozen => [];

    public IReadOnlyList<string> Seen => ["alerts"];

    public Task<Derived> DeriveAsync(ReadTarget target, CancellationToken cancellationToken)
    {
        if (target.Answer is not JsonArray alerts)
            return Task.FromResult(new Derived { Seen = new() { ["alerts"] = "an unknown number" } });
        var parameters = target.Call.Parameters;
        var (name, label, value) = (Pods.Text(parameters, "/alert"), Pods.Text(parameters, "/label"), Pods.Text(parameters, "/value"));
        var matching = alerts.Count(a => AnswerPointer.Find(a, "/labels").Node is JsonObject labels && Pods.Text(labels["alertname"], "") == name
            && label is not null && labels.TryGetPropertyValue(label, out var has) && Pods.Text(has, "") == value);
        return Task.FromResult(new Derived { Seen = new() { ["alerts"] = $"{matching} of {alerts.Count} that fire now" } });
    }
}
