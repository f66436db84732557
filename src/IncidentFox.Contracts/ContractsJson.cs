using System.Text.Json;
using System.Text.Json.Serialization;

namespace IncidentFox.Contracts;

/// <summary>Source-generated JSON of the protocol: snake_case, unknown members refused, nothing by reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    AllowOutOfOrderMetadataProperties = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 32)]
[JsonSerializable(typeof(AgentHello))]
[JsonSerializable(typeof(AgentWelcome))]
[JsonSerializable(typeof(AgentTask))]
[JsonSerializable(typeof(ToolList))]
[JsonSerializable(typeof(ToolRequest))]
[JsonSerializable(typeof(ApprovalRequired))]
[JsonSerializable(typeof(ApprovalStatus))]
[JsonSerializable(typeof(GatewayError))]
[JsonSerializable(typeof(EventBatch))]
[JsonSerializable(typeof(AgentEvent))]
[JsonSerializable(typeof(Report))]
[JsonSerializable(typeof(ModelTurn))]
[JsonSerializable(typeof(ModelAnswer))]
public sealed partial class ContractsJson : JsonSerializerContext;
