using IncidentFox.Core.Safety;
using Microsoft.Extensions.Logging.Abstractions;

namespace IncidentFox.Core.Tests.Safety;

public sealed class AuditHeadTests(TestPostgres postgres) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("head").FullName;

    private string HeadFile => Path.Combine(_folder, "head.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_database_that_is_behind_the_head_on_file_starts_in_safe_mode_and_the_file_stays_until_it_is_left()
    {
        await using var world = await World.CreateAsync(postgres);
        var approved = await world.ApprovedAsync();
        await SealAsync(world);
        Assert.True(await Guard(world).CheckAsync(default));
        var head = AuditHead.TryParse(await File.ReadAllTextAsync(HeadFile))!;
        Assert.True(head.Sequence > 0);

        // As after a restore: the last link is not there any more.
        await world.Db.ExecuteAsync(
            "alter table app.audit_chain disable trigger append_only; delete from app.audit_chain where sequence = (select max(sequence) from app.audit_chain); alter table app.audit_chain enable trigger append_only");
        var kept = await File.ReadAllTextAsync(HeadFile);
        await using (var guard = Guard(world))
            await guard.StartAsync(default);

        Assert.Equal(kept, await File.ReadAllTextAsync(HeadFile));
        Assert.Equal(StopKind.SafeMode, Assert.Single(await Bot(world).AllInForceAsync(default)).Kind);
        Assert.Null(await world.Execution.ClaimAsync(approved, "gateway-1", default));
        await new StopEnforcement(world.Db.Bot, world.Investigations, world.Voting).RunAsync(default);
        Assert.Equal(ApprovalState.Cancelled, await world.StateAsync(approved));
        await SealAsync(world);
        Assert.False(await Guard(world).CheckAsync(default));

        Assert.True((await Bot(world).LiftAsync(await world.WhoAsync("UORG"), World.Sre.Org, null, "restored on purpose", default)).Done);
        Assert.True(await Guard(world).CheckAsync(default));
        Assert.NotEqual(kept, await File.ReadAllTextAsync(HeadFile));
        Assert.True(await Guard(world).CheckAsync(default));
        Assert.Empty(await Bot(world).AllInForceAsync(default));
    }

    [Fact]
    public async Task Another_line_at_the_same_place_is_no_agreement()
    {
        await using var world = await World.CreateAsync(postgres);
        await SealAsync(world);
        await File.WriteAllTextAsync(HeadFile, new AuditHead(2, new string('a', 64)).ToJson());
        Assert.False(await Guard(world).CheckAsync(default));
        Assert.Contains("another database", Assert.Single(await Bot(world).AllInForceAsync(default)).Reason);
    }

    [Fact]
    public async Task A_database_that_is_ahead_is_the_usual_case_and_a_first_start_makes_the_file()
    {
        await using var world = await World.CreateAsync(postgres);
        Assert.True(await Guard(world).CheckAsync(default));
        Assert.Equal(0, AuditHead.TryParse(await File.ReadAllTextAsync(HeadFile))!.Sequence);
        await SealAsync(world);
        Assert.True(await Guard(world).CheckAsync(default));
        Assert.True(AuditHead.TryParse(await File.ReadAllTextAsync(HeadFile))!.Sequence > 0);
        Assert.Empty(await Bot(world).AllInForceAsync(default));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"sequence\":-1,\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}")]
    [InlineData("{\"sequence\":\"1\",\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}")]
    [InlineData("{\"sequence\":1,\"hash\":\"00\"}")]
    [InlineData("{\"sequence\":1,\"sequence\":0,\"hash\":\"0000000000000000000000000000000000000000000000000000000000000000\"}")]
    public async Task A_file_that_is_no_head_lets_nothing_start_and_is_left_alone(string text)
    {
        await using var world = await World.CreateAsync(postgres);
        await File.WriteAllTextAsync(HeadFile, text);
        Assert.Contains(HeadFile, (await Assert.ThrowsAsync<InvalidDataException>(() => Guard(world).StartAsync(default))).Message);
        Assert.Equal(text, await File.ReadAllTextAsync(HeadFile));
    }

    private AuditHeadGuard Guard(World world) =>
        new(HeadFile, world.Db.Gateway, new Stops(world.Db.Gateway, world.GatewayAudit), TimeProvider.System, NullLogger<AuditHeadGuard>.Instance);

    private static Stops Bot(World world) => new(world.Db.Bot, world.BotAudit);

    private static Task<int> SealAsync(World world) => new AuditSealer(world.Db.Gateway, TimeProvider.System, NullLogger<AuditSealer>.Instance).SealAsync(default);
}
