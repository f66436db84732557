using System.Text;
using IncidentFox.Fuzz.Generators;
using IncidentFox.Gateway.Rules.Parsing;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>The base-URL door's parser: refused with a sentence, or a call that is sent as exactly itself.</summary>
internal sealed class ParserFuzzer : IFuzzer
{
    private static readonly string[] Methods = ["GET", "GET", "GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "GET ", "", "\u00e9"];
    private static readonly string[] HeaderNames = ["Accept", "Content-Type", "X-Amz-Target", "X-HTTP-Method-Override", "Authorization", "Host", "Cookie", "X-Forwarded-Host", "Accept ", "Transfer-Encoding", ""];
    private int _accepted;

    public string Name => "parser";
    public double Share => 3;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_accepted:N0} accepted";

    public Task<string?> TryAsync(Dice dice)
    {
        var integration = dice.Of(Catalogs.All.All);
        var rule = dice.Of(integration.Rules);
        var name = dice.OneIn(20) ? dice.AnyText(10) : integration.Name;
        var method = dice.OneIn(6) ? dice.Of(Methods) : rule.Method;
        var target = dice.OneIn(3) ? Targets.Any(dice, integration.Rules) : dice.OneIn(2) ? Targets.Of(dice, rule) : Targets.Spoil(dice, Targets.Of(dice, rule));
        var body = rule.IsBound() || dice.OneIn(10) ? Encoding.UTF8.GetBytes(dice.OneIn(2) ? Json.Arguments(dice, rule) : dice.AnyText(40)) : [];
        var headers = Enumerable.Range(0, dice.OneIn(3) ? dice.Below(4) : 0)
            .Select(_ => KeyValuePair.Create(dice.Of(HeaderNames), dice.OneIn(2) ? dice.Of(["application/json", "*/*", "application/x-www-form-urlencoded", "DELETE", "x"]) : dice.AnyText(10))).ToList();
        LastInput = $"{name} {method} {Uri.EscapeDataString(Plain(target))}\n{string.Join('\n', headers)}\n{Encoding.UTF8.GetString(body)}";
        switch (BaseUrlDoor.Parse(Catalogs.All, Catalogs.Team, name, method, target, body, headers))
        {
            case ParsedCall.Call call:
                _accepted++;
                return Task.FromResult(method != call.Rule.Method ? $"{method} was taken for {call.Rule.Method}" : RoundTrip.Problem(call));
            case ParsedCall.Refused refused:
                return Task.FromResult(RoundTrip.Problem(refused));
            default:
                return Task.FromResult<string?>("neither refused nor a call");
        }
    }

    public Task<string?> FinishAsync() => Task.FromResult(_accepted == 0 ? "no input was accepted: this tests nothing" : null);

    private static string Plain(string text) => string.Concat(text.Select(c => char.IsSurrogate(c) ? '?' : c));
}
