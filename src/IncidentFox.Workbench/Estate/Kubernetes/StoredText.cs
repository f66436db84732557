using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The JSON text of stored objects, made once: they never change, and lists and watches send the same ones again and again.</summary>
internal static class StoredText
{
    private static readonly ConditionalWeakTable<JsonObject, string> Objects = [];
    private static readonly ConditionalWeakTable<JsonObject, string> Items = [];

    public static string Of(JsonObject stored) => Objects.GetValue(stored, o => o.Compacted());

    /// <summary>As an item of a list, which does not repeat kind and apiVersion.</summary>
    public static string OfItem(JsonObject stored) => Items.GetValue(stored, o => o.With(i =>
    {
        i.Remove("kind");
        i.Remove("apiVersion");
    }).Compacted());
}
