using System.Globalization;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>The programs that the shop's images have beside the one that runs. There is no shell.</summary>
internal static class ShopCommands
{
    public static bool TryRun(ShopProcess process, IReadOnlyList<string> command, TimeProvider clock, out Task<CommandResult> running, CancellationToken cancellationToken)
    {
        if (command is ["sleep", var text] && double.TryParse(text, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= 3600)
        {
            running = SleepAsync(TimeSpan.FromSeconds(seconds), clock, cancellationToken);
            return true;
        }

        var (isKnown, output, exitCode) = command[0] switch
        {
            "echo" => (true, string.Join(' ', command.Skip(1)) + "\n", 0),
            "hostname" => (true, process.Pod.PodName + "\n", 0),
            "metrics" => (true, process.RenderMetrics(), 0),
            "true" => (true, "", 0),
            "false" => (true, "", 1),
            _ => (false, "", 127),
        };
        running = Task.FromResult(CommandResult.Of(output, exitCode));
        return isKnown;
    }

    private static async Task<CommandResult> SleepAsync(TimeSpan time, TimeProvider clock, CancellationToken cancellationToken)
    {
        await Task.Delay(time, clock, cancellationToken);
        return CommandResult.Of("");
    }
}
