using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd;

/// <summary>The documentation's two policy blocks, pasted as they stand there, in the whole product. All three tools: IncidentFox.Gateway.Tests, DocumentedPolicyTests.</summary>
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

    private Task<string> TermsAsync() => _product.Ledger.ReadAsync<string>(
        "select format('%s %s %s %s %s', tool, required_approvers, approver_role, notify_channel, round(extract(epoch from expires_at - created_at) / 60, 1)) from app.approvals");

    private sealed class DocumentedInstallation : Installation
    {
        protected override StackOptions Options(StackOptions options) => options with
        {
            PolicyJson = """
                {
                  "tools": {
                    "docker_exec": {
                      "enabled": true,
                      "allowed_roles": ["admin"],
                      "require_approval": true
                    }
                  },
                  "approval_workflows": {
                    "enabled": true,
                    "actions": {
                      "pod_restart": {
                        "required_approvers": 1,
                        "timeout_minutes": 30,
                        "notify_channel": "#sre-approvals"
                      },
                      "scale_deployment": {
                        "required_approvers": 2,
                        "timeout_minutes": 15
                      }
                    }
                  }
                }
                """,
        };
    }
}
