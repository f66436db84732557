using System.Text;
using System.Text.Json;
using IncidentFox.Fuzz.Generators;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>The tools' door: a name and arguments. What is accepted is sent as a request that reads back as the same call.</summary>
internal sealed class ToolFuzzer : IFuzzer
{
    private int _accepted;

    public string Name => "tools";
    public double Share => 2;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_accepted:N0} accepted";

    public Task<string?> TryAsync(Dice dice)
    {
        var integration = dice.Of(Catalogs.All.All);
        var rule = dice.Of(integration.Rules);
        var name = dice.OneIn(20) ? Json.Spoil(dice, rule.Tool) : rule.Tool;
        var text = Json.Arguments(dice, rule);
        LastInput = $"{name}\n{text}";
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(Encoding.UTF8.GetBytes(text), new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException)
        {
            // The message it comes in could not be read: see the fuzzer of messages.
            return Task.FromResult<string?>(null);
        }
        using (document)
        {
            switch (ToolDoor.Parse(Catalogs.All, Catalogs.Team, name, document.RootElement))
            {
                case ParsedCall.Call call:
                    _accepted++;
                    return Task.FromResult(call.Rule.Tool == name ? RoundTrip.Problem(call) : $"{name} was taken for {call.Rule.Tool}");
                case ParsedCall.Refused refused:
                    return Task.FromResult(RoundTrip.Problem(refused));
                default:
                    return Task.FromResult<string?>("neither refused nor a call");
            }
        }
    }

    public Task<string?> FinishAsync() => Task.FromResult(_accepted == 0 ? "no input was accepted: this tests nothing" : null);
}
