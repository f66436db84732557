using System.Collections.Concurrent;

namespace IncidentFox.Core.Tests;

public sealed class OrderedUuidTests
{
    [Fact]
    public void One_is_of_version_7_with_the_time_in_front()
    {
        var id = OrderedUuid.New(At(0x0123_4567_89AB));

        Assert.Equal(7, id.Version);
        Assert.InRange(id.Variant, 8, 11);
        Assert.StartsWith("01234567-89ab-7", id.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_of_a_later_millisecond_sorts_later()
    {
        var ids = Enumerable.Range(1, 1_000).Select(n => OrderedUuid.New(At(n * 7L)).ToString()).ToList();

        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }

    [Fact]
    public void Those_of_one_millisecond_made_on_many_threads_are_all_different()
    {
        var ids = new ConcurrentDictionary<Guid, bool>();

        Parallel.For(0, 200_000, _ => Assert.True(ids.TryAdd(OrderedUuid.New(At(1)), true)));

        Assert.Equal(200_000, ids.Count);
    }

    [Fact]
    public void Every_bit_that_is_not_time_version_or_variant_is_now_set_and_now_not()
    {
        var (set, unset) = (new byte[16], new byte[16]);
        for (var n = 0; n < 1_000; n++)
        {
            var bytes = OrderedUuid.New(At(0)).ToByteArray(bigEndian: true);
            for (var i = 0; i < 16; i++)
                (set[i], unset[i]) = ((byte)(set[i] | bytes[i]), (byte)(unset[i] | ~bytes[i]));
        }

        byte[] varying = [.. set.Zip(unset, (s, u) => (byte)(s & u))];
        Assert.Equal([0, 0, 0, 0, 0, 0, 0x0F, 0xFF, 0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], varying);
    }

    private static DateTimeOffset At(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
