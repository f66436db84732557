using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending.Limits;

/// <summary>
/// Sends as much as an integration bears and as long as it answers: a call that is one too many is refused with when to try again, and a
/// target that does not answer is left alone for a while. What people approved is exempt: they have seen the call and want it to be
/// tried, and one agent's appetite must not stand in its way; how it ends counts like any other.
/// </summary>
public sealed class LimitedSender : IUpstreamSender, IDisposable
{
    private readonly IUpstreamSender _inner;
    private readonly Capacity _capacity;
    private readonly Circuits _circuits;

    /// <summary>Puts limits around a sender.</summary>
    public LimitedSender(IUpstreamSender inner, TimeProvider time)
    {
        _inner = inner;
        _capacity = new Capacity(time);
        _circuits = new Circuits(time);
    }

    /// <inheritdoc />
    public async Task<UpstreamResult> SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken)
    {
        var circuit = _circuits.For(request.Integration, context.Sandbox);
        if (context.Approval is not null)
            return circuit.Record(await _inner.SendAsync(request, context, cancellationToken));
        if (circuit.OpenFor is { } pause)
            return Open(request.Integration, pause);
        var (permit, busy) = await _capacity.EnterAsync(request.Integration, context.Sandbox, cancellationToken);
        if (permit is null)
            return busy!;
        var kept = false;
        try
        {
            var result = circuit.IsClosed
                ? circuit.RecordBoth(await _inner.SendAsync(request, context, cancellationToken))
                : await ProbeAsync(circuit, request, context, cancellationToken);
            if (result is not UpstreamResult.Response response)
                return result;
            kept = true;   // an answer takes its place until it was read
            return response.OnRelease(permit.Dispose);
        }
        finally
        {
            if (!kept)
                permit.Dispose();
        }
    }

    private Task<UpstreamResult> ProbeAsync(Circuit circuit, OutgoingRequest request, SendContext context, CancellationToken cancellationToken) =>
        circuit.SendAsync(() => _inner.SendAsync(request, context, cancellationToken), wait => Open(request.Integration, wait));

    private static UpstreamResult.Failed Open(Integration integration, TimeSpan pause) => new(
        "circuit_open",
        $"{integration.Name} did not answer, or failed, several times in a row, so it is left alone for now: nothing was sent. It is tried again in {Math.Ceiling(pause.TotalSeconds):0} s.",
        mayHaveRun: false)
    {
        RetryAfter = pause,
    };

    /// <summary>Forgets all measures. The sender within belongs to whoever made it.</summary>
    public void Dispose()
    {
        _capacity.Dispose();
        _circuits.Dispose();
    }
}
