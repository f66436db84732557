using System.CommandLine;
using IncidentFox.Core.Audit;

namespace IncidentFox.Host.Cli;

/// <summary>The end of the trail, and then what is new, until somebody stops it.</summary>
public static class AuditFollow
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    /// <summary><c>--lines</c>, from 0 to 100,000.</summary>
    public static Option<int> Lines(string description, int unlessSaid)
    {
        var lines = new Option<int>("--lines", "-n") { Description = description, DefaultValueFactory = _ => unlessSaid };
        lines.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is < 0 or > 100_000)
                r.AddError("--lines must be from 0 to 100000.");
        });
        return lines;
    }

    /// <summary>Prints in the chain's order: what is committed late comes late, and comes.</summary>
    public static async Task RunAsync(AuditReader reader, int lines, AuditFilter filter, Action<AuditEvent> print, CancellationToken cancellationToken)
    {
        try
        {
            var page = await reader.LastSealedAsync(lines, filter, cancellationToken);
            while (true)
            {
                foreach (var (_, e) in page.Events)
                    print(e);
                await Task.Delay(LookAgain, cancellationToken);
                page = await reader.AfterAsync(page.Next, 1_000, filter, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C is how this ends.
        }
    }
}
