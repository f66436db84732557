using System.Diagnostics;

namespace IncidentFox.Workbench.Smoke;

/// <summary>What happened, when, as it is printed.</summary>
internal sealed class Transcript
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>How many steps were seen.</summary>
    public int Steps { get; private set; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    public void Heading(string text) => Console.WriteLine($"\n== {text}");

    public void Say(string text) => Console.WriteLine($"{Elapsed.TotalSeconds,6:0.0} s  {text}");

    /// <summary>A step that was looked for and seen.</summary>
    public void Seen(string text)
    {
        Steps++;
        Say($"✓ {text}");
    }

    /// <summary>Fails unless it holds.</summary>
    public void Check(bool holds, string text)
    {
        if (!holds)
            throw new Stack.SmokeException($"not so: {text}");
        Seen(text);
    }

    public void Quote(string text)
    {
        foreach (var line in text.Split('\n').Where(l => l.Trim().Length > 0))
            Console.WriteLine($"          | {line.TrimEnd()}");
    }
}
