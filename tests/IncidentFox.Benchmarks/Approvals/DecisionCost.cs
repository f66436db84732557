using System.Diagnostics;
using IncidentFox.Benchmarks.Measuring;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Benchmarks.Approvals;

/// <summary>What one decision costs: pure code, one core, the documented policy.</summary>
internal static class DecisionCost
{
    private const int Batches = 20;
    private const int PerBatch = 200_000;

    public static void Measure(FigureSheet sheet)
    {
        var parsed = ToolPolicyParser.Parse(
            """
            {
              "tools": { "docker_exec": { "enabled": true, "allowed_roles": ["admin"], "require_approval": true } },
              "approval_workflows": {
                "enabled": true,
                "actions": {
                  "pod_restart": { "required_approvers": 1, "timeout_minutes": 30, "notify_channel": "#sre-approvals" },
                  "scale_deployment": { "required_approvers": 2, "timeout_minutes": 15 }
                }
              }
            }
            """);
        var policy = parsed.Policy ?? throw new InvalidOperationException(string.Join("; ", parsed.Errors));
        var now = TimeProvider.System.GetUtcNow();
        ToolFacts Facts(string tool, ToolEffect effect, Role role) => new(tool, effect, role) { Integration = "kubernetes", Namespace = "shop", At = now };
        ToolFacts[] facts =
        [
            Facts("list_pods", ToolEffect.Read, Role.Operator), Facts("pod_restart", ToolEffect.Write, Role.Operator),
            Facts("scale_deployment", ToolEffect.Write, Role.Admin), Facts("docker_exec", ToolEffect.Exec, Role.Operator),
        ];
        var times = new List<double>();
        var denied = 0;
        for (var batch = 0; batch < Batches + 5; batch++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < PerBatch; i++)
            {
                if (ToolDecider.Decide(policy, facts[i & 3]) is ToolDecision.Deny)
                    denied++;
            }
            // The first ones are the compiler's.
            if (batch >= 5)
                times.Add(Stopwatch.GetElapsedTime(began).TotalNanoseconds / PerBatch);
        }
        if (denied != (Batches + 5) * PerBatch / 4)
            throw new InvalidOperationException($"{denied} decisions denied: one of four must be.");
        sheet.Add(new Figure("decision_ns", Quantile.Of(times, 0.5), "ns", Batches * PerBatch, IsContext: false));
    }
}
