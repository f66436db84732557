using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>A target that answers 200 to what it refuses, as GraphQL does: New Relic's NerdGraph.</summary>
public sealed class RefusedWriteTests(TestPostgres postgres)
{
    private const string Refused = """{"data":{"aiIssuesAckIssue":null},"errors":[{"message":"You do not have permission"}]}""";
    private static readonly VendorFile NewRelic = VendorFile.Load("newrelic");
    private static readonly VendorCase Acknowledge = NewRelic.Cases.Single(c => c.Tool == "newrelic_acknowledge_issue");

    [Fact]
    public async Task An_error_inside_an_answer_of_200_is_a_failure_and_people_read_what_it_says()
    {
        await using var world = await VendorWorld.StartAsync(postgres, NewRelic.Name);
        var (sandbox, id) = await AskAsync(world);
        world.Vendor.Expect(Acknowledge.Exchange with { Answer = Refused }, write: true);
        var outcome = await world.ApproveAndRunAsync(sandbox, id);
        Assert.Equal(ApprovalState.Failed, outcome.State);
        Assert.Contains("You do not have permission", outcome.Sentence, StringComparison.Ordinal);
        world.Vendor.AssertDone();
    }

    [Theory]
    [InlineData("done", ApprovalState.Executed)]
    [InlineData("not_done", ApprovalState.Failed)]
    [InlineData("unknown", ApprovalState.Unknown)]
    public async Task An_answer_of_200_that_can_not_be_read_says_nothing_and_the_target_is_looked_at(string verdict, ApprovalState state)
    {
        await using var world = await VendorWorld.StartAsync(postgres, NewRelic.Name);
        var (sandbox, id) = await AskAsync(world);
        world.Vendor.Expect(Acknowledge.Exchange with { Answer = "<html>welcome</html>", ContentType = "text/html" }, write: true);
        world.Vendor.Expect(Acknowledge.Proofs.Single(p => p.Verdict == verdict).Read);
        Assert.Equal(state, (await world.ApproveAndRunAsync(sandbox, id)).State);
        world.Vendor.AssertDone();
    }

    private static async Task<(Hosting.TestSandbox Sandbox, ApprovalId Id)> AskAsync(VendorWorld world)
    {
        var sandbox = await world.Host.OpenCagedAsync();
        world.Vendor.Expect(Acknowledge.Before.Single());
        var answer = await sandbox.CallAsync(Acknowledge.Tool, Acknowledge.Arguments.ToJsonString());
        Assert.True(ApprovalId.TryParse((string)answer.Json["approval_id"]!, out var id));
        return (sandbox, id);
    }
}
