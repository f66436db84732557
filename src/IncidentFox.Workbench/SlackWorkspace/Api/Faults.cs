namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>
/// Errors that a test ordered. Besides Slack's error codes: <c>http_503</c> answers with that status, <c>lost_response</c> does what was
/// asked and then cuts the connection, so that the caller can't know.
/// </summary>
internal sealed class Faults
{
    public const string LostResponse = "lost_response";

    private readonly Lock gate = new();
    private readonly Dictionary<string, Queue<string>> ordered = [];

    public void FailNext(string method, string error, int count)
    {
        lock (gate)
        {
            if (!ordered.TryGetValue(method, out var queue)) ordered[method] = queue = new Queue<string>();
            for (var i = 0; i < count; i++) queue.Enqueue(error);
        }
    }

    public string? Take(string method)
    {
        lock (gate) return ordered.TryGetValue(method, out var queue) && queue.TryDequeue(out var error) ? error : null;
    }
}
