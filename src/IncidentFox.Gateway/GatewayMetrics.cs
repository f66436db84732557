using System.Diagnostics.Metrics;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Admission;
using IncidentFox.Gateway.Models;

namespace IncidentFox.Gateway;

/// <summary>
/// What the gateway counts (names and units as OpenTelemetry has them). Tags have few values: integrations and tools come from the rules, codes from the
/// gateway, never from what an agent sent.
/// </summary>
public static class GatewayMetrics
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "IncidentFox.Gateway";

    private const string None = "none";

    // Seconds: a fast answer to a slow query.
    private static readonly double[] Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly Meter Meter = new(MeterName);
    private static readonly Histogram<double> Calls = Meter.CreateHistogram(
        "incidentfox.gateway.call.duration", "s", "Tool calls that were let through, from the durable audit row to the end of the answer.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Buckets });
    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>("incidentfox.gateway.refusals", "{call}", "Tool calls that were refused, by code.");
    private static readonly Counter<long> Bytes = Meter.CreateCounter<long>("incidentfox.gateway.response.size", "By", "Bytes of answers passed to agents.");
    private static readonly Counter<long> Fetches = Meter.CreateCounter<long>("incidentfox.gateway.secret.fetches", "{fetch}", "Questions to secret stores, by kind of store, outcome and cause.");

    private static readonly Histogram<double> Turns = Meter.CreateHistogram(
        "incidentfox.gateway.model.duration", "s", "Turns of models, from the durable audit row to the answer.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2, 5, 10, 20, 40, 80, 160] });
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("incidentfox.gateway.model.tokens", "{token}", "Tokens that models took, by direction.");
    private static readonly Counter<long> TurnRefusals = Meter.CreateCounter<long>("incidentfox.gateway.model.refusals", "{turn}", "Turns of models that were refused, by code.");

    internal static void ModelEnded(ModelOffer offer, TurnEnd end, TimeSpan took)
    {
        Turns.Record(took.TotalSeconds, new("provider", offer.Provider.Name), new("model", offer.Name), new("outcome", end.Status), new("code", end.Code ?? None));
        if (end.InputTokens is { } input)
            Tokens.Add(input, new("provider", offer.Provider.Name), new("model", offer.Name), new("direction", "in"));
        if (end.OutputTokens is { } output)
            Tokens.Add(output, new("provider", offer.Provider.Name), new("model", offer.Name), new("direction", "out"));
    }

    internal static void ModelRefused(string code) => TurnRefusals.Add(1, new KeyValuePair<string, object?>("code", code));

    internal static void Ended(ToolCall call, CallEnd end, TimeSpan took)
    {
        Calls.Record(took.TotalSeconds, new("integration", call.Integration), new("tool", call.Tool), new("outcome", end.Status), new("code", end.Code ?? None));
        if (end.Bytes > 0)
            Bytes.Add(end.Bytes, new KeyValuePair<string, object?>("integration", call.Integration));
    }

    internal static void Refused(string? tool, ToolCall? call, string code) =>
        Refusals.Add(1, new("integration", call?.Integration ?? None), new("tool", tool ?? None), new("code", code));

    internal static void Fetched(Secrets.SecretFetch fetch) => Fetches.Add(
        1, new("store", fetch.Reference.Scheme.ToString()), new("outcome", fetch.Outcome.ToString()), new("cause", fetch.Cause.ToString()));
}
