using IncidentFox.Bot.Sandboxes.Conformance;
using Spectre.Console;

namespace IncidentFox.Host.Cli.Sandboxes;

/// <summary>The checks as they end, a line each, and what they come to. Details may quote a cluster: they are shown inert.</summary>
internal static class SandboxTable
{
    /// <summary>Exit code 0 or 1.</summary>
    public static async Task<int> PrintAsync(string where, ConformanceSuite suite, CancellationToken ct)
    {
        var results = new List<CheckResult>();
        Line($"Checking {Inert.Text(where)}");
        await foreach (var result in suite.RunAsync(ct))
        {
            results.Add(result);
            var (word, color) = Word(result.Outcome);
            Line($"  [{color}]{word,-17}[/] {Markup.Escape(result.Check),-21} {Markup.Escape(Inert.Text(result.Detail))}", isMarkup: true);
            if (result.Outcome == CheckOutcome.Failed)
                Line($"{"",42}It should show: {result.Proves}");
        }
        Line($"{Count(CheckOutcome.Ok)} ok, {Count(CheckOutcome.Failed)} failed, {Count(CheckOutcome.Simulated)} simulated, {Count(CheckOutcome.NotPossible)} not possible here");
        return results.Exists(r => r.Outcome == CheckOutcome.Failed) ? 1 : 0;

        int Count(CheckOutcome outcome) => results.Count(r => r.Outcome == outcome);
    }

    /// <summary>Says why nothing was checked; exit code 2.</summary>
    public static int CannotRun(string sentence)
    {
        Console.Error.WriteLine($"This could not be checked: {Inert.Text(sentence)}");
        return 2;
    }

    /// <summary>A line of a pipe has no width.</summary>
    public static void Line(string text, bool isMarkup = false)
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = int.MaxValue;
        AnsiConsole.MarkupLine(isMarkup ? text : Markup.Escape(text));
    }

    private static (string Word, string Color) Word(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => ("ok", "green"),
        CheckOutcome.Failed => ("failed", "red"),
        CheckOutcome.Simulated => ("simulated", "yellow"),
        _ => ("not possible here", "grey"),
    };
}
