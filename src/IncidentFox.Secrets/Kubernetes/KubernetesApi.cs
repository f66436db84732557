using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Secrets.Kubernetes;

/// <summary>What the API server answered.</summary>
/// <param name="Status">Of HTTP; 0 without an answer.</param>
/// <param name="Body">Its JSON; null when it is none.</param>
/// <param name="Problem">Why there is no answer: a clause in our own words.</param>
public sealed record KubernetesAnswer(int Status, JsonNode? Body, string? Problem)
{
    /// <summary>The status alone: a body may hold what is nobody's business.</summary>
    public override string ToString() => Problem ?? $"{Status}";
}

/// <summary>
/// One Kubernetes API server, for the process that holds the credentials (docs/adr/0005): no plugins, no redirects, bounded answers. In a cluster as the pod's own
/// service account, elsewhere by a kubeconfig.
/// </summary>
/// <param name="kubeconfig">The file; null or empty for the service account.</param>
public sealed class KubernetesApi(string? kubeconfig) : IDisposable
{
    private const int LongestLine = 1024 * 1024;

    private readonly KubernetesConnection _connection = new(new KubernetesOptions { Kubeconfig = string.IsNullOrEmpty(kubeconfig) ? null : kubeconfig });

    /// <summary>Why the file can't be used: a clause that quotes nothing of it. Null when it can, or when there is none.</summary>
    public static string? Problem(string? kubeconfig) =>
        string.IsNullOrEmpty(kubeconfig) || KubeconfigFile.Load(kubeconfig, null, out var problem) is not null ? null : problem;

    /// <summary>Asks once; only cancellation throws.</summary>
    public async Task<KubernetesAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellationToken)
    {
        var answer = await _connection.SendAsync(method, path, body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body), cancellationToken);
        try
        {
            return new(answer.Status, answer.Body.Length == 0 ? null : JsonNode.Parse(answer.Body), answer.Problem);
        }
        catch (JsonException)
        {
            return new(answer.Status, null, answer.Problem);
        }
    }

    /// <summary>The events of a watch, until it ends.</summary>
    /// <param name="path">With <c>watch=1</c>.</param>
    /// <param name="silence">How long nothing at all may come before the connection is held to be dead.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="HttpRequestException">There is no answer, or another one than 200.</exception>
    /// <exception cref="IOException">It broke off, or a line is larger than 1 MiB.</exception>
    /// <exception cref="TimeoutException">Nothing came.</exception>
    /// <exception cref="JsonException">What came is no JSON.</exception>
    public async IAsyncEnumerable<JsonNode> WatchAsync(string path, TimeSpan silence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (status, answer) = await _connection.OpenAsync(path, cancellationToken);
        using var open = answer ?? throw new HttpRequestException($"a watch was answered with {status}");
        var reader = PipeReader.Create(await open.Content.ReadAsStreamAsync(cancellationToken));
        while (true)
        {
            var read = await ReadAsync(reader, silence, cancellationToken);
            var buffer = read.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end).ToArray();
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                if (line.Length > 0)
                    yield return JsonNode.Parse(line) ?? throw new JsonException("null is no event");
            }
            if (buffer.Length > LongestLine)
                throw new IOException("a line of the watch is larger than 1 MiB");
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
                yield break;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _connection.Dispose();

    private static async Task<ReadResult> ReadAsync(PipeReader reader, TimeSpan silence, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(silence);
        try
        {
            return await reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"the watch was silent for {silence.TotalSeconds} s", e);
        }
    }
}
