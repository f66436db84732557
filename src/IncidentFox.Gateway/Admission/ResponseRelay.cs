using IncidentFox.Contracts;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Admission;

/// <summary>How a call ended, for its audit rows.</summary>
internal sealed record CallEnd(string Status, int? UpstreamStatus, string? Code, long? Rows, long Bytes);

/// <summary>Streams a target's answer to the agent, counting as it goes. Nothing of it is kept.</summary>
internal static class ResponseRelay
{
    public static async Task<CallEnd> PassOnAsync(AgentRequest request, UpstreamResult.Response upstream, ToolRule rule)
    {
        var counter = new RowCounter(upstream.Status is >= 200 and < 300 ? rule.RowCountPointer : null);
        var buffer = new byte[32 * 1024];
        var bytes = 0L;
        var response = request.Http.Response;
        try
        {
            // The first piece is there before anything is said: what can't be passed on from the start is an error and not a broken answer.
            var read = await upstream.Body.ReadAsync(buffer, request.Aborted);
            response.StatusCode = upstream.Status;
            foreach (var (name, value) in upstream.Headers)
                response.Headers[name] = Microsoft.Extensions.Primitives.StringValues.Concat(response.Headers[name], value);
            response.ContentType = upstream.ContentType;
            response.Headers[Protocol.SourceHeader] = "upstream";
            response.Headers[AgentRequest.CorrelationHeader] = request.CorrelationId;
            while (read > 0)
            {
                await response.Body.WriteAsync(buffer.AsMemory(0, read), request.Aborted);
                counter.Add(buffer.AsSpan(0, read));
                bytes += read;
                read = await upstream.Body.ReadAsync(buffer, request.Aborted);
            }
            counter.Add([], last: true);
            await response.CompleteAsync();
            return new(upstream.Status < 400 ? "success" : "error", upstream.Status, null, counter.Rows, bytes);
        }
        catch (UpstreamBodyException e)
        {
            if (response.HasStarted)
                request.Http.Abort();
            else
                await request.RefuseAsync(ToolAdmission.StatusOf(e.Code), e.Code, e.Message);
            return new("error", upstream.Status, e.Code, null, bytes);
        }
        catch (OperationCanceledException) when (request.Aborted.IsCancellationRequested)
        {
            return new("error", upstream.Status, "client_gone", null, bytes);
        }
    }
}
