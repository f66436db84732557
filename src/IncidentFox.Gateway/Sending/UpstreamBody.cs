namespace IncidentFox.Gateway.Sending;

/// <summary>The last stage of an answer's body: whatever goes wrong below becomes a sentence, and time limits hold.</summary>
internal sealed class UpstreamBody(Stream inner, UpstreamExchange exchange, string integration) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Nearly always whoever reads is whoever asked, and the exchange listens to them already.
        using var either = exchange.EndsWith(cancellationToken) ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, exchange.Ends);
        try
        {
            return await inner.ReadAsync(buffer, either?.Token ?? exchange.Ends);
        }
        catch (Exception e) when (e is not UpstreamBodyException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (exchange.IsCancelledByCaller)
                throw;
            throw e switch
            {
                _ when exchange.Ends.IsCancellationRequested => new UpstreamBodyException("upstream_timeout", exchange.TimeoutSentence),
                InvalidDataException or InvalidOperationException => new UpstreamBodyException("response_refused", $"{integration} sent an answer that can't be decoded."),
                _ => new UpstreamBodyException("upstream_unreachable", $"{integration} broke off its answer."),
            };
        }
    }
}

/// <summary>Ends with an error when there is more than may be passed on.</summary>
internal sealed class BoundedStream(Stream inner, long limit, string integration) : ReadOnlyStream
{
    private long _read;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        if (_read > limit)
            throw TooLarge();
        // One byte more than is left shows that there is more, without reading far beyond it.
        var read = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, limit - _read + 1)], cancellationToken);
        _read += read;
        return _read <= limit ? read : throw TooLarge();
    }

    private UpstreamBodyException TooLarge() =>
        new("response_too_large", $"{integration} answered with more than {limit} bytes, which is the most that is passed on: ask for less at a time.");
}

/// <summary>What every stage of a body has in common: it is read forwards and asynchronously, and nothing else.</summary>
internal abstract class ReadOnlyStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // Blocking a thread for as long as a target likes is nothing that a gateway does.
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
