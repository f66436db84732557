using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Sandboxes;
using IncidentFox.TestKit.Probe;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class LocalSandboxesModuleTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ifx").FullName;
    private readonly ProbeDoor door;

    public LocalSandboxesModuleTests() => door = new(folder);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        door.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_host_chooses_its_driver_before_it_runs_and_leaves_nothing_when_it_ends()
    {
        SandboxId id;
        using (var host = Host("auto", SandboxFixture.ProbePath))
        {
            await host.StartAsync(Ct);
            var driver = host.Services.GetRequiredService<ISandboxDriver>();
            var options = new LocalSandboxOptions();
            var starts = await Task.WhenAll(Enumerable.Repeat(SandboxId.New(), 4).Select(same => Task.Run(() => driver.StartAsync(new(same, options.Limits), Ct), Ct)));

            Assert.Equal("gvisor", driver.Name);
            id = Assert.Single(starts.OfType<SandboxStart.Started>()).Sandbox.Id; // four asked for the same one: one got it
            Assert.Equal(3, starts.OfType<SandboxStart.Refused>().Count(refused => refused.Code == "sandbox_exists"));
            await host.StopAsync(Ct);
        }

        Assert.Empty(Leftovers.Of(id, folder));
    }

    [Fact]
    public async Task A_host_that_can_not_isolate_does_not_start_and_says_what_to_do()
    {
        using var host = Host("auto", "/nowhere/incidentfox-agent");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync(Ct));
        Assert.Contains("Publish the agent", failure.Message, StringComparison.Ordinal);
    }

    private IHost Host(string driver, string agent)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Sandbox:Local:Driver"] = driver,
            ["Sandbox:Local:AgentPath"] = agent,
            ["Sandbox:Local:RuntimeDirectory"] = folder,
        });
        builder.Services.AddSingleton<ISandboxDoor>(door).AddSingleton(TimeProvider.System).AddLogging().AddLocalSandboxes(builder.Configuration);
        return builder.Build();
    }
}
