using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace IncidentFox.Slack.Tests.Support;

/// <summary>Compares JSON with a file under Golden/. <c>UPDATE_GOLDEN=1</c> writes the file instead.</summary>
internal static class Golden
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Matches(string name, string json, [CallerFilePath] string caller = "")
    {
        var folder = Path.Combine(Path.GetDirectoryName(caller)!, "..", "Golden");
        var file = Path.Combine(folder, name + ".golden.json");
        var actual = JsonNode.Parse(json)!.ToJsonString(Readable) + "\n";
#pragma warning disable RS0030 // a switch for the person who runs the tests, not configuration
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
#pragma warning restore RS0030
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(file, actual);
        }

        Assert.True(File.Exists(file), $"{file} is missing; run with UPDATE_GOLDEN=1 and look at what it writes.");
        Assert.Equal(File.ReadAllText(file), actual);
    }
}
