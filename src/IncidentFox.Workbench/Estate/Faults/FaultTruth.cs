namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>What is true about a fault that was seeded: what an investigation should find.</summary>
/// <param name="Fix">The action that mends it; null when no simple action does.</param>
public sealed record FaultTruth(string Fault, string RootCause, FaultFix? Fix, IReadOnlyList<string> Evidence);

/// <summary>A tool call that mends a fault.</summary>
public sealed record FaultFix(string Tool, IReadOnlyDictionary<string, string> Parameters);
