using System.Collections.Concurrent;
using System.Diagnostics;

namespace IncidentFox.Benchmarks.Spine;

/// <summary>A steady number of people who each send the next command as soon as the last one was answered.</summary>
internal sealed class CommandLoad(SignedCommands commands, int people)
{
    /// <summary>One investigation in ten commands; the rest looks.</summary>
    private static readonly string[] Mix = ["status", "investigate", "list", "help", "status", "list", "status", "status", "list", "help"];

    private int _next;

    /// <summary>One answered command.</summary>
    public readonly record struct Ack(string Command, double Milliseconds);

    /// <summary>Sends this many and returns every answer's time, and how many were answered a second.</summary>
    public async Task<(IReadOnlyList<Ack> Acks, double PerSecond)> RunAsync(int count, CancellationToken cancellationToken)
    {
        var acks = new ConcurrentQueue<Ack>();
        var left = count;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, people).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                var number = Interlocked.Increment(ref _next);
                var command = Mix[number % Mix.Length];
                var took = await commands.SendAsync(command == "investigate" ? $"investigate checkout is returning 5xx, report {number}" : command, cancellationToken);
                acks.Enqueue(new Ack(command, took.TotalMilliseconds));
            }
        }, cancellationToken)));
        return ([.. acks], count / Stopwatch.GetElapsedTime(started).TotalSeconds);
    }
}
