using System.Text.Json.Nodes;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

/// <summary>The documentation's two policy blocks, pasted as they stand there, in the whole product.</summary>
public sealed class DocumentedPolicyTests : IAsyncLifetime
{
    private readonly DocumentedInstallation _product = new();

    public ValueTask InitializeAsync() => _product.InitializeAsync();

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task A_restart_asks_one_person_within_30_minutes_in_sre_approvals_and_a_policy_tightened_then_denies_it()
    {
        var ct = TestContext.Current.CancellationToken;
        await _product.BreakAsync(DemoFaults.StuckPool);
        var before = _product.Changes;
        var (_, approval) = await _product.ProposeAsync();
        Assert.Equal(DemoPeople.Approvals, approval.Channel);
        Assert.Equal("pod_restart 1 admin #sre-approvals 30.0", await TermsAsync());

        // Somebody sets a stricter policy while people are asked.
        await _product.Ledger.ExecuteAsync(
            """
            insert into app.policies (id, org_id, team_id, version, json, digest, changed_by)
            select gen_random_uuid(), org_id, id, 1, '{"approval_workflows":{"actions":{"pod_restart":{"required_approvers":2}}}}', repeat('0', 64), 'test' from app.teams where id = 'sre'
            """);
        var click = await _product.Slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        Assert.True(click.IsAnswered, click.Problem);
        await _product.People.WaitForTextAsync(approval, "the denial on the card", t => t.Contains("Policy asks for 2 approvers now", StringComparison.Ordinal), ct);
        Assert.Equal(before, _product.Changes);
    }

    [Fact]
    public async Task A_scaling_asks_two_people_within_15_minutes()
    {
        await _product.BreakAsync(DemoFaults.ScaledToZero);
        var (_, approval) = await _product.ProposeAsync();
        Assert.Equal(DemoPeople.Approvals, approval.Channel);
        Assert.Equal("scale_deployment 2 admin #sre-approvals 15.0", await TermsAsync());
    }

    [Fact]
    public async Task A_command_in_a_container_is_refused_to_an_operator_and_runs_for_an_admin_once_another_admin_agrees()
    {
        var ct = TestContext.Current.CancellationToken;
        await _product.BreakAsync(DemoFaults.StuckPool);
        var pod = _product.Stack.Estate.PodNames("shop").First(p => p.StartsWith("checkout-", StringComparison.Ordinal));
        JsonObject Command() => new() { ["namespace"] = "shop", ["pod"] = pod, ["command"] = new JsonArray("echo", "a; rm -rf /", "*all*") };

        await _product.ProposeAsync();   // Omar's: the sandbox waits for people
        using (var door = new SandboxDoor(_product.RuntimeDirectory))
        {
            var (status, refused) = await door.CallAsync("docker_exec", Command(), "look inside");
            Assert.Equal((403, "denied"), (status, (string?)refused["code"]));
            Assert.Contains("needs the role admin", (string)refused["message"]!, StringComparison.Ordinal);
        }
        await _product.AskAsync(DemoPeople.Omar, "/incidentfox stop");
        await Leftovers.NoneAsync(_product.RuntimeDirectory);

        await _product.ProposeAsync(DemoPeople.Ada);
        var last = _product.People.Last(DemoPeople.Approvals);
        using var admins = new SandboxDoor(_product.RuntimeDirectory);
        var (asked, answer) = await admins.CallAsync("docker_exec", Command(), "look inside");
        Assert.Equal((202, "approval_required"), (asked, (string?)answer["code"]));
        var card = await _product.People.WaitForApprovalAsync(last, ct);
        Assert.Contains("""["echo","a; rm -rf /","*all*"]""", MessageText.Of(card), StringComparison.Ordinal);
        Assert.Equal("docker_exec 1 admin #sre-approvals 30.0", await TermsAsync("docker_exec"));
        Assert.DoesNotContain(_product.Stack.Estate.KubernetesRequests, r => r.Path.EndsWith("/exec", StringComparison.Ordinal));

        // Ada's own words are behind it; Ben's are not.
        await _product.People.ClickAndReadAsync(DemoPeople.Ada, card, WorkspaceSession.Approve, ct);
        Assert.Equal("pending", await _product.Ledger.LatestApprovalStatusAsync());
        await _product.Slack.ClickAsync(DemoPeople.Ben, card.Channel, card.Ts, WorkspaceSession.Approve, ct: ct);
        await _product.People.WaitForTextAsync(card, "the end of the command on the card", t => t.Contains("ended with exit code 0", StringComparison.Ordinal), ct);

        var ran = Assert.Single(_product.Stack.Estate.KubernetesRequests, r => r.Path.EndsWith("/exec", StringComparison.Ordinal));
        Assert.Equal((101, $"/api/v1/namespaces/shop/pods/{pod}/exec"), (ran.Status, ran.Path));
        Assert.Equal(["echo", "a; rm -rf /", "*all*"], ran.Query.Split('&').Where(p => p.StartsWith("command=", StringComparison.Ordinal)).Select(p => Uri.UnescapeDataString(p["command=".Length..])));
        var told = await admins.GetAsync($"v1/approvals/{answer["approval_id"]}");
        Assert.Contains("a; rm -rf / *all*", (string)told["output"]!, StringComparison.Ordinal);
        Assert.DoesNotContain("a; rm -rf / *all*", await _product.Ledger.DumpAsync(), StringComparison.Ordinal);   // what it printed is stored nowhere
    }

    [Fact]
    public void One_machine_mode_starts_with_the_documented_policy() =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(DocumentedPolicy.Json), JsonNode.Parse(StackFiles.DocumentedPolicy)));

    private Task<string> TermsAsync(string? tool = null) => _product.Ledger.ReadAsync<string>(
        "select format('%s %s %s %s %s', tool, required_approvers, approver_role, notify_channel, round(extract(epoch from expires_at - created_at) / 60, 1)) from app.approvals where tool = coalesce(@tool, tool)",
        new { tool });

    private sealed class DocumentedInstallation : Installation
    {
        protected override StackOptions Options(StackOptions options) => options with
        {
            PolicyJson = DocumentedPolicy.Json,
        };
    }
}
