using System.Text;

namespace IncidentFox.Gateway.Injection;

/// <summary>The headers or query parameters of a scheme with their slots filled.</summary>
/// <param name="Values">Names and values.</param>
/// <param name="Secrets">What is secret in them.</param>
/// <param name="Problem">The beginning of a sentence about a secret with characters that don't fit; null: none has.</param>
internal readonly record struct CredentialFields(IReadOnlyList<(string Name, string Value)> Values, IReadOnlyList<string> Secrets, string? Problem)
{
    public static CredentialFields Fill(InjectionContext context, Func<string, bool> fits)
    {
        var fields = context.Integration.Auth.Fields;
        var values = new (string Name, string Value)[fields.Count];
        var secrets = new List<string>(fields.Count);
        for (var i = 0; i < fields.Count; i++)
        {
            var value = new StringBuilder();
            foreach (var part in fields[i].Parts)
            {
                var text = part.Literal ?? context.Secrets[part.Slot!].RevealForUse();
                value.Append(text);
                if (part.Slot is null)
                    continue;
                if (!fits(text))
                    return new([], [], "The credential has characters");
                if (!secrets.Contains(text))
                    secrets.Add(text);
            }
            values[i] = (fields[i].Name, value.ToString());
        }
        return new(values, secrets, null);
    }

    public override string ToString() => "[redacted]";
}
