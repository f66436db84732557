namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// RLIMIT_NPROC counts all threads of a user. A sandbox with a user of its own starts at none; one that shares the bot's user has to be
/// given what that user has running already.
/// </summary>
internal static class UserTasks
{
    public static int Count(uint? ownUser)
    {
        if (ownUser is not null)
        {
            return 0;
        }

        var own = Uid("/proc/self/status");
        return Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])).Sum(path => Threads(path, own));
    }

    private static string? Uid(string status) => File.ReadLines(status).FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal));

    private static int Threads(string process, string? uid)
    {
        try
        {
            return Uid(process + "/status") == uid ? Directory.GetDirectories(process + "/task").Length : 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return 0; // ended meanwhile
        }
    }
}
