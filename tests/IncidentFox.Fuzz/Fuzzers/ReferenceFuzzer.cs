using IncidentFox.Fuzz.Generators;
using IncidentFox.Secrets;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>Secret references: one spelling each, no way up, and what is refused is never repeated, because it may be the secret itself.</summary>
internal sealed class ReferenceFuzzer : IFuzzer
{
    private const string Pasted = "hunter2pastedsecret";
    private static readonly IReadOnlyList<string> Known = Corpus.Lines("references.txt");
    private int _accepted;

    public string Name => "references";
    public double Share => 0.5;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_accepted:N0} accepted";

    public Task<string?> TryAsync(Dice dice)
    {
        var text = dice.Of(Known);
        if (!dice.OneIn(4))
            text = Targets.Spoil(dice, text);
        if (dice.OneIn(3))
            text = text.Insert(dice.Below(text.Length + 1), Pasted);
        LastInput = Uri.EscapeDataString(string.Concat(text.Select(c => char.IsSurrogate(c) ? '?' : c)));
        if (!SecretReference.TryParse(text, out var reference, out var reason))
        {
            return Task.FromResult(reason.Contains(Pasted, StringComparison.OrdinalIgnoreCase) ? $"what was refused is repeated: {reason}"
                : reason.Any(char.IsControl) ? $"a reason has control characters: {Uri.EscapeDataString(reason)}" : null);
        }
        _accepted++;
        var canonical = reference.ToString();
        if (!SecretReference.TryParse(canonical, out var again, out _) || again != reference || again.ToString() != canonical)
            return Task.FromResult<string?>($"{canonical} does not read back as itself");
        if (canonical.Any(c => char.IsControl(c) || char.IsSurrogate(c)))
            return Task.FromResult<string?>("an accepted reference has control characters");
        return Task.FromResult(reference.Scheme == SecretScheme.File && (reference.Name.Split('/').Any(s => s is "." or "..") || reference.Name.Contains('\\', StringComparison.Ordinal) || Path.GetFullPath(reference.Name) != reference.Name)
            ? $"{canonical} leads up or is not absolute" : null);
    }

    public Task<string?> FinishAsync() => Task.FromResult(_accepted == 0 ? "no input was accepted: this tests nothing" : null);
}
