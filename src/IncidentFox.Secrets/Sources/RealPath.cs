namespace IncidentFox.Secrets.Sources;

/// <summary>The path that remains when every symbolic link on the way is followed, which the framework resolves for the last segment only.</summary>
internal static class RealPath
{
    private const int MostLinks = 40;   // as many as Linux follows (path_resolution(7))

    /// <summary>Null when links run in a circle. Segments that do not exist are kept as they are.</summary>
    public static string? Of(string path)
    {
        var links = 0;
        var ahead = new Stack<string>(Segments(path));
        var real = "/";
        while (ahead.TryPop(out var segment))
        {
            if (segment == "..")
            {
                real = Path.GetDirectoryName(real) ?? "/";
                continue;
            }

            var next = Path.Combine(real, segment);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks)
            {
                return null;
            }

            real = target.StartsWith('/') ? "/" : real;
            foreach (var step in Segments(target))
            {
                ahead.Push(step);
            }
        }

        return real;
    }

    public static bool IsBelow(string path, string directory) =>
        Of(directory) is { } real && path.StartsWith(real.TrimEnd('/') + "/", StringComparison.Ordinal);

    // Last segment first: they go onto a stack.
    private static IEnumerable<string> Segments(string path) => path.Split('/').Where(static s => s is not ("" or ".")).Reverse();
}
