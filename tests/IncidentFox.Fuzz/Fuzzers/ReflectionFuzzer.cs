using System.Globalization;
using IncidentFox.Gateway.Tests.Scrubbing;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>Secrets in several spellings one around the other, compressed or not: the generator of the gateway's own tests, for longer.</summary>
internal sealed class ReflectionFuzzer : IFuzzer
{
    private const int AtOnce = 256;
    private long _reflections;

    public string Name => "reflections";
    public double Share => 3;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_reflections:N0} reflections";

    public Task<string?> TryAsync(Dice dice)
    {
        var seed = dice.Below(int.MaxValue);
        LastInput = string.Create(CultureInfo.InvariantCulture, $"seed: {seed}");
        var reflections = new Reflections(seed);
        for (var i = 0; i < AtOnce; i++)
        {
            if (reflections.Next() is { } leak)
                return Task.FromResult<string?>(leak);
        }
        _reflections += AtOnce;
        return Task.FromResult<string?>(null);
    }
}
