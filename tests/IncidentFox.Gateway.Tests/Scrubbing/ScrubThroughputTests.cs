using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

public sealed class ScrubThroughputTests(ITestOutputHelper output)
{
    // No bound: machines differ. What it gives is judged in the benchmarks.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_can_be_measured(bool foreign)
    {
        var megabytes = ScrubThroughput.Measure(TimeSpan.FromSeconds(0.2), foreign);
        output.WriteLine($"{megabytes:0} MB/s");
        Assert.True(megabytes > 0);
    }
}
