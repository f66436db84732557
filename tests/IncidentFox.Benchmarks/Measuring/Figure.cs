namespace IncidentFox.Benchmarks.Measuring;

/// <summary>One measured number.</summary>
/// <param name="Name">Snake case, the unit last: <c>slash_ack_p99_ms</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Samples">How many measurements it stands for.</param>
/// <param name="IsContext">True: not a goal by itself, but needed to understand one.</param>
internal sealed record Figure(string Name, double Value, string Unit, int Samples, bool IsContext);
