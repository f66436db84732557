using IncidentFox.Contracts;
using IncidentFox.Gateway.Models;

namespace IncidentFox.Gateway.AgentDoor.Endpoints;

/// <summary><c>POST /v1/agent/model</c>: one turn of a model.</summary>
internal sealed class ModelEndpoint(ModelAdmission admission)
{
    public async Task HandleAsync(AgentRequest request, byte[] body)
    {
        var (turn, error) = MessageCodec.Read(body, "model_turn", ContractsJson.Default.ModelTurn);
        error ??= turn is null ? null : TurnChecks.Problem(turn);
        if (turn is null || error is not null)
            await request.RefuseAsync(400, "bad_message", $"The turn can't be read: {error}");
        else
            await admission.HandleAsync(request, turn, body.Length);
    }
}
