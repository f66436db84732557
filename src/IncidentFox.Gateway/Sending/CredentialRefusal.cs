using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// Whether an answer says that the credential is not accepted: 401, another status that the target uses for it, a 2xx answer whose body says so
/// (Slack), or AWS's codes for a signature. Of a body no more than its first bytes are looked at; a refusal is short.
/// </summary>
internal static class CredentialRefusal
{
    private const int Longest = 4 * 1024;

    /// <summary>The verdict, and the answer to go on with when it is none. The target's own words about a credential are dropped: they may quote it.</summary>
    public static async ValueTask<(bool IsRefusal, UpstreamResult Result)> JudgeAsync(UpstreamResult result, RefusalSettings settings, CancellationToken cancellationToken)
    {
        if (result is not UpstreamResult.Response response)
            return (false, result);
        var refused = response.Status == (int)HttpStatusCode.Unauthorized || settings.Statuses.Contains(response.Status);
        var signature = settings.Signature && response.Status is 400 or 403;
        if (!refused && !signature && (settings.Pointer is null || response.Status is < 200 or >= 300))
            return (false, result);
        try
        {
            if (!refused)
            {
                var (start, rest) = await StartOfAsync(response, cancellationToken);
                if (!(signature ? SignatureRefusal.IsRefusal(start.Span) : Says(start, settings)))
                    return (false, new UpstreamResult.Response(response.Status, response.Headers, response.ContentType, rest, response.DisposeAsync));
            }
        }
        catch
        {
            await response.DisposeAsync();
            throw;
        }
        await response.DisposeAsync();
        return (true, result);
    }

    // Whole, when it is short enough to be a refusal.
    private static async ValueTask<(ReadOnlyMemory<byte> Start, Stream Body)> StartOfAsync(UpstreamResult.Response response, CancellationToken cancellationToken)
    {
        var buffer = new byte[Longest];
        var length = 0;
        UpstreamBodyException? broken = null;
        try
        {
            int read;
            while (length < buffer.Length && (read = await response.Body.ReadAsync(buffer.AsMemory(length), cancellationToken)) > 0)
                length += read;
        }
        catch (UpstreamBodyException e)
        {
            broken = e;
        }
        var start = buffer.AsMemory(0, length);
        return (start, new ReplayedStream(start, response.Body, broken));
    }

    private static bool Says(ReadOnlyMemory<byte> start, RefusalSettings settings)
    {
        try
        {
            var (found, node) = AnswerPointer.Find(JsonNode.Parse(start.Span, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }), settings.Pointer!);
            return found && node is JsonValue value && value.TryGetValue<string>(out var text) && settings.Texts.Contains(text);
        }
        catch (JsonException)
        {
            return false;   // longer, or no JSON
        }
    }
}

/// <summary>A body of which the start was read already.</summary>
internal sealed class ReplayedStream(ReadOnlyMemory<byte> start, Stream rest, UpstreamBodyException? broken) : ReadOnlyStream
{
    private int _at;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_at < start.Length)
        {
            var part = start[_at..];
            part = part[..Math.Min(part.Length, buffer.Length)];
            part.CopyTo(buffer);
            _at += part.Length;
            return part.Length;
        }
        return broken is null ? await rest.ReadAsync(buffer, cancellationToken) : throw broken;
    }
}
