using System.Security.Cryptography;

namespace IncidentFox.Workbench.Stack;

/// <summary>The tokens of this run's workspace double: new in every process, worth nothing anywhere else.</summary>
internal static class SlackTokens
{
    public static readonly string Bot = $"xoxb-0000000000-0000000000-{Random()}";
    public static readonly string App = $"xapp-1-A0FOX00001-0000000000-{Random()}";
    public static readonly string Signing = Random();

    private static string Random() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
}
