using System.Text.Json;

namespace IncidentFox.Workbench.SlackWorkspace.Control;

/// <summary>Server-sent events: one line of JSON per change, a comment every few seconds so that a dead browser is noticed.</summary>
internal static class ChangeStream
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public static async Task SendAsync(HttpContext context, Changes changes)
    {
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        using var listening = changes.Listen(out var reader);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        try
        {
            await context.Response.WriteAsync("retry: 1000\n\n", ended.Token);
            var arrived = reader.WaitToReadAsync(ended.Token).AsTask();
            while (true)
            {
                await context.Response.Body.FlushAsync(ended.Token);
                if (await Task.WhenAny(arrived, Task.Delay(Heartbeat, ended.Token)) != arrived) await context.Response.WriteAsync(": still here\n\n", ended.Token);
                if (!arrived.IsCompleted) continue;
                ended.Token.ThrowIfCancellationRequested();
                while (reader.TryRead(out var change)) await context.Response.WriteAsync($"data: {JsonSerializer.Serialize(change, ControlApi.Json)}\n\n", ended.Token);
                arrived = reader.WaitToReadAsync(ended.Token).AsTask();
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or the workspace is.
        }
    }
}
