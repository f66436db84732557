using System.Globalization;
using System.Text.Json;
using IncidentFox.Agent.Analysis;
using IncidentFox.Agent.Estate;
using IncidentFox.Agent.Gateway;

namespace IncidentFox.Agent.Investigating;

/// <summary>Looks at the estate, one step of the plan at a time; each adds to the snapshot what it could see.</summary>
internal sealed class Collector(Toolbox tools, string question, TimeProvider time)
{
    private const int MostNamespaces = 8, MostExamined = 2, MostLogs = 12, LogLinesAsked = 60;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(30);

    /// <summary>Which workloads the question names, and where they are.</summary>
    public async Task<Snapshot> FindWorkloadsAsync(CancellationToken ct)
    {
        var namespaces = await NamespacesAsync(ct);
        var deployments = await EachAsync(namespaces, "list_deployments", "deployments", WorkloadReading.Deployments, ct);
        var pods = await EachAsync(namespaces, "list_pods", "pods", WorkloadReading.Pods, ct);
        var services = await EachAsync(namespaces, "list_services", "services", j => SurroundingsReading.Services(j, null), ct);
        var seen = new Snapshot { Now = time.GetUtcNow(), Deployments = deployments, Pods = pods, Services = services };
        return seen with { Asked = Question.Asked(question, seen) };
    }

    /// <summary>Everything about the namespaces that matter, and the nodes.</summary>
    public async Task<Snapshot> ExamineAsync(Snapshot s, CancellationToken ct)
    {
        var namespaces = Worst(s);
        var sets = EachAsync(namespaces, "list_replicasets", "replica sets", WorkloadReading.ReplicaSets, ct);
        var events = EachAsync(namespaces, "list_events", "events", SurroundingsReading.Events, ct);
        var nodes = tools.ReadJsonAsync("list_nodes", "nodes", ToolArguments.None, ct);
        var services = Task.WhenAll(namespaces.Select(async ns => SurroundingsReading.Services(
            await tools.ReadJsonAsync("list_services", "services", ToolArguments.Of(("namespace", ns)), ct),
            await tools.ReadJsonAsync("list_endpointslices", "endpoints", ToolArguments.Of(("namespace", ns)), ct))));
        return s with
        {
            Pods = [.. s.Pods.Where(p => namespaces.Contains(p.Namespace, StringComparer.Ordinal))],
            Deployments = [.. s.Deployments.Where(d => namespaces.Contains(d.Namespace, StringComparer.Ordinal))],
            ReplicaSets = await sets,
            Events = await events,
            Nodes = SurroundingsReading.Nodes(await nodes),
            Services = [.. (await services).SelectMany(x => x)],
        };
    }

    /// <summary>Logs of what looks broken, then of what was asked about.</summary>
    public async Task<Snapshot> ReadLogsAsync(Snapshot s, CancellationToken ct)
    {
        var wanted = LogSelection.Choose(s).Take(MostLogs).ToArray();
        var texts = await Task.WhenAll(wanted.Select(key => LogAsync(key, ct)));
        return s with
        {
            Logs = wanted.Zip(texts).Where(x => x.Second is not null).ToDictionary(x => x.First, x => x.Second!),
        };
    }

    /// <summary>Error rates by service, now and over the last half hour, and by pod of what was asked about.</summary>
    public async Task<Snapshot> MeasureAsync(Snapshot s, CancellationToken ct)
    {
        // A minute shows a change soonest; where scrapes are a minute apart it shows nothing, and five do.
        var all = await RangeAsync("error rates", FailedShare("1m"), ct);
        if (all is { Count: 0 })
            all = await RangeAsync("error rates", FailedShare("5m"), ct);
        if (all is null)
            return s;
        var rates = all.Select(series => ErrorRate.Of(series.Labels.GetValueOrDefault("service", ""), series.Points)).OfType<ErrorRate>()
            .Where(r => r.Service.Length > 0).GroupBy(r => r.Service, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.MaxBy(r => r.Now)!, StringComparer.Ordinal);
        var asked = s.Asked.Where(a => rates.ContainsKey(a.Name)).Select(a => a.Name).Distinct(StringComparer.Ordinal).ToArray();
        foreach (var missing in s.Asked.Select(a => a.Name).Except(asked, StringComparer.Ordinal))
            tools.CouldNotSee($"error rate of {missing}", "the metrics hold no http_requests_total with this service");
        var pods = new List<PodErrors>();
        foreach (var service in asked.Where(IsPlainName))
            pods.AddRange(await PodsAsync(service, ct));
        return s with { Metrics = s.Metrics with { Services = rates, Pods = pods, ReplicasBefore = await ReplicasBeforeAsync(s, ct) } };
    }

    /// <summary>Alerts, from Alertmanager or else from Prometheus.</summary>
    public async Task<Snapshot> ReadAlertsAsync(Snapshot s, CancellationToken ct)
    {
        var names = new[] { "list_firing_alerts", "list_alerts" }.Where(tools.Has).ToArray();
        if (names.Length == 0)
            tools.CouldNotSee("firing alerts", "neither list_firing_alerts nor list_alerts is offered to this investigation");
        var alerts = new List<Alert>();
        foreach (var tool in names)
            alerts.AddRange(SurroundingsReading.Alerts(await tools.ReadJsonAsync(tool, "firing alerts", ToolArguments.None, ct), tool));
        return s with { Alerts = alerts };
    }

    private async Task<IReadOnlyList<string>> NamespacesAsync(CancellationToken ct)
    {
        var list = await tools.ReadJsonAsync("list_namespaces", "namespaces", ToolArguments.None, ct);
        var names = list.At("items").Items().Select(n => n.At("metadata").At("name").Text() ?? "").Where(n => n.Length > 0 && !n.StartsWith("kube-", StringComparison.Ordinal)).ToList();
        if (list is null && tools.Has("list_all_pods"))
            names = [.. WorkloadReading.Pods(await tools.ReadJsonAsync("list_all_pods", "pods", ToolArguments.None, ct)).Select(p => p.Namespace).Distinct(StringComparer.Ordinal)];
        var words = Question.WordsOf(question);
        var first = names.OrderByDescending(words.Contains).ToList();
        if (first.Count > MostNamespaces)
            tools.CouldNotSee($"{first.Count - MostNamespaces} of {first.Count} namespaces", $"an investigation looks at {MostNamespaces} at most; name the namespace in the question");
        return [.. first.Take(MostNamespaces)];
    }

    private async Task<IReadOnlyList<T>> EachAsync<T>(IEnumerable<string> namespaces, string tool, string what, Func<JsonElement?, IReadOnlyList<T>> read, CancellationToken ct) =>
        [.. (await Task.WhenAll(namespaces.Select(async ns => read(await tools.ReadJsonAsync(tool, what, ToolArguments.Of(("namespace", ns)), ct))))).SelectMany(x => x)];

    // The namespaces of what was asked about; else those with the most trouble.
    private static IReadOnlyList<string> Worst(Snapshot s)
    {
        var asked = s.Asked.Select(a => a.Namespace).Distinct(StringComparer.Ordinal).Take(MostExamined).ToArray();
        return asked.Length > 0 ? asked
            : [.. s.Pods.Select(p => p.Namespace).Concat(s.Deployments.Select(d => d.Namespace)).Distinct(StringComparer.Ordinal)
                .OrderByDescending(ns => s.Pods.Count(p => p.Namespace == ns && !p.Ready && p.Phase != "Succeeded")).ThenByDescending(ns => s.Deployments.Count(d => d.Namespace == ns && d.Replicas == 0)).Take(MostExamined)];
    }

    private Task<string?> LogAsync(LogKey key, CancellationToken ct) =>
        tools.ReadTextAsync("get_pod_logs", $"log of {key.Pod}", ToolArguments.Of(
            ("namespace", key.Namespace), ("pod", key.Pod), ("container", key.Container), ("previous", key.Previous ? true : null), ("tail_lines", LogLinesAsked)), ct);

    private async Task<IReadOnlyList<Series>?> RangeAsync(string what, string query, CancellationToken ct)
    {
        var end = time.GetUtcNow();
        var answer = await tools.ReadJsonAsync("query_metrics_range", what, ToolArguments.Of(
            ("query", query), ("start", Seconds(end - Window)), ("end", Seconds(end)), ("step", "5s")), ct);
        return answer is null ? null : Series.Read(answer);
    }

    private async Task<IEnumerable<PodErrors>> PodsAsync(string service, CancellationToken ct)
    {
        async Task<Dictionary<string, double>> Rates(string selector) =>
            Series.Read(await tools.ReadJsonAsync("query_metrics", "error rates by pod", ToolArguments.Of(("query", $"sum by (pod) (rate(http_requests_total{{{selector}}}[1m]))")), ct))
                .Where(x => x.Points.Count > 0 && x.Labels.ContainsKey("pod")).GroupBy(x => x.Labels["pod"], StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First().Points[^1].Value, StringComparer.Ordinal);
        var all = await Rates($"service=\"{service}\"");
        var failed = await Rates($"service=\"{service}\",code=~\"5..\"");
        return all.Select(p => new PodErrors(p.Key, failed.GetValueOrDefault(p.Key), p.Value));
    }

    // Events are gone after an hour; the metrics may still know.
    private async Task<IReadOnlyDictionary<string, int>> ReplicasBeforeAsync(Snapshot s, CancellationToken ct)
    {
        var before = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var d in s.Deployments.Where(d => d.Replicas == 0 && IsPlainName(d.Name) && IsPlainName(d.Namespace)).Take(3))
        {
            var series = await RangeAsync("earlier replica counts", $"kube_deployment_spec_replicas{{namespace=\"{d.Namespace}\",deployment=\"{d.Name}\"}}", ct) ?? [];
            if (series.SelectMany(x => x.Points).LastOrDefault(p => p.Value is > 0 and < 10_000) is { } last)
                before[d.Name] = (int)last.Value;
        }
        return before;
    }

    private static string FailedShare(string over) =>
        $"(sum by (service) (rate(http_requests_total{{code=~\"5..\"}}[{over}])) or sum by (service) (rate(http_requests_total[{over}])) * 0) / sum by (service) (rate(http_requests_total[{over}]))";

    private static string Seconds(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    // What goes into a query is a DNS label, so that a name can't change the query.
    private static bool IsPlainName(string name) => name.Length is > 0 and < 254 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.');
}
