using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Tests.Hosting;

// Takes down what would be sent, and answers as it is told.
internal sealed class FakeSender : IUpstreamSender
{
    public ConcurrentQueue<(OutgoingRequest Request, SendContext Context)> Sent { get; } = [];

    public Func<OutgoingRequest, CancellationToken, Task<UpstreamResult>> Answer { get; set; } = (_, _) => Task.FromResult(Json("""{"items":[{"a":1},{"b":[1,2]}]}"""));

    public Task<UpstreamResult> SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken)
    {
        Sent.Enqueue((request, context));
        return Answer(request, cancellationToken);
    }

    public static UpstreamResult Json(string body, int status = 200) => Of(new MemoryStream(Encoding.UTF8.GetBytes(body)), status);

    public static UpstreamResult Of(Stream body, int status = 200, string contentType = "application/json") =>
        new UpstreamResult.Response(status, [("x-test", "1")], contentType, body, body.DisposeAsync);
}

internal sealed class FakePreparer : IActionPreparer
{
    public int Prepared { get; private set; }

    public string? LastReason { get; private set; }

    public Func<Task>? Before { get; set; }

    public PreparedAction.Refused? Refuse { get; set; }

    public async Task<PreparedAction> PrepareAsync(
        Integration integration, ToolRule rule, ToolCall call, string? reason, SendContext context, string policyDigest, CancellationToken cancellationToken)
    {
        Prepared++;
        LastReason = reason;
        if (Before is not null)
            await Before();
        if (Refuse is not null)
            return Refuse;
        var preconditions = new JsonObject { ["uid"] = "u-1" };
        var request = RequestBuilder.Build(integration, rule, call, preconditions, null, dryRun: false);
        return new PreparedAction.Ready(
            new FrozenRequest
            {
                Call = call, Origin = integration.Origin, Method = request.Method, PathAndQuery = request.PathAndQuery, ContentType = request.ContentType,
                Body = request.Body is { } body ? Encoding.UTF8.GetString(body) : null, CredentialReference = integration.Auth.ReferenceFor(write: true),
                Preconditions = preconditions, PolicyDigest = policyDigest,
            },
            new EffectPreview { Title = "t", Request = "r", Facts = [], Changes = [], DryRun = "ok", AgentReason = reason });
    }
}

// A body that comes in pieces, breaks off as a sender's would, or never ends.
internal sealed class PiecewiseStream(IEnumerable<string> pieces, Exception? then = null, Task? hold = null) : Stream
{
    private readonly IEnumerator<string> _pieces = pieces.GetEnumerator();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_pieces.MoveNext())
            return Encoding.UTF8.GetBytes(_pieces.Current, buffer.Span);
        if (hold is not null)
            await hold.WaitAsync(cancellationToken);
        return then is null ? 0 : throw then;
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
