using System.Text;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>The forms in which a secret could have slipped into a text: raw, hex, base64 at any of its three alignments, and base64 or raw kept as bytea.</summary>
internal sealed class SecretForms
{
    private readonly List<string> _needles = [];

    public SecretForms(string name, string secret)
    {
        Name = name;
        Add(Encoding.UTF8.GetBytes(secret), secret);
        // A key is base64 of 32 bytes: the bytes themselves must not be anywhere either.
        var decoded = new byte[secret.Length];
        if (Convert.TryFromBase64String(secret, decoded, out var length) && length == 32)
            Add(decoded[..length], null);
    }

    public string Name { get; }

    /// <summary>The form that is there; null when none is.</summary>
    public string? FoundIn(string text) => _needles.FirstOrDefault(n => text.Contains(n, StringComparison.OrdinalIgnoreCase));

    private void Add(byte[] bytes, string? raw)
    {
        var forms = Enumerable.Range(0, 3).Select(offset => Base64Core(bytes, offset)).Append(Convert.ToHexStringLower(bytes)).ToList();
        if (raw is not null)
            forms.Add(raw);
        _needles.AddRange(forms);
        _needles.AddRange(forms.Select(f => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(f))));
    }

    // The characters that do not depend on what stands before and after.
    private static string Base64Core(byte[] bytes, int offset)
    {
        var text = Convert.ToBase64String([.. new byte[offset], .. bytes]);
        var start = (offset * 8 + 5) / 6;
        var end = (offset + bytes.Length) * 8 / 6;
        return text[start..end];
    }
}
