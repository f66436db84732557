using System.Text;
using IncidentFox.Host.Configuration;
using IncidentFox.Host.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace IncidentFox.Host.Tests.Configuration;

public sealed class HostSettingsTests
{
    [Fact]
    public void The_example_has_every_section_and_is_read_without_an_error_but_for_files_that_are_not_here()
    {
        var example = ConfigurationFiles.Load(Path.Combine(Repository(), "appsettings.example.json"));

        var (settings, errors) = HostSettings.Read(example, HostRole.All);

        Assert.Null(settings);
        Assert.All(errors, e => Assert.Matches("can't be read|there is no file", e));
        Assert.Equal(
            ["Audit", "Bot", "Database", "Gateway", "Http", "Logging", "Models", "Organization", "Policy", "Sandbox", "Secrets", "Slack", "Telemetry"],
            example.GetChildren().Select(s => s.Key).Order(StringComparer.Ordinal));

        var folder = Directory.CreateTempSubdirectory("incidentfox-example-");
        var here = new ConfigurationBuilder().AddConfiguration(example).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Policy:File"] = "", ["Gateway:IntegrationsPaths:0"] = folder.FullName, ["Sandbox:Local:AgentPath"] = "/bin/true",
        }).Build();
        (settings, errors) = HostSettings.Read(here, HostRole.All);
        folder.Delete();
        Assert.Empty(errors);
        Assert.Equal("acme", settings!.Directory.Id);
        Assert.Equal(TimeSpan.FromMinutes(15), settings.Sandboxes.Duration);
    }

    [Theory]
    [InlineData("Bot", "MaxSandboxs")]
    [InlineData("Gateway", "ParkAfterSecond")]
    [InlineData("Database", "Passwort")]
    [InlineData("Organization", "Team")]
    [InlineData("Secrets", "CacheFr")]
    public void A_setting_that_does_not_exist_is_an_error_that_names_it(string section, string typo)
    {
        using var here = new Installation();
        if (here.Configuration[section] is null)
            here.Configuration[section] = new System.Text.Json.Nodes.JsonObject();
        here[section][typo] = "1";

        var (settings, errors) = Read(here);

        Assert.Null(settings);
        Assert.Contains(errors, e => e.StartsWith(section, StringComparison.Ordinal) && e.Contains(typo, StringComparison.Ordinal));
    }

    [Fact]
    public void A_policy_with_a_mistake_is_refused_whole_and_names_its_file()
    {
        using var here = new Installation();
        var file = here.Secret("policy.json", """{"tools":{"pod_restart":{"require_aproval":false}}}""")["file://".Length..];
        here.Configuration["Policy"] = new System.Text.Json.Nodes.JsonObject { ["File"] = file };

        var (settings, errors) = Read(here);

        Assert.Null(settings);
        Assert.Contains("require_aproval", Assert.Single(errors), StringComparison.Ordinal);
        Assert.StartsWith($"Policy:File {file}", errors[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Sandboxes_as_pods_need_a_gateway_with_a_door_for_them()
    {
        var example = ConfigurationFiles.Load(Path.Combine(Repository(), "appsettings.example.json"));
        var pods = new ConfigurationBuilder().AddConfiguration(example).AddInMemoryCollection(
            new Dictionary<string, string?> { ["Sandbox:Kubernetes:Image"] = "registry.example/incidentfox-agent:0.1.0" }).Build();

        Assert.Contains(HostSettings.Read(pods, HostRole.All).Errors, e => e.StartsWith("Sandbox:Kubernetes:Image is set", StringComparison.Ordinal));
        Assert.DoesNotContain(HostSettings.Read(pods, HostRole.Bot).Errors, e => e.StartsWith("Sandbox:Kubernetes:Image is set", StringComparison.Ordinal));
        Assert.DoesNotContain(HostSettings.Read(example, HostRole.All).Errors, e => e.Contains("Kubernetes", StringComparison.Ordinal));
    }

    private static (HostSettings? Settings, IReadOnlyList<string> Errors) Read(Installation here)
    {
        using var json = new MemoryStream(Encoding.UTF8.GetBytes(here.Configuration.ToJsonString()));
        return HostSettings.Read(new ConfigurationBuilder().AddJsonStream(json).Build(), HostRole.All);
    }

    private static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException("The tests run from a clone of the repository.");
    }
}
