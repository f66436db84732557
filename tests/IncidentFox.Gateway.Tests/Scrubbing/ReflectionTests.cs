using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

public sealed class ReflectionTests
{
    // A million of them: make fuzz.
    [Fact]
    public void Twenty_thousand_reflections_of_secrets_leak_nothing()
    {
        var reflections = new Reflections(Random.Shared.Next());
        for (var i = 0; i < 20_000; i++)
        {
            var leak = reflections.Next();
            Assert.True(leak is null, leak);
        }
    }
}
