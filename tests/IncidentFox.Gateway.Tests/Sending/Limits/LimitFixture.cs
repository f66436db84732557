using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Sending.Limits;
using Microsoft.Extensions.Time.Testing;

namespace IncidentFox.Gateway.Tests.Sending.Limits;

/// <summary>Limits around a target that answers as the test says and counts what reaches it.</summary>
internal sealed class LimitFixture : IUpstreamSender, IDisposable
{
    public LimitFixture() => Sender = new LimitedSender(this, Time);

    public FakeTimeProvider Time { get; } = new();

    public LimitedSender Sender { get; }

    public int Reached;

    public Func<CancellationToken, Task<UpstreamResult>> Answer { get; set; } = _ => Task.FromResult(Status(200));

    public static UpstreamResult Status(int status) => new UpstreamResult.Response(status, [], null, new MemoryStream(), () => ValueTask.CompletedTask);

    public static UpstreamResult Failed(string code, bool mayHaveRun = false) => new UpstreamResult.Failed(code, "It failed.", mayHaveRun);

    public static Integration Target(LimitSettings? limits = null, string team = "payments") =>
        SenderFixture.Target(1) with { Limits = limits ?? new LimitSettings(), Team = new TeamId(team) };

    public static SendContext From(SandboxId? sandbox) => SenderFixture.Context with { Sandbox = sandbox };

    public async Task<UpstreamResult> SendAsync(Integration integration, SandboxId? sandbox, CancellationToken cancellationToken = default) =>
        await Sender.SendAsync(SenderFixture.Get(integration), From(sandbox), cancellationToken);

    /// <summary>Sends and reads the answer; the code of a failure, or the status.</summary>
    public async Task<string> OutcomeAsync(Integration integration, SandboxId? sandbox)
    {
        var result = await SendAsync(integration, sandbox);
        if (result is UpstreamResult.Failed failed)
            return failed.Code;
        await using var response = (UpstreamResult.Response)result;
        return $"{response.Status}";
    }

    public async Task<List<string>> OutcomesAsync(int count, Integration integration, SandboxId? sandbox)
    {
        var outcomes = new List<string>();
        for (var i = 0; i < count; i++)
            outcomes.Add(await OutcomeAsync(integration, sandbox));
        return outcomes;
    }

    async Task<UpstreamResult> IUpstreamSender.SendAsync(OutgoingRequest request, SendContext context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref Reached);
        return await Answer(cancellationToken);
    }

    public void Dispose() => Sender.Dispose();
}
