using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Identity;
using IncidentFox.Core.Investigations;
using IncidentFox.Core.Policy;
using IncidentFox.Core.Tools;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>Plain data to draw.</summary>
internal static class Samples
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static readonly InvestigationId InvestigationId = new(new Guid("01930000-0000-7000-8000-000012345678"));

    public static readonly SandboxId SandboxId = new(new Guid("01930000-0000-7000-8000-0000000000aa"));

    public static readonly ApprovalId ApprovalId = new(new Guid("01930000-0000-7000-8000-0000abcdef01"));

    public static EffectPreview Effect { get; } = new()
    {
        Title = "Delete pod checkout-1 in shop; its ReplicaSet starts a new one",
        Request = "DELETE https://k8s:6443/api/v1/namespaces/shop/pods/checkout-1",
        Facts = [new EffectFact("Node", "node-1"), new EffectFact("Owner", "ReplicaSet checkout-5d9")],
        Changes = [new EffectChange("pod checkout-1", "Running, 7 restarts", "gone; a new pod takes its place")],
        DryRun = "The API server accepted it.",
        AgentReason = "The pod hangs since the last deploy.",
    };

    public const string Report =
        """
        {"what_happened":"checkout answers 48 % of requests with 5xx since 11:52","why":"checkout-1 ran out of memory after the deploy of 11:50","confidence":"high",
         "evidence":[{"statement":"OOMKilled 7 times","tool":"list_pods","excerpt":"reason: OOMKilled\nexitCode: 137"},{"statement":"error rate rose","tool":"query"}],
         "next_steps":["Restart the pod","Raise the memory limit"],"not_seen":["Metrics: credential_unavailable"],"method":"built-in analyzers, no model"}
        """;

    public static Investigation Investigation(InvestigationState state = InvestigationState.Completed, string? report = Report, string question = "checkout is returning 5xx") => new()
    {
        Id = InvestigationId,
        Resource = new Resource(new OrgId("acme"), new TeamId("shop")),
        State = state,
        Question = question,
        RequestedBy = new PersonId(Guid.Empty),
        RequesterName = "Otto",
        RequesterLabel = "otto@example.com",
        WorkspaceId = "T1",
        ChannelId = "C1",
        Sandbox = SandboxId,
        Attempt = 1,
        ReportJson = report,
        ReportFinal = report is not null,
        Failure = state switch
        {
            InvestigationState.Failed => "The investigation used up its time.",
            InvestigationState.Stopped => "Stopped by Otto.",
            _ => null,
        },
        CreatedAt = Noon,
        EndedAt = state.IsFinal() ? Noon.AddSeconds(12.5) : null,
    };

    public static IReadOnlyList<TimelineEvent> Timeline { get; } =
    [
        Event(1, "plan", """{"event":"plan","steps":[{"id":"pods","title":"Look at pods"},{"id":"metrics","title":"Look at metrics"},{"id":"deploys","title":"Look at deploys"}],"sequence":1}"""),
        Event(2, "step", """{"event":"step","id":"pods","title":"Look at pods","state":"done","note":"1 of 3 crashes","sequence":2}"""),
        Event(3, "step", """{"event":"step","id":"metrics","title":"Look at metrics","state":"failed","note":"credential_unavailable","sequence":3}"""),
        Event(4, "step", """{"event":"step","id":"deploys","title":"Look at deploys","state":"in_progress","sequence":4}"""),
        Event(5, "notice", """{"event":"notice","text":"checkout is healthy again","sequence":5}"""),
    ];

    public static TimelineEvent Event(long position, string kind, string body) => new(position, SandboxId, kind, body, Noon.AddSeconds(position));

    public static Workflow Named { get; } = new()
    {
        Approvers = [Approver("ada@example.com"), Approver("group:@sre-leads")],
        Escalation = [new EscalationStep(10, [Approver("oncall:pagerduty/P1"), Approver("role:admin")], "#leads")],
        BreakGlass = true,
    };

    public static BreakGlass Broken { get; } = new(new PersonId(Guid.Empty), "Ada", "checkout is down and nobody else is awake", Noon.AddSeconds(12), null, null, null);

    public static Approver Approver(string text) => Core.Policy.Approver.TryParse(text, out var approver) ? approver : throw new ArgumentException(text, nameof(text));

    public static Approval Approval(ApprovalState state = ApprovalState.Pending, EffectPreview? effect = null, int votes = 0, int required = 1, Workflow? workflow = null) => new()
    {
        Id = ApprovalId,
        Resource = new Resource(new OrgId("acme"), new TeamId("shop")),
        Investigation = InvestigationId,
        State = state,
        Tool = "pod_restart",
        Integration = "kubernetes",
        Digest = [.. Enumerable.Range(0, 32).Select(i => (byte)i)],
        Effect = effect ?? Effect,
        Workflow = (workflow ?? new Workflow()) with { RequiredApprovers = required },
        AsOf = Noon.AddSeconds(10),
        CreatedAt = Noon.AddSeconds(6),
        ExpiresAt = Noon.AddMinutes(30),
        DecidedAt = state == ApprovalState.Pending ? null : Noon.AddSeconds(20),
        DecidedBy = state == ApprovalState.Denied ? "Ada" : null,
        DecisionReason = state switch { ApprovalState.Denied => "not on a Friday", ApprovalState.Cancelled => "The investigation was stopped by Otto.", _ => null },
        EndedAt = state.IsFinal() ? Noon.AddSeconds(21) : null,
        DurationMs = state is ApprovalState.Executed or ApprovalState.Failed or ApprovalState.Unknown ? 120 : null,
        Outcome = state switch
        {
            ApprovalState.Executed => "The pod was deleted.",
            ApprovalState.Failed => "The API server answered 409.",
            ApprovalState.Unknown => "The connection broke after the request was sent.",
            _ => null,
        },
        Votes = [.. Enumerable.Range(0, votes).Select(i => new ApprovalVote(new PersonId(Guid.NewGuid()), i == 0 ? "Ada" : "Amir", $"T1:U{i}", Noon.AddSeconds(15 + i)))],
        Requesters = ["Otto"],
    };
}
