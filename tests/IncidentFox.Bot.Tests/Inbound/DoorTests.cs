using IncidentFox.Bot.Inbound.Storage;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Audit;
using IncidentFox.Slack;

namespace IncidentFox.Bot.Tests.Inbound;

public sealed class DoorTests(BotPostgres postgres)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestBot.Ct;

    [Fact]
    public async Task A_key_is_claimed_by_exactly_one_of_twenty()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var ledger = bot.Get<ISlackRequestLedger>();

        var claims = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ledger.TryClaimAsync("k", Minute, Ct).AsTask()));

        Assert.Single(claims, won => won);
        Assert.True(await ledger.IsClaimedAsync("k", Ct));
        Assert.False(await ledger.IsClaimedAsync("other", Ct));
    }

    [Fact]
    public async Task A_key_is_free_again_when_it_was_released_or_its_time_is_over_by_the_databases_clock()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var ledger = bot.Get<ISlackRequestLedger>();
        await ledger.TryClaimAsync("released", Minute, Ct);
        await ledger.TryClaimAsync("over", Minute, Ct);

        await ledger.ReleaseAsync("released", Ct);
        await ledger.ReleaseAsync("never claimed", Ct);
        Assert.True(await ledger.TryClaimAsync("released", Minute, Ct));
        Assert.False(await ledger.TryClaimAsync("over", Minute, Ct));
        await bot.Database.ShiftClockAsync(TimeSpan.FromSeconds(61));

        Assert.False(await ledger.IsClaimedAsync("over", Ct));
        Assert.True(await ledger.TryClaimAsync("over", Minute, Ct));
    }

    [Fact]
    public async Task The_sweep_forgets_what_is_over_and_nothing_else()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var ledger = bot.Get<SlackLedger>();
        await ledger.TryClaimAsync("short", Minute, Ct);
        await ledger.TryClaimAsync("long", TimeSpan.FromHours(24), Ct);
        await bot.Database.ShiftClockAsync(TimeSpan.FromHours(1));

        Assert.Equal(1, await ledger.SweepAsync(Ct));

        Assert.Equal("long", Assert.Single(await bot.Database.QueryAsync<string>("select key from app.slack_requests")));
    }

    [Fact]
    public async Task A_hundred_refusals_of_one_source_in_a_minute_are_one_audit_row_and_a_count()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await bot.Database.FreezeClockAsync(Samples.Noon);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => bot.Get<ISlackRefusals>().RecordAsync(Refusal("192.0.2.1"), Ct).AsTask()));

        var row = Assert.Single(await bot.AuditAsync(AuditEventTypes.RequestRefused));
        Assert.Equal("192.0.2.1", row.UserId);
        Assert.Equal("replayed", row.Details!["reason"]!.ToString());
        Assert.Equal(100, Assert.Single(await bot.Database.QueryAsync<long>("select count from app.slack_refusals")));
        await bot.Database.FreezeClockAsync(Samples.Noon + Minute);
        await bot.Get<ISlackRefusals>().RecordAsync(Refusal("192.0.2.1"), Ct);
        Assert.Equal(2, (await bot.AuditAsync(AuditEventTypes.RequestRefused)).Count);
    }

    [Fact]
    public async Task Many_sources_cannot_fill_the_table()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await bot.Database.FreezeClockAsync(Samples.Noon);

        for (var i = 0; i < RefusalLog.MaxSources + 30; i++)
            await bot.Get<ISlackRefusals>().RecordAsync(Refusal($"192.0.2.{i}"), Ct);

        Assert.Equal(RefusalLog.MaxSources + 1, (await bot.AuditAsync(AuditEventTypes.RequestRefused)).Count);
        Assert.Equal(30, Assert.Single(await bot.Database.QueryAsync<long>("select count from app.slack_refusals where source = 'others'")));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64")]
    [InlineData("", "unknown")]
    [InlineData("not an address", "not an address")]
    public void A_source_is_an_address_or_a_network(string address, string source) => Assert.Equal(source, RefusalLog.Source(address));

    [Fact]
    public void A_source_that_is_no_address_is_bounded() => Assert.Equal(64, RefusalLog.Source(new string('x', 100_000)).Length);

    private static SlackRefusal Refusal(string source) => new(source, "/slack/commands", SlackRefusalReasons.Replayed, Samples.Noon);
}
