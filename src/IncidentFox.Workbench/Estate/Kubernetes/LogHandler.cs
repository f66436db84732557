using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Cluster;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>GET .../pods/x/log</summary>
internal sealed class LogHandler(ObjectStore store, IPodLogs logs, TimeProvider clock)
{
    private static readonly TimeSpan FollowPoll = TimeSpan.FromMilliseconds(200);

    public ApiAnswer Read(string ns, string name, ApiRequest request)
    {
        var pod = store.Get(ResourceTypes.Pods, ns, name) ?? throw ApiException.NotFound(ResourceTypes.Pods, name);
        var options = Options.Read(name, request, clock.GetUtcNow());
        var container = ContainerOf(pod, options.Container);
        var log = Find(pod, container, options.Previous);
        var position = log.Count;
        var content = options.Render(log.Lines());
        if (!options.Follow || options.Previous)
        {
            return new(200, "text/plain", content);
        }

        return new(200, "text/plain", [])
        {
            Stream = (response, cancel) => FollowAsync(log, position, content, options, response, cancel),
        };
    }

    private static string ContainerOf(JsonObject pod, string wanted)
    {
        var names = pod.Objects("spec", "containers").Concat(pod.Objects("spec", "initContainers")).Select(c => c.Text("name") ?? "").ToList();
        if (wanted.Length > 0)
        {
            return names.Contains(wanted) ? wanted : throw ApiException.BadRequest($"container {wanted} is not valid for pod {pod.Name()}");
        }

        return names.Count == 1 ? names[0] : throw ApiException.BadRequest(
            $"a container name must be specified for pod {pod.Name()}, choose one of: [{string.Join(' ', names)}]");
    }

    private ContainerLog Find(JsonObject pod, string container, bool previous)
    {
        if (logs.Find(pod.Uid(), container, previous) is { } log)
        {
            return log;
        }

        if (previous)
        {
            throw ApiException.BadRequest($"previous terminated container \"{container}\" in pod \"{pod.Name()}\" not found");
        }

        var waiting = pod.Objects("status", "containerStatuses").FirstOrDefault(s => s.Text("name") == container).Text("state", "waiting", "reason");
        var why = waiting is "ErrImagePull" or "ImagePullBackOff" ? "trying and failing to pull image" : waiting ?? "ContainerCreating";
        throw ApiException.BadRequest($"container \"{container}\" in pod \"{pod.Name()}\" is waiting to start: {why}");
    }

    private async Task FollowAsync(ContainerLog log, long position, byte[] first, Options options, HttpResponse response, CancellationToken cancel)
    {
        await response.Body.WriteAsync(first, cancel);
        await response.Body.FlushAsync(cancel);
        while (!log.IsClosed || log.Count > position)
        {
            var lines = log.Lines(position);
            position += lines.Count;
            await response.Body.WriteAsync(options.RenderAll(lines), cancel);
            await response.Body.FlushAsync(cancel);
            await Task.Delay(FollowPoll, clock, cancel);
        }
    }

    private sealed record Options(string Container, bool Previous, bool Follow, bool Timestamps, long? TailLines, DateTimeOffset? Since, long? LimitBytes)
    {
        public static Options Read(string pod, ApiRequest request, DateTimeOffset now)
        {
            var errors = new List<FieldError>();
            var tail = AtLeast(errors, "tailLines", request.QueryNumber("tailLines"), 0);
            var limit = AtLeast(errors, "limitBytes", request.QueryNumber("limitBytes"), 1);
            var seconds = AtLeast(errors, "sinceSeconds", request.QueryNumber("sinceSeconds"), 1);
            var sinceTime = request.Query("sinceTime");
            if (sinceTime.Length > 0 && seconds is not null)
            {
                errors.Add(FieldError.Forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
            }

            if (request.Query("stream").Length > 0)
            {
                errors.Add(FieldError.Forbidden("stream", "may not be specified"));
            }

            DateTimeOffset? since = seconds is null ? null : now.AddSeconds(-seconds.Value);
            if (sinceTime.Length > 0)
            {
                since = DateTimeOffset.TryParse(sinceTime, out var time) ? time : throw ApiException.BadRequest(
                    $"parsing time \"{sinceTime}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{sinceTime}\" as \"2006\"");
            }

            if (errors.Count > 0)
            {
                throw ApiException.Invalid("", "PodLogOptions", pod, errors);
            }

            return new(request.Query("container"), Is(request, "previous"), Is(request, "follow"), Is(request, "timestamps"), tail, since, limit);
        }

        public byte[] Render(IReadOnlyList<LogLine> lines)
        {
            var chosen = lines.Where(l => Since is null || l.Time >= Since).ToList();
            if (TailLines is { } tail && tail < chosen.Count)
            {
                chosen.RemoveRange(0, chosen.Count - (int)tail);
            }

            // The limit cuts in the middle of a line, as the kubelet does.
            var bytes = RenderAll(chosen);
            return LimitBytes is { } limit && limit < bytes.Length ? bytes[..(int)limit] : bytes;
        }

        public byte[] RenderAll(IReadOnlyList<LogLine> lines)
        {
            var text = new StringBuilder();
            foreach (var line in lines)
            {
                text.Append(Timestamps ? $"{line.Time.Rfc3339Nano()} " : "").Append(line.Text).Append('\n');
            }

            return Encoding.UTF8.GetBytes(text.ToString());
        }

        private static bool Is(ApiRequest request, string name) => request.Query(name) is "true" or "1";

        private static long? AtLeast(List<FieldError> errors, string field, long? value, long least)
        {
            if (value < least)
            {
                errors.Add(FieldError.Value(field, $"{value}", least == 0 ? "must be greater than or equal to 0" : "must be greater than 0"));
            }

            return value;
        }
    }
}
