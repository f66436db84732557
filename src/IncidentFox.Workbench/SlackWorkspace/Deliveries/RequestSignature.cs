using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>Slack's v0 request signature (docs.slack.dev/authentication/verifying-requests-from-slack), written independently of the product's check.</summary>
internal static class RequestSignature
{
    public static string Compute(string signingSecret, string timestamp, string rawBody)
    {
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(signingSecret), Encoding.UTF8.GetBytes($"v0:{timestamp}:{rawBody}"));
        return $"v0={Convert.ToHexStringLower(mac)}";
    }
}
