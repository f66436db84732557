namespace IncidentFox.TestKit;

/// <summary>The security page's two policy blocks, character by character as they stand there. All tests that speak of the documented policy take it from here.</summary>
public static class DocumentedPolicy
{
    /// <summary>The block under "Tool-Level Permissions".</summary>
    public const string Tools = $$"""
        {
        {{ToolsMember}}
        }
        """;

    /// <summary>The block under "Approval Workflows".</summary>
    public const string Workflows = $$"""
        {
        {{WorkflowsMember}}
        }
        """;

    /// <summary>Both, as members of a larger file.</summary>
    public const string Members = $"""
        {ToolsMember},
        {WorkflowsMember}
        """;

    /// <summary>Both in one file.</summary>
    public const string Json = $$"""
        {
        {{Members}}
        }
        """;

    private const string ToolsMember = """
          "tools": {
            "docker_exec": {
              "enabled": true,
              "allowed_roles": ["admin"],
              "require_approval": true
            }
          }
        """;

    private const string WorkflowsMember = """
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
        """;
}
