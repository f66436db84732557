namespace IncidentFox.EndToEnd.Kit;

/// <summary>What is left of sandboxes on this machine.</summary>
internal static class Leftovers
{
    /// <summary>Command lines of processes (runsc, bwrap, an agent) that name the directory.</summary>
    public static IReadOnlyList<string> Processes(string runtimeDirectory)
    {
        var found = new List<string>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(d => char.IsAsciiDigit(Path.GetFileName(d)[0])))
        {
            try
            {
                var line = File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ');
                if (line.Contains(runtimeDirectory, StringComparison.Ordinal))
                    found.Add($"{Path.GetFileName(folder)} {line}");
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }
        return found;
    }

    /// <summary>Waits until there is none; a sandbox takes a moment to go.</summary>
    public static async Task NoneAsync(string runtimeDirectory)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (Processes(runtimeDirectory) is { Count: > 0 } left)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(60), $"Left of sandboxes: {string.Join('\n', left)}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        }
    }
}
