using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IncidentFox.Secrets.Http;

/// <summary>Certificates to trust, from PEM text.</summary>
internal static class Authorities
{
    /// <summary>Null, with a reason, when the text holds no certificate or a broken one.</summary>
    public static X509Certificate2Collection? Parse(string pem, out string? problem)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            problem = "holds a certificate that can't be read";
            return null;
        }

        problem = found.Count == 0 ? "holds no certificate (-----BEGIN CERTIFICATE-----)" : null;
        return found.Count == 0 ? null : found;
    }

    /// <summary>The same from a file.</summary>
    public static X509Certificate2Collection? Load(string file, out string? problem)
    {
        try
        {
            return Parse(File.ReadAllText(file), out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"can't be read ({e.GetType().Name})";
            return null;
        }
    }

    /// <summary>Adds what is wrong with a setting that names such a file.</summary>
    public static void Validate(string setting, string? file, List<string> errors)
    {
        if (file is null)
        {
            return;
        }

        Load(file, out var problem);
        if (problem is not null)
        {
            errors.Add($"{setting}: {file} {problem}: name a PEM file with the authorities to trust.");
        }
    }
}
