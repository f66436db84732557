using System.Runtime.CompilerServices;

namespace IncidentFox.Core.Tests.Support;

/// <summary>Compares text with a file under Golden/. <c>UPDATE_GOLDEN=1</c> writes the file instead.</summary>
internal static class Golden
{
    public static void Matches(string name, string actual, [CallerFilePath] string caller = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(caller)!, "..", "Golden", name);
#pragma warning disable RS0030 // a switch for the person who runs the tests, not configuration
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
#pragma warning restore RS0030
            File.WriteAllText(file, actual);
        Assert.True(File.Exists(file), $"{file} is missing; run with UPDATE_GOLDEN=1 and look at what it writes.");
        Assert.Equal(File.ReadAllText(file), actual);
    }
}
