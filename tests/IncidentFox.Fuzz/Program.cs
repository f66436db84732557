using System.Globalization;
using IncidentFox.Fuzz;

// FUZZ_SECONDS (60): how long in all. FUZZ_SEED: the same inputs again. FUZZ_ONLY: one fuzzer. FUZZ_CASE: one input of it, as a finding names it.
#pragma warning disable RS0030 // A tool for developers: make hands its variables on.
string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
#pragma warning restore RS0030
var invariant = CultureInfo.InvariantCulture;
var options = new FuzzOptions
{
    Duration = TimeSpan.FromSeconds(double.Parse(Variable("FUZZ_SECONDS") ?? "60", invariant)),
    Seed = ulong.TryParse(Variable("FUZZ_SEED"), invariant, out var seed) ? seed : (ulong)Random.Shared.NextInt64(),
    Only = Variable("FUZZ_ONLY"),
    Case = ulong.TryParse(Variable("FUZZ_CASE"), invariant, out var one) ? one : null,
    FindingsDirectory = Path.GetFullPath("artifacts/fuzz"),
};
return await FuzzRun.RunAsync(options, Console.Out) ? 0 : 1;
