using System.Buffers;
using System.Runtime.CompilerServices;
using IncidentFox.Contracts;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Admission;

/// <summary>How a call ended, for its audit rows.</summary>
internal sealed record CallEnd(string Status, int? UpstreamStatus, string? Code, long? Rows, long Bytes);

/// <summary>
/// Streams a target's answer to the agent, counting as it goes. Nothing of it is kept. What is there already is passed on together; nobody waits for more.
/// </summary>
internal static class ResponseRelay
{
    private const int Piece = 32 * 1024;

    public static async Task<CallEnd> PassOnAsync(AgentRequest request, UpstreamResult.Response upstream, ToolRule rule)
    {
        var counter = new RowCounter(upstream.Status is >= 200 and < 300 ? rule.RowCountPointer : null);
        var bytes = 0L;
        var response = request.Http.Response;
        try
        {
            await foreach (var (piece, isWhole) in PiecesAsync(upstream.Body, request.Aborted))
            {
                counter.Add(piece.Span);
                bytes += piece.Length;
                if (!response.HasStarted)
                    Begin(request, upstream, isWhole ? piece.Length : null);
                await response.Body.WriteAsync(piece, request.Aborted);
            }
            if (bytes == 0)
                Begin(request, upstream, length: null);
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

    // Said only when there is something to pass on: what can't be passed on from the start is an error and not a broken answer.
    private static void Begin(AgentRequest request, UpstreamResult.Response upstream, long? length)
    {
        var response = request.Http.Response;
        response.StatusCode = upstream.Status;
        foreach (var (name, value) in upstream.Headers)
            response.Headers[name] = Microsoft.Extensions.Primitives.StringValues.Concat(response.Headers[name], value);
        response.ContentType = upstream.ContentType;
        response.ContentLength = length;
        response.Headers[Protocol.SourceHeader] = "upstream";
        response.Headers[AgentRequest.CorrelationHeader] = request.CorrelationId;
    }

    // As much as can be read without waiting, up to the buffer's size. A piece is whole when it is the first and nothing follows: then its length can be said.
    private static async IAsyncEnumerable<(ReadOnlyMemory<byte> Piece, bool IsWhole)> PiecesAsync(Stream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        var (filled, first) = (0, true);
        while (true)
        {
            var reading = body.ReadAsync(buffer.AsMemory(filled), cancellationToken);
            // Not there yet: what is here goes on its way while the rest is waited for, into a buffer of its own.
            if (!reading.IsCompleted && filled > 0)
            {
                yield return (buffer.AsMemory(0, filled), false);
                first = false;
                var next = ArrayPool<byte>.Shared.Rent(Piece);
                var late = await reading;
                buffer.AsSpan(filled, late).CopyTo(next);
                ArrayPool<byte>.Shared.Return(buffer);
                (buffer, filled) = (next, late);
                if (late == 0)
                    break;
                continue;
            }
            var read = await reading;
            if (read == 0)
            {
                if (filled > 0)
                    yield return (buffer.AsMemory(0, filled), first);
                break;
            }
            filled += read;
            if (filled < buffer.Length)
                continue;
            yield return (buffer.AsMemory(0, filled), false);
            (filled, first) = (0, false);
        }
        // Only here, where no read is under way any more: one that was left alone may still write to its buffer.
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
