using System.Collections.Concurrent;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>One request that the API double received. A record of truth for tests: what was really asked, by whom.</summary>
public sealed class KubernetesRequest(DateTimeOffset time, string method, string path, string query, string body, string identity)
{
    public DateTimeOffset Time => time;

    public string Method => method;

    /// <summary>As sent, still percent-encoded.</summary>
    public string Path => path;

    /// <summary>As sent, without the question mark.</summary>
    public string Query => query;

    public string Body => body;

    /// <summary>The user name the token stands for; empty when it stands for nobody.</summary>
    public string Identity => identity;

    /// <summary>0 until an answer is sent; stays 0 when the connection was lost first.</summary>
    public int Status { get; internal set; }

    public override string ToString() => $"{Method} {Path}{(Query.Length > 0 ? "?" : "")}{Query} by {Identity}: {Status}";
}

/// <summary>The latest requests, oldest first; bounded, for the double may run for days.</summary>
internal sealed class RequestLog
{
    private const int Limit = 20_000;
    private readonly ConcurrentQueue<KubernetesRequest> _requests = new();

    public IReadOnlyList<KubernetesRequest> All => [.. _requests];

    public void Add(KubernetesRequest request)
    {
        _requests.Enqueue(request);
        while (_requests.Count > Limit)
        {
            _requests.TryDequeue(out _);
        }
    }
}
