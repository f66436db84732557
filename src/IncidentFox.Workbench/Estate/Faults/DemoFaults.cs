using System.Security.Cryptography;

namespace IncidentFox.Workbench.Estate.Faults;

/// <summary>The faults that can be seeded.</summary>
public static class DemoFaults
{
    public const string None = "none";
    public const string Random = "random";
    public const string MemoryLeak = "memory-leak";
    public const string StuckPool = "stuck-pool";
    public const string ScaledToZero = "scaled-to-zero";
    public const string BadImage = "bad-image";

    /// <summary>Every fault by name.</summary>
    public static IReadOnlyList<string> All { get; } = [MemoryLeak, StuckPool, ScaledToZero, BadImage];

    /// <summary>Those that `random` chooses from: one approved action mends each.</summary>
    private static readonly string[] Mendable = [MemoryLeak, StuckPool, ScaledToZero];

    /// <summary>The fault's name, `random` settled.</summary>
    internal static string Choose(string name) => name switch
    {
        Random => RandomNumberGenerator.GetItems<string>(Mendable, 1)[0],
        None => None,
        _ when All.Contains(name) => name,
        _ => throw new ArgumentException($"There is no fault '{name}'. Choose one of: {Random}, {None}, {string.Join(", ", All)}.", nameof(name)),
    };

    internal static IDemoFault Create(string name) => name switch
    {
        MemoryLeak => new MemoryLeakFault(),
        StuckPool => new StuckPoolFault(),
        ScaledToZero => new ScaledToZeroFault(),
        BadImage => new BadImageFault(),
        _ => throw new ArgumentException($"There is no fault '{name}'.", nameof(name)),
    };
}
