using System.Text.Json;
using IncidentFox.Agent.Analysis;
using IncidentFox.Agent.Estate;
using IncidentFox.Agent.Gateway;

namespace IncidentFox.Agent.Investigating;

/// <summary>Whether an executed action had its effect.</summary>
internal readonly record struct Effect(bool Seen, string Sentence, string Workload);

/// <summary>Reads again until the action's effect shows, from the tool and its parameters alone: a fresh sandbox can do it too.</summary>
internal sealed class EffectCheck(Toolbox tools, TimeProvider time, Pace pace)
{
    private const double Quiet = 0.01;

    // Soon at first, then less often: a minute costs ten looks.
    private const int MostPatient = 4;

    public async Task<Effect> LookAsync(string tool, JsonElement parameters, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        for (var look = 1; ; look++)
        {
            var effect = tool switch
            {
                "pod_restart" => await RestartedAsync(parameters.Text("namespace"), parameters.Text("pod"), ct),
                "scale_deployment" => await ScaledAsync(parameters.Text("namespace"), parameters.Text("deployment"), parameters.At("replicas").Number(-1), ct),
                _ => new Effect(false, $"The effect of {tool} can't be checked from here; a person should look.", ""),
            };
            if (effect is null)
                return new(false, "Whether it helped could not be seen: " + (tools.NotSeen.Count > 0 ? tools.NotSeen[0] : "no answer."), "");
            if (effect.Value.Seen || tool is not ("pod_restart" or "scale_deployment") || time.GetElapsedTime(started) >= pace.EffectWithin)
                return effect.Value;
            await Task.Delay(pace.Look * Math.Min(look, MostPatient), time, ct);
        }
    }

    /// <summary>A sentence on the service's errors once they are gone, or as they are when the time is over; null without metrics.</summary>
    public async Task<string?> ErrorsAsync(string service, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        for (var look = 1; tools.Has("query_metrics") && service.Length > 0 && service.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'); look++)
        {
            var answer = await tools.ReadJsonAsync("query_metrics", "error rate afterwards", ToolArguments.Of(
                ("query", $"sum(rate(http_requests_total{{service=\"{service}\",code=~\"5..\"}}[30s])) / sum(rate(http_requests_total{{service=\"{service}\"}}[30s])) or sum(rate(http_requests_total{{service=\"{service}\"}}[30s])) * 0")), ct);
            if (Series.Read(answer).SelectMany(s => s.Points).LastOrDefault() is not { } share)
                return null;
            if (share.Value < Quiet || time.GetElapsedTime(started) >= pace.EffectWithin)
                return $"{service} answers {Sentences.Percent(share.Value)} of its requests with 5xx now.";
            await Task.Delay(pace.Look * Math.Min(look, MostPatient), time, ct);
        }
        return null;
    }

    private async Task<Effect?> RestartedAsync(string ns, string pod, CancellationToken ct)
    {
        var list = await tools.ReadJsonAsync("list_pods", "pods afterwards", ToolArguments.Of(("namespace", ns)), ct);
        if (list is null)
            return null;
        var owner = pod.LastIndexOf('-') is > 0 and var at ? pod[..at] : pod;
        var pods = WorkloadReading.Pods(list).Where(p => (p.Owner == owner || p.Name == pod) && p is { Finished: false, Terminating: false }).ToArray();
        var workload = pods.FirstOrDefault()?.Workload ?? owner;
        var ready = pods.Count(p => p.Ready);
        if (pods.Any(p => p.Name == pod && p.OwnerKind == "ReplicaSet"))
            return new Effect(false, $"Pod {pod} is still there.", workload);
        if (ready == 0 || ready < pods.Length)
            return new Effect(false, $"Pod {pod} is gone: {ready} of {pods.Length} pods of {workload} are ready.", workload);
        var wanted = WorkloadReading.Deployments(await tools.ReadJsonAsync("list_deployments", "deployments afterwards", ToolArguments.Of(("namespace", ns)), ct))
            .FirstOrDefault(d => d.Name == workload)?.Replicas ?? pods.Length;
        return new Effect(ready >= wanted, $"Pod {pod} is replaced: {ready} of {Math.Max(wanted, pods.Length)} pods of {workload} are ready.", workload);
    }

    private async Task<Effect?> ScaledAsync(string ns, string deployment, int replicas, CancellationToken ct)
    {
        var list = await tools.ReadJsonAsync("list_deployments", "deployments afterwards", ToolArguments.Of(("namespace", ns)), ct);
        if (list is null)
            return null;
        return WorkloadReading.Deployments(list).FirstOrDefault(d => d.Name == deployment) is { } d
            ? new Effect(d.Replicas == replicas && d.ReadyReplicas >= replicas, $"Deployment {deployment} is scaled to {d.Replicas}: {d.ReadyReplicas} of {d.Replicas} pods are ready.", deployment)
            : new Effect(false, $"Deployment {deployment} is not there any more.", deployment);
    }
}
