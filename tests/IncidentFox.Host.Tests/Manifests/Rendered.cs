using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>What <c>kubectl kustomize</c> makes of a folder of manifests, as JSON objects.</summary>
internal static class Rendered
{
    public const string Base = "base";

    /// <summary>Every folder that can be applied.</summary>
    public static readonly IReadOnlyList<string> All = [Base, "overlays/local", "overlays/azure", "overlays/air-gapped", "alternatives/page-network-policy", "alternatives/in-cluster"];

    public static string Repository { get; } = Find();

    public static IReadOnlyList<JsonObject> Of(string folder) => OfPath(Path.Combine(Repository, "manifests", folder));

    public static IReadOnlyList<JsonObject> OfPath(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/kubectl"), "There is no kubectl here: eng/setup --test installs it.");
        var (exitCode, output, error) = Run("kubectl", ["kustomize", path], Repository);
        Assert.True(exitCode == 0, error);
        var stream = new YamlStream();
        stream.Load(new StringReader(output));
        return [.. stream.Documents.Select(d => (JsonObject)Json(d.RootNode)!)];
    }

    public static (int ExitCode, string Output, string Error) Run(string program, IReadOnlyList<string> arguments, string folder, string? kubeconfig = null, string? input = null)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = kubeconfig ?? "/dev/null";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    public static IEnumerable<JsonObject> OfKind(this IEnumerable<JsonObject> objects, params string[] kinds) => objects.Where(o => kinds.Contains((string?)o["kind"]));

    public static string Name(this JsonObject o) => (string)o["metadata"]!["name"]!;

    public static string Namespace(this JsonObject o) => (string?)o["metadata"]!["namespace"] ?? "";

    /// <summary>Deployments and Jobs.</summary>
    public static IEnumerable<JsonObject> Workloads(this IEnumerable<JsonObject> objects) => objects.OfKind("Deployment", "Job");

    public static JsonObject PodSpec(this JsonObject workload) => workload["spec"]!["template"]!["spec"]!.AsObject();

    public static JsonObject PodLabels(this JsonObject workload) => workload["spec"]!["template"]!["metadata"]!["labels"]!.AsObject();

    public static IEnumerable<JsonObject> Items(this JsonNode? list) => (list as JsonArray ?? []).Select(i => i!.AsObject());

    /// <summary>Whether the selector's labels, of which there is at least one, are all among the given ones.</summary>
    public static bool Selects(this JsonNode? labels, JsonObject among) => labels is JsonObject { Count: > 0 } l && l.All(p => JsonNode.DeepEquals(among[p.Key], p.Value));

    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, Json(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => throw new InvalidDataException($"kustomize wrote {node.NodeType}"),
    };

    private static JsonNode? Plain(string? value) => value switch
    {
        null or "" or "null" => null,
        "true" => true,
        "false" => false,
        _ when int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => value,
    };

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "IncidentFox.Bot.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run from a clone of the repository.");
        return folder.FullName;
    }
}
