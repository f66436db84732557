using IncidentFox.Workbench.Stack;

namespace IncidentFox.Workbench.Run;

/// <summary>A real workspace for <c>make run</c>, from the environment: all of it or nothing.</summary>
internal static class RealSlackSettings
{
    private static readonly string[] Names =
        ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_WORKSPACE_ID", "SLACK_CHANNEL_ID", "SLACK_OPERATOR_ID", "SLACK_ADMIN_ID"];

    public static RealSlack? Read()
    {
#pragma warning disable RS0030 // The workbench is a command-line tool of its own: its environment is how a person hands it a token without a file.
        var values = Names.Select(n => Environment.GetEnvironmentVariable(n)).ToArray();
#pragma warning restore RS0030
        if (values[0] is null or "" && values[1] is null or "")
            return null;
        var missing = Names.Where((_, i) => values[i] is null or "").ToArray();
        return missing.Length == 0
            ? new RealSlack(values[0]!, values[1]!, values[2]!, values[3]!, values[4]!, values[5]!)
            : throw new InvalidOperationException($"To use a real Slack workspace set all of {string.Join(", ", Names)}; missing: {string.Join(", ", missing)}.");
    }
}
