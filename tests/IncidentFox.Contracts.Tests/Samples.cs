using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace IncidentFox.Contracts.Tests;

/// <summary>One of each message, every member set.</summary>
internal static class Samples
{
    internal static readonly DateTimeOffset At = new(2026, 11, 22, 13, 37, 48, TimeSpan.Zero);

    internal static readonly Report Report = new()
    {
        WhatHappened = "checkout: 0.4 % to 48.2 % errors since 13:36:30 UTC",
        Why = "payments is scaled to 0",
        Confidence = Confidence.High,
        Evidence = [new("payments has no pod", "list_deployments", "spec.replicas=0"), new("no excerpt", "list_pods", null)],
        NextSteps = ["Scale payments back to 2."],
        NotSeen = ["Metrics: credential_unavailable."],
        Method = "built-in analyzers, no model",
        Action = new("scale_deployment", "Scale payments to 2", "apr_1", "executed"),
    };

    private static readonly ApprovalStatus Approval = new()
    {
        ApprovalId = "apr_1",
        Tool = "pod_restart",
        Parameters = Json("""{"namespace":"shop","pod":"checkout-1"}"""),
        State = "denied",
        Detail = "not now",
        Final = true,
    };

    internal static IEnumerable<Sample> All =>
    [
        Of("hello", ContractsJson.Default.AgentHello, new AgentHello { AgentVersion = "0.1.0", Cage = [new("metadata", "169.254.169.254:80", false, "NetworkUnreachable")] }),
        Of("welcome", ContractsJson.Default.AgentWelcome, new AgentWelcome { SandboxId = "sbx_1" }),
        Of("task", ContractsJson.Default.AgentTask, new AgentTask
        {
            InvestigationId = "inv_1", Question = "checkout is returning 5xx", AskedAt = At, Deadline = At.AddMinutes(15), ParkAfterSeconds = 120,
            Resume = new ResumedWork { Report = Report, Approval = Approval },
        }),
        Of("tool_list", ContractsJson.Default.ToolList, new ToolList
        {
            Tools = [new() { Name = "list_pods", Integration = "kubernetes", Description = "Pods", Effect = "read", NeedsApproval = false, InputSchema = Json("""{"type":"object"}""") }],
        }),
        Of("tool_request", ContractsJson.Default.ToolRequest, new ToolRequest { Arguments = Json("""{"namespace":"shop"}"""), Reason = "to see" }),
        Of("approval_required", ContractsJson.Default.ApprovalRequired, new ApprovalRequired { ApprovalId = "apr_1", ExpiresAt = At }),
        Of("approval_status", ContractsJson.Default.ApprovalStatus, Approval),
        Of("error", ContractsJson.Default.GatewayError, new GatewayError { Code = "no_rule", Message = "No rule allows it.", CorrelationId = "c-1" }),
        Of("events", ContractsJson.Default.EventBatch, new EventBatch
        {
            Events =
            [
                new PlanEvent { Sequence = 1, At = At, Steps = [new("pods", "Look at pods")] },
                new StepEvent { Sequence = 2, At = At, Id = "pods", Title = "Look at pods", State = StepState.InProgress },
                new StepEvent { Sequence = 3, At = At, Id = "pods", Title = "Look at pods", State = StepState.Failed, Note = "denied" },
                new ReportEvent { Sequence = 4, At = At, Report = Report, Final = false },
                new NoticeEvent { Sequence = 5, At = At, Text = "healthy again" },
                new ParkedEvent { Sequence = 6, At = At, ApprovalId = "apr_1" },
            ],
        }),
        Of("model_turn", ContractsJson.Default.ModelTurn, new ModelTurn
        {
            Model = "claude", Instructions = "Find out why.", Tools = ["list_pods"], MaxTokens = 1_000,
            Messages =
            [
                new() { Role = ModelRole.User, Text = "checkout is returning 5xx" },
                new() { Role = ModelRole.Assistant, Text = "I look.", Calls = [new("call_1", "list_pods", Json("""{"namespace":"shop"}"""))] },
                new() { Role = ModelRole.Tool, Results = [new("call_1", "no pods", false)] },
            ],
        }),
        Of("model_answer", ContractsJson.Default.ModelAnswer, new ModelAnswer
        {
            Model = "claude", Text = "There are none.", Calls = [new("call_2", "list_pods", Json("""{"namespace":"pay"}"""))], Stop = ModelStop.ToolCalls, Usage = new(812, 40, 3_036),
        }),
    ];

    internal static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement.Clone();

    private static Sample Of<T>(string type, JsonTypeInfo<T> info, T message) where T : Message =>
        new(type, MessageCodec.Write(message, info), utf8 =>
        {
            var read = MessageCodec.Read(utf8, type, info);
            return (read.Value is { } value ? MessageCodec.Write(value, info) : null, read.Error);
        });
}

/// <summary>A message with its way back: reading and writing again.</summary>
internal sealed record Sample(string Type, byte[] Utf8, Func<byte[], (byte[]? Again, string? Error)> ReadAndWrite);
