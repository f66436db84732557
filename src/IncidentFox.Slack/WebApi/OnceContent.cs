using System.Net;
using System.Net.Http.Headers;

namespace IncidentFox.Slack.WebApi;

/// <summary>
/// A body that leaves at most once. The HTTP stack may send a request again by itself when a kept-alive connection turns out to be closed.
/// Today's does so only before any of the body has left; this makes sure of it, since for a post it would mean two posts.
/// </summary>
internal sealed class OnceContent : HttpContent
{
    private readonly byte[] _body;
    private int _sent;

    public OnceContent(byte[] body, string contentType)
    {
        _body = body;
        Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _sent, 1) == 0
            ? stream.WriteAsync(_body, cancellationToken).AsTask()
            : throw new HttpRequestException("The request was already sent once.");

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }
}
