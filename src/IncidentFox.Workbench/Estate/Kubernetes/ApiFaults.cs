using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>One way in which a request goes wrong.</summary>
/// <param name="IsCarriedOut">True when the cluster changed although the caller never hears of it.</param>
public sealed record ApiFault(bool IsCarriedOut, int? Status = null, int? RetryAfterSeconds = null, bool IsSilent = false)
{
    /// <summary>429 with Retry-After; nothing was done.</summary>
    public static readonly ApiFault TooManyRequests = new(IsCarriedOut: false, 429, RetryAfterSeconds: 1);

    /// <summary>500; nothing was done.</summary>
    public static readonly ApiFault ServerError = new(IsCarriedOut: false, 500);

    /// <summary>500 although it was done.</summary>
    public static readonly ApiFault ServerErrorAfterwards = new(IsCarriedOut: true, 500);

    /// <summary>The connection is closed without an answer; nothing was done.</summary>
    public static readonly ApiFault Refused = new(IsCarriedOut: false);

    /// <summary>The connection is closed without an answer; it was done.</summary>
    public static readonly ApiFault AnswerLost = new(IsCarriedOut: true);

    /// <summary>No answer until the caller gives up; nothing was done.</summary>
    public static readonly ApiFault Silence = new(IsCarriedOut: false, IsSilent: true);

    /// <summary>No answer until the caller gives up; it was done.</summary>
    public static readonly ApiFault SilenceAfterwards = new(IsCarriedOut: true, IsSilent: true);
}

/// <summary>What may happen to one event of a watch.</summary>
public enum WatchFault
{
    None,
    Twice,
    Late,

    /// <summary>The connection breaks; what was sent just before may be lost with it.</summary>
    CutBefore,

    /// <summary>The stream ends properly after this event, long before its time.</summary>
    EndAfter,
}

/// <summary>What goes wrong in the API, as a test decides.</summary>
public sealed class ApiFaults
{
    private readonly List<(Func<KubernetesRequest, bool> When, ApiFault Fault)> _next = [];
    private CancellationTokenSource _watches = new();

    /// <summary>Asked for every request that no <see cref="Next"/> was waiting for; null for none.</summary>
    public Func<KubernetesRequest, ApiFault?>? Decide { get; set; }

    /// <summary>Asked for every event of every watch: the watch, the event's type, its object.</summary>
    public Func<KubernetesRequest, string, JsonObject, WatchFault>? DecideEvent { get; set; }

    /// <summary>How late an event comes that is late.</summary>
    public TimeSpan LateBy { get; set; } = TimeSpan.FromMilliseconds(200);

    internal CancellationToken WatchesCut
    {
        get
        {
            lock (_next)
            {
                return _watches.Token;
            }
        }
    }

    /// <summary>The next requests that match go wrong.</summary>
    public void Next(Func<KubernetesRequest, bool> when, ApiFault fault, int times = 1)
    {
        lock (_next)
        {
            _next.AddRange(Enumerable.Repeat((when, fault), times));
        }
    }

    /// <summary>Ends every open watch now, in the middle of the stream.</summary>
    public void CutWatches()
    {
        CancellationTokenSource cut;
        lock (_next)
        {
            cut = _watches;
            _watches = new();
        }

        cut.Cancel();
    }

    internal ApiFault? Take(KubernetesRequest request)
    {
        lock (_next)
        {
            var at = _next.FindIndex(n => n.When(request));
            if (at >= 0)
            {
                var fault = _next[at].Fault;
                _next.RemoveAt(at);
                return fault;
            }
        }

        return Decide?.Invoke(request);
    }

    internal WatchFault OfEvent(KubernetesRequest request, string type, JsonObject o) => DecideEvent?.Invoke(request, type, o) ?? WatchFault.None;
}
