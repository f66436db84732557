using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;
using IncidentFox.Host.Configuration;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;
using Microsoft.Extensions.Configuration;

namespace IncidentFox.Host.Tests.Configuration;

public sealed class PolicySettingsTests
{
    [Fact]
    public void The_documented_blocks_pasted_into_appsettings_are_the_policy()
    {
        using var here = new Installation();
        var policy = Read(here, DocumentedPolicy.Members, out var errors);
        Assert.Empty(errors);
        ToolDecision Of(string tool, ToolEffect effect, Role role) => ToolDecider.Decide(policy!, new ToolFacts(tool, effect, role) { Integration = "kubernetes" });
        Assert.IsType<ToolDecision.Deny>(Of("docker_exec", ToolEffect.Exec, Role.Operator));
        Assert.Equal(new ToolDecision.NeedsApproval(new Workflow()), Of("docker_exec", ToolEffect.Exec, Role.Admin));
        Assert.Equal(new ToolDecision.NeedsApproval(new Workflow { RequiredApprovers = 1, TimeoutMinutes = 30, NotifyChannel = "#sre-approvals" }), Of("pod_restart", ToolEffect.Write, Role.Operator));
        Assert.Equal(new ToolDecision.NeedsApproval(new Workflow { RequiredApprovers = 2, TimeoutMinutes = 15 }), Of("scale_deployment", ToolEffect.Write, Role.Operator));
    }

    [Fact]
    public void Comments_and_trailing_commas_are_read_as_the_rest_of_the_file_is()
    {
        using var here = new Installation();
        Assert.NotNull(Read(here, """ /* who */ "max_pending_per_team": 5, """, out var errors));
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData(""" "tools": { "pod_restart": { "require_aproval": true } } """, "appsettings.json: $.tools.pod_restart.require_aproval")]
    [InlineData(""" "Tools": { "pod_restart": { "enabled": false } } """, "Tools: write it in lower case")]
    [InlineData(""" "tools": { "pod_restart": { "enabled": "false" } } """, "appsettings.json: $.tools.pod_restart.enabled")]
    [InlineData(""" "tools": {}, "Policy": { "File": "/nowhere.json" } """, "keep one of the two")]
    public void What_would_not_be_obeyed_is_an_error(string members, string expected)
    {
        using var here = new Installation();
        Assert.Null(Read(here, members, out var errors));
        Assert.Contains(expected, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_by_environment_variables_is_an_error()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("tools:docker_exec:enabled", "false")]).Build();
        var errors = new List<string>();
        Assert.Null(PolicySettings.Read(configuration, errors));
        Assert.Contains("tools is given by an environment variable", Assert.Single(errors), StringComparison.Ordinal);
    }

    private static ToolPolicy? Read(Installation here, string members, out List<string> errors)
    {
        var file = here.Secret("appsettings.json", $"{{{members}}}")["file://".Length..];
        errors = [];
        return PolicySettings.Read(ConfigurationFiles.Load(file), errors);
    }
}
