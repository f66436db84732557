using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Names as the controllers make them: an alphabet without vowels, so that no words appear.</summary>
internal static class Names
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    public static string RandomSuffix() => RandomNumberGenerator.GetString(Alphabet, 5);

    public static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>The `pod-template-hash`: the same template gets the same ReplicaSet.</summary>
    public static string TemplateHash(string template)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(template));
        return string.Concat(digest.Take(10).Select(b => Alphabet[b % Alphabet.Length]));
    }
}
