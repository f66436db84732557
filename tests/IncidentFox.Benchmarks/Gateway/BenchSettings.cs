using System.Globalization;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>What may be set from outside, by environment variables.</summary>
internal static class BenchSettings
{
    /// <summary>How long the gateway's memory is watched under load: <c>GATEWAY_SOAK_SECONDS</c>, default 600; 0 leaves it out.</summary>
    public static TimeSpan Soak => TimeSpan.FromSeconds(
        int.TryParse(Read("GATEWAY_SOAK_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 600);

    /// <summary>Method names for <c>perf</c>: <c>GATEWAY_PROFILE=1</c>. Costs some speed.</summary>
    public static bool Profile => Read("GATEWAY_PROFILE") == "1";

#pragma warning disable RS0030 // There is no configuration here.
    private static string? Read(string name) => Environment.GetEnvironmentVariable(name);
#pragma warning restore RS0030
}
