using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Fuzz.Door;
using IncidentFox.Fuzz.Fuzzers;

namespace IncidentFox.Fuzz;

public sealed record FuzzOptions
{
    /// <summary>For all fuzzers together; each gets its share.</summary>
    public required TimeSpan Duration { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>The one fuzzer to run; null: all.</summary>
    public string? Only { get; init; }

    /// <summary>The one input to try; null: as many as there is time for.</summary>
    public ulong? Case { get; init; }

    /// <summary>Where inputs that found something are written; null: nowhere.</summary>
    public string? FindingsDirectory { get; init; }
}

/// <summary>Runs every fuzzer for its share of the time; the first finding of each ends it.</summary>
public static class FuzzRun
{
    // An input that takes this long hangs, whatever the machine does besides.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    /// <summary>True when nothing was found.</summary>
    public static async Task<bool> RunAsync(FuzzOptions options, TextWriter output)
    {
        IFuzzer[] fuzzers =
        [
            new ParserFuzzer(), new ToolFuzzer(), new RuleFuzzer(), new ScrubberFuzzer(), new ReflectionFuzzer(), new ReferenceFuzzer(), new MessageFuzzer(), new DoorFuzzer(),
        ];
        var chosen = fuzzers.Where(f => options.Only is null || f.Name == options.Only).ToList();
        if (chosen.Count == 0)
        {
            await output.WriteLineAsync($"There is no fuzzer '{options.Only}'; there are {string.Join(", ", fuzzers.Select(f => f.Name))}.");
            return false;
        }
        await output.WriteLineAsync($"FUZZ_SEED={options.Seed} FUZZ_SECONDS={options.Duration.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)}");
        var clean = true;
        var shares = chosen.Sum(f => f.Share);
        foreach (var fuzzer in chosen)
        {
            await using (fuzzer)
                clean &= await RunAsync(fuzzer, options, options.Duration * (fuzzer.Share / shares), output);
        }
        return clean;
    }

    private static async Task<bool> RunAsync(IFuzzer fuzzer, FuzzOptions options, TimeSpan duration, TextWriter output)
    {
        await fuzzer.StartAsync();
        var started = TimeProvider.System.GetTimestamp();
        ulong tried = 0;
        while (tried == 0 || TimeProvider.System.GetElapsedTime(started) < duration)
        {
            var number = options.Case ?? tried;
            var dice = new Dice(fuzzer.Name, options.Seed, number);
            if (await TryAsync(fuzzer, dice) is { } problem)
            {
                await output.WriteLineAsync($"{fuzzer.Name}: FINDING: {problem}");
                await output.WriteLineAsync($"  again: make fuzz FUZZ_SEED={options.Seed} FUZZ_ONLY={fuzzer.Name} FUZZ_CASE={number}{Keep(options, fuzzer, problem)}");
                return false;
            }
            tried++;
            if (options.Case is not null)
                break;
        }
        if (await fuzzer.FinishAsync() is { } late)
        {
            await output.WriteLineAsync($"{fuzzer.Name}: FINDING: {late}{Keep(options, fuzzer, late)}");
            return false;
        }
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{fuzzer.Name}: {tried:N0} inputs in {seconds:0.0} s ({fuzzer.Summary}), nothing found"));
        return true;
    }

    private static async Task<string?> TryAsync(IFuzzer fuzzer, Dice dice)
    {
        try
        {
            // On a thread of the pool: one that never comes back does not take the report with it.
            return await Task.Run(() => fuzzer.TryAsync(dice)).WaitAsync(Hang);
        }
        catch (TimeoutException)
        {
            return $"no end within {Hang.TotalSeconds:0} s";
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return $"an exception: {e}";
        }
    }

    private static string Keep(FuzzOptions options, IFuzzer fuzzer, string problem)
    {
        if (options.FindingsDirectory is null)
            return "";
        Directory.CreateDirectory(options.FindingsDirectory);
        var text = $"{problem}\n\n{fuzzer.LastInput}\n";
        var path = Path.Combine(options.FindingsDirectory, $"{fuzzer.Name}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..12]}.txt");
        // Half a pair of surrogates is no text that could be written; it becomes a replacement character.
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
        return $"\n  input: {path}";
    }
}
