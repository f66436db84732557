using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Rules.Files;

// Whether this installation lets an integration's team use what it names. The store judges again at every use.
internal static class SecretChecks
{
    public static IEnumerable<string> Check(IReadOnlyList<(string File, Integration Integration)> all, SecretsOptions secrets)
    {
        foreach (var (file, integration) in all)
        {
            foreach (var write in new[] { false, true })
            {
                foreach (var slot in integration.Auth.For(write) ?? [])
                {
                    if (SecretReference.TryParse(slot.Reference, out var reference, out _) && secrets.Refusal(reference, integration.Team?.Value) is { } refusal)
                        yield return $"{file}:1: auth.{(write ? "write" : "read")}: {refusal}";
                }
            }
        }
    }
}
