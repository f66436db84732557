using IncidentFox.Agent.Analysis;
using Xunit;

namespace IncidentFox.Agent.Tests;

public sealed class SentenceTests
{
    [Theory]
    [InlineData(0, "0 %")]
    [InlineData(0.0004, "under 0.1 %")]
    [InlineData(0.486, "48.6 %")]
    [InlineData(1.002, "100 %")]
    public void A_share_reads_as_percent_and_never_above_a_hundred(double share, string text) => Assert.Equal(text, Sentences.Percent(share));
}
