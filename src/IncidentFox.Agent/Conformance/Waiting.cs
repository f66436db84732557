using System.Runtime.InteropServices;

namespace IncidentFox.Agent.Conformance;

/// <summary>An agent that does not end: neither by itself nor when it is asked to.</summary>
internal static class Waiting
{
    public static async Task ForeverAsync(ActReport report)
    {
        using var deaf = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        report.Line("wait", _ => { });
        await Task.Delay(Timeout.Infinite);
    }
}
