using System.Text.Json;
using System.Text.Json.Serialization;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>What a later process needs in order to remove a sandbox whose owner was killed.</summary>
internal sealed record SandboxRecord(
    string Id,
    ProcessIdentity Owner,
    ProcessIdentity? Process,
    IReadOnlyList<string> Cgroups,
    string? DoorDirectory)
{
    /// <summary>Never seen half-written: written beside, under its owner's name, then renamed.</summary>
    public void Write(SandboxLayout layout)
    {
        var unfinished = Path.Combine(layout.Records, layout.Short + "." + Owner.FileName + UnfinishedExtension);
        File.WriteAllBytes(unfinished, JsonSerializer.SerializeToUtf8Bytes(this, SandboxRecordJson.Default.SandboxRecord));
        File.Move(unfinished, layout.RecordPath, overwrite: true);
    }

    public static SandboxRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), SandboxRecordJson.Default.SandboxRecord);
        }
        catch (FileNotFoundException)
        {
            return null; // its owner, or another process that reaps, was faster
        }
    }

    public const string UnfinishedExtension = ".new";
}

[JsonSerializable(typeof(SandboxRecord))]
internal sealed partial class SandboxRecordJson : JsonSerializerContext;
