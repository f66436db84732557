using System.Text;
using IncidentFox.Contracts;

namespace IncidentFox.Gateway.Models;

/// <summary>The most that a turn can take.</summary>
/// <param name="InputTokens">A token stands for at least one byte of what is said, so there are at most as many, and what providers add around messages and tools.</param>
/// <param name="OutputTokens">What was asked for at most.</param>
/// <param name="CostMicros">Of both.</param>
internal sealed record ModelMeasure(long InputTokens, long OutputTokens, long CostMicros)
{
    private const int AroundTurn = 1_000;
    private const int AroundEach = 32;

    public long Tokens => InputTokens + OutputTokens;

    public static ModelMeasure Of(ModelTurn turn, int bytes, ModelOffer offer, IReadOnlyList<ToolDescription> tools)
    {
        long input = bytes + AroundTurn + (AroundEach * (turn.Messages.Count + tools.Count));
        foreach (var tool in tools)
            input += Encoding.UTF8.GetByteCount(tool.Description) + Encoding.UTF8.GetByteCount(tool.InputSchema.GetRawText());
        return new(input, turn.MaxTokens, offer.CostMicros(input, turn.MaxTokens));
    }
}
