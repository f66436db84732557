using IncidentFox.Fuzz;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>A short run of every fuzzer; <c>make fuzz FUZZ_SECONDS=N</c> is the long one.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Ten_seconds_of_fuzzing_find_nothing()
    {
        using var log = new StringWriter();
        var clean = await FuzzRun.RunAsync(new FuzzOptions { Duration = TimeSpan.FromSeconds(10), Seed = (ulong)Random.Shared.NextInt64() }, log);
        output.WriteLine(log.ToString());
        Assert.True(clean, log.ToString());
    }
}
