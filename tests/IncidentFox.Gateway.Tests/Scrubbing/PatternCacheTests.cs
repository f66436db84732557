using IncidentFox.Gateway.Scrubbing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

public sealed class PatternCacheTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly PatternCache _cache;

    public PatternCacheTests() => _cache = new PatternCache(_time);

    public void Dispose() => _cache.Dispose();

    [Fact]
    public void The_same_secrets_are_prepared_once_and_others_for_themselves()
    {
        var patterns = _cache.Of(["first-secret", "second-secret"]);
        Assert.Same(patterns, _cache.Of(["first-secret", "second-secret"]));
        Assert.NotSame(patterns, _cache.Of(["first-secret"]));
        Assert.NotSame(patterns, _cache.Of(["first-secretsecond", "-secret"]));
    }

    [Fact]
    public void Nothing_made_of_a_secret_is_kept_longer_than_three_minutes_used_or_not()
    {
        var patterns = _cache.Of(["first-secret"]);
        for (var i = 0; i < 6; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30));
            _ = _cache.Of(["another-secret"]);
            if (i < 3)
                Assert.Same(patterns, _cache.Of(["first-secret"]));
        }
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(0, _cache.Count);
        Assert.NotSame(patterns, _cache.Of(["first-secret"]));
    }

    [Fact]
    public void Asked_again_by_the_same_strings_they_are_those_of_all_of_them_and_forgotten_like_any()
    {
        var (one, other, third) = ("first-secret", "second-secret", "third-secret");
        var alone = _cache.Of([one]);
        for (var i = 0; i < 3; i++)
        {
            var both = _cache.Of([one, other]);
            Assert.NotSame(alone, both);
            Assert.Same(both, _cache.Of([one, other]));
            Assert.NotSame(both, _cache.Of([one, third]));
            Assert.Same(alone, _cache.Of([one]));
            Assert.Same(alone, _cache.Of([new string(one)]));
        }
        _time.Advance(TimeSpan.FromMinutes(3));
        Assert.NotSame(alone, _cache.Of([one]));
    }

    [Fact]
    public void Its_size_is_bounded()
    {
        for (var i = 0; i < 300; i++)
            _ = _cache.Of([$"secret-number-{i}"]);
        Assert.InRange(_cache.Count, 1, 256);
        for (var i = 0; i < 10; i++)
            _ = _cache.Of([new string((char)('a' + i), 16_000)]);
        Assert.InRange(_cache.Count, 1, 256);
    }
}
