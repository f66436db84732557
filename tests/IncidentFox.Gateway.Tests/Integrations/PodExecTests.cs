using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Gateway.Execution;
using IncidentFox.Gateway.Sending;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>Commands in containers, as a recorded API server answers them.</summary>
public sealed class PodExecTests(TestPostgres postgres)
{
    private const string Success = """3:{"metadata":{},"status":"Success"}""";
    private const string ExitThree = """3:{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}""";
    private const string NotFound = """3:{"metadata":{},"status":"Failure","message":"Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"6273\": OCI runtime exec failed: error finding executable","reason":"InternalError","code":500}""";
    private const string NoContainer = """3:{"metadata":{},"status":"Failure","message":"Internal error occurred: unable to upgrade connection: container not found (\"main\")","reason":"InternalError","code":500}""";
    private const string Lost = """3:{"metadata":{},"status":"Failure","message":"Internal error occurred: error reading from the runtime","reason":"InternalError","code":500}""";

    private static readonly VendorFile Kubernetes = VendorFile.Load("kubernetes");
    private static readonly VendorCase Exec = Kubernetes.Cases.Single(c => c.Tool == "docker_exec");

    private static Task<ExecutionOutcome> RunAsync(VendorWorld world, params string[] frames) => RunAsync(world, Exec.Exchange with { Exec = frames });

    private static async Task<ExecutionOutcome> RunAsync(VendorWorld world, VendorExchange answer, VendorExchange? held = null)
    {
        var (sandbox, id) = await AskAsync(world);
        world.Vendor.Expect(held ?? Exec.Held.Single());
        world.Vendor.Expect(answer, write: true);
        return await world.ApproveAndRunAsync(sandbox, id);
    }

    private static async Task<(Hosting.TestSandbox Sandbox, ApprovalId Id)> AskAsync(VendorWorld world)
    {
        var sandbox = await world.Host.OpenCagedAsync();
        world.Vendor.Expect(Exec.Before.Single());
        var answer = await sandbox.CallAsync(Exec.Tool, Exec.Arguments.ToJsonString());
        Assert.Equal(202, answer.Status);
        Assert.True(ApprovalId.TryParse((string)answer.Json["approval_id"]!, out var id));
        return (sandbox, id);
    }

    [Fact]
    public async Task The_card_shows_each_word_of_the_command_and_nothing_runs_before_it_is_approved()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var (_, id) = await AskAsync(world);
        var shown = (await new ApprovalReader(world.Host.Database.Bot, world.Host.Database.SharedCipher).FindAsync(id, TestContext.Current.CancellationToken))!.Effect;
        Assert.Equal("""["pg_isready","-h","db; rm -rf /",""]""", shown.Facts.Single(f => f.Label == "Command").Value);
        Assert.Equal("app", shown.Facts.Single(f => f.Label == "Container").Value);
        Assert.Equal("The target offers no dry run for this.", shown.DryRun);
        world.Vendor.AssertDone();
    }

    [Fact]
    public async Task What_a_command_prints_goes_to_the_agent_and_into_no_table_and_no_log()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var outcome = await RunAsync(world, "1:", "2:careful\n", "1:customer-4711\n", ExitThree);
        Assert.Equal(ApprovalState.Executed, outcome.State);
        Assert.Equal("The command ran and ended with exit code 3; it printed 14 bytes, and 8 bytes of errors.", outcome.Sentence);
        var output = JsonNode.Parse(outcome.Output!)!;
        Assert.Equal(("customer-4711\n", "careful\n", 3), ((string)output["stdout"]!, (string)output["stderr"]!, (int)output["exit_code"]!));
        var kept = outcome.Details.ToJsonString() + string.Join(' ', world.Logged) + string.Join(' ', (await world.Host.AuditAsync()).Select(r => Core.Audit.AuditJson.Format(r).ToJsonString()));
        Assert.DoesNotContain("4711", kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_command_prints_is_bounded_and_the_gateways_secrets_are_taken_out_of_it()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var (name, token) = world.Right.Single(s => Kubernetes.Write!.Headers.Values.Any(h => h.Contains($"{{{s.Key}}}", StringComparison.Ordinal)));
        var outcome = await RunAsync(world, $"1:token {{{name}}} end\n", "1:" + new string('x', KubernetesExec.MaxOutput), $"2:{token[..(token.Length / 2)]}", Success);
        var output = JsonNode.Parse(outcome.Output!)!;
        Assert.StartsWith("token [redacted] end", (string)output["stdout"]!);
        Assert.InRange(((string)output["stdout"]!).Length, 1_000, KubernetesExec.MaxOutput);
        Assert.True((long)output["stdout_bytes"]! > KubernetesExec.MaxOutput);
        await world.AssertNothingLeakedAsync(outcome.Output!, outcome.Sentence);
    }

    [Theory]
    [InlineData(ApprovalState.Executed, "exit code 0", Success)]
    [InlineData(ApprovalState.Failed, "error finding executable", "1:", NotFound)]
    [InlineData(ApprovalState.Failed, "container not found", "1:", NoContainer)]
    [InlineData(ApprovalState.Unknown, "error reading from the runtime", "1:", Lost)]
    [InlineData(ApprovalState.Unknown, "failed to start exec", "1:it was started after all\n", NotFound)]
    [InlineData(ApprovalState.Unknown, "either it ran", "1:working\n", "break")]
    [InlineData(ApprovalState.Unknown, "either it ran", "1:working\n")]
    [InlineData(ApprovalState.Unknown, "either it ran", "3:not json")]
    [InlineData(ApprovalState.Unknown, "either it ran", """3:{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":"x"}}""")]
    [InlineData(ApprovalState.Unknown, "either it ran", """3:{"status":"Failure","status":"Success"}""")]
    public async Task How_it_ended_is_told_as_far_as_it_is_known(ApprovalState state, string says, params string[] frames)
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var outcome = await RunAsync(world, frames);
        Assert.True(outcome.State == state, outcome.Sentence);
        Assert.Contains(says, outcome.Sentence, StringComparison.Ordinal);
        world.Vendor.AssertDone();
    }

    [Fact]
    public async Task A_refusal_before_the_upgrade_is_a_failure_and_an_answer_without_an_upgrade_is_no_command()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var refused = await RunAsync(world, Exec.Exchange with { Exec = null, Status = 400, Answer = """{"kind":"Status","message":"container nope is not valid for pod checkout-1"}""" });
        Assert.Equal(ApprovalState.Failed, refused.State);
        Assert.Contains("container nope is not valid", refused.Sentence, StringComparison.Ordinal);
        Assert.NotEqual(ApprovalState.Executed, (await RunAsync(world, Exec.Exchange with { Exec = null, Status = 200, Answer = """{"exit_code":0}""" })).State);
    }

    [Fact]
    public async Task Another_pod_of_the_same_name_is_left_alone()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var (sandbox, id) = await AskAsync(world);
        world.Vendor.Expect(Exec.Held.Single() with { Answer = """{"metadata":{"uid":"u-2"},"status":{"phase":"Running"}}""" });
        var outcome = await world.ApproveAndRunAsync(sandbox, id);
        Assert.Equal(ApprovalState.Failed, outcome.State);
        Assert.Contains("Nothing was sent", outcome.Sentence, StringComparison.Ordinal);
        world.Vendor.AssertDone();
    }

    [Fact]
    public async Task The_agent_that_waits_learns_what_was_printed_once_it_ran_and_for_a_few_minutes()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var (sandbox, id) = await AskAsync(world);
        foreach (var one in Exec.Held)
            world.Vendor.Expect(one);
        world.Vendor.Expect(Exec.Exchange with { Exec = ["1:up\n", Success] }, write: true);
        var outcome = await world.ApproveAndRunAsync(sandbox, id);
        world.Host.Services.GetRequiredService<ExecutionOutputs>().Put(id, outcome.Output!);
        Assert.Null((await sandbox.SendAsync("GET", $"/v1/approvals/{id}")).Json["output"]);
        await world.Host.Database.ExecuteAsync("update app.approvals set status = 'executed', outcome = @Sentence, ended_at = app.clock() where id = @Value", new { outcome.Sentence, id.Value });
        Assert.Contains("up", (string)(await sandbox.SendAsync("GET", $"/v1/approvals/{id}")).Json["output"]!, StringComparison.Ordinal);
        var other = await world.Host.OpenCagedAsync();
        Assert.Equal(404, (await other.SendAsync("GET", $"/v1/approvals/{id}")).Status);

        var time = new FakeTimeProvider();
        var outputs = new ExecutionOutputs(time);
        outputs.Put(id, "a");
        Assert.Equal("a", outputs.Find(id));
        time.Advance(ExecutionOutputs.Kept + TimeSpan.FromSeconds(1));
        Assert.Null(outputs.Find(id));
        foreach (var _ in Enumerable.Range(0, 100))
            outputs.Put(ApprovalId.New(), "b");
        Assert.Null(outputs.Find(id));
    }

    [Fact]
    public async Task After_a_crash_a_command_is_never_run_again()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var (sandbox, id) = await AskAsync(world);
        var outcome = await world.ApproveAndRunAsync(sandbox, id, attempt: 2);
        Assert.Equal(ApprovalState.Unknown, outcome.State);
        Assert.Contains("either it ran (Run a command in pod checkout-1 in namespace shop), or it did not", outcome.Sentence, StringComparison.Ordinal);
        world.Vendor.AssertDone();
    }

    [Fact]
    public async Task A_command_too_long_to_be_shown_and_a_pod_that_does_not_run_are_not_asked_for()
    {
        await using var world = await VendorWorld.StartAsync(postgres, "kubernetes");
        var sandbox = await world.Host.OpenCagedAsync();
        world.Vendor.Expect(Exec.Before.Single());
        var longer = new JsonObject { ["namespace"] = "shop", ["pod"] = "checkout-1", ["command"] = new JsonArray([.. Enumerable.Range(0, 5).Select(_ => JsonValue.Create(new string('a', 280)))]) };
        Assert.Equal("too_long_to_show", (await sandbox.CallAsync(Exec.Tool, longer.ToJsonString())).Code);
        world.Vendor.Expect(Exec.Before.Single() with { Answer = """{"metadata":{"uid":"u-1"},"status":{"phase":"Succeeded"}}""" });
        Assert.Equal("no_use", (await sandbox.CallAsync(Exec.Tool, Exec.Arguments.ToJsonString())).Code);
        world.Vendor.AssertDone();
    }
}
