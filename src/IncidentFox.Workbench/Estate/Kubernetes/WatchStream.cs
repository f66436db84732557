using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The lines of one watch, with what a test wants to go wrong in them.</summary>
internal sealed class WatchStream(HttpResponse response, ApiFaults faults, KubernetesRequest? request, TimeProvider clock)
{
    public async Task OpenAsync(CancellationToken cancel) => await response.Body.FlushAsync(cancel);

    public async Task SendAsync(string kind, JsonObject o, CancellationToken cancel)
    {
        var fault = request is null ? WatchFault.None : faults.OfEvent(request, kind, o);
        if (fault == WatchFault.CutBefore)
        {
            Cut();
            throw new WatchEndedException();
        }

        if (fault == WatchFault.Late)
        {
            await Task.Delay(faults.LateBy, clock, cancel);
        }

        var line = Encoding.UTF8.GetBytes($"{{\"type\":\"{kind}\",\"object\":{StoredText.Of(o)}}}\n");
        for (var i = fault == WatchFault.Twice ? 2 : 1; i > 0; i--)
        {
            await response.Body.WriteAsync(line, cancel);
            await response.Body.FlushAsync(cancel);
        }

        if (fault == WatchFault.EndAfter)
        {
            throw new WatchEndedException();
        }
    }

    public void Cut() => response.HttpContext.Abort();
}

/// <summary>A test ended this watch.</summary>
internal sealed class WatchEndedException : Exception;
