using System.Runtime.InteropServices;
using IncidentFox.Bot.Sandboxes.Local;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class SeccompFilterTests
{
    private static CancellationToken Ct => SandboxFixture.Ct;

    [Theory]
    [InlineData(425)] // io_uring_setup
    [InlineData(438)] // pidfd_getfd
    [InlineData(428)] // open_tree
    [InlineData(442)] // mount_setattr
    public async Task A_refused_call_fails_inside_bubblewrap_and_reaches_the_kernel_outside(int call)
    {
        await using var inside = await SandboxFixture.CreateAsync("bubblewrap");
        await using var outside = await SandboxFixture.CreateAsync("none");
        var (caged, cagedProbe) = await inside.StartProbeAsync();
        var (free, freeProbe) = await outside.StartProbeAsync();
        using (cagedProbe)
        using (freeProbe)
        {
            Assert.Equal("failed errno 1", await cagedProbe.AskOneAsync($"call {call}", Ct)); // EPERM, from the filter
            Assert.NotEqual("failed errno 1", await freeProbe.AskOneAsync($"call {call}", Ct)); // the kernel minds the empty arguments instead
            Assert.Equal("failed errno 97", await cagedProbe.AskOneAsync("socket 16 3", Ct)); // AF_NETLINK
            Assert.Equal("ok", await freeProbe.AskOneAsync("socket 16 3", Ct));
            await caged.StopAsync(Ct);
            await free.StopAsync(Ct);
        }
    }

    [Theory]
    [InlineData(Architecture.X64)]
    [InlineData(Architecture.Arm64)]
    public void Every_jump_of_the_program_stays_within_it_and_every_path_returns(Architecture architecture)
    {
        var program = SeccompFilter.For(architecture)!;
        var length = program.Length / 8;
        Assert.InRange(length, 50, 255);
        for (var i = 0; i < length; i++)
        {
            var (code, yes, no) = (BitConverter.ToUInt16(program, i * 8), program[(i * 8) + 2], program[(i * 8) + 3]);
            if (code is 0x15 or 0x35)
            {
                Assert.True(i + 1 + Math.Max(yes, no) < length);
            }
        }

        Assert.Equal(0x06, BitConverter.ToUInt16(program, (length - 1) * 8));
    }

    [Fact]
    public void An_architecture_whose_calls_are_not_known_has_no_filter() => Assert.Null(SeccompFilter.For(Architecture.Ppc64le));
}
