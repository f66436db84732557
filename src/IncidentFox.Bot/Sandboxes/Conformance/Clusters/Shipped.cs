using k8s;
using k8s.Models;

namespace IncidentFox.Bot.Sandboxes.Conformance.Clusters;

/// <summary>The objects of the shipped manifests: what is checked is what is installed.</summary>
internal static class Shipped
{
    public static V1Namespace Namespace(string name)
    {
        var shipped = Read("namespaces.yaml").OfType<V1Namespace>().Single(n => n.Metadata.Name == "incidentfox-sandboxes");
        shipped.Metadata.Name = name;
        return shipped;
    }

    public static V1ServiceAccount Account(string ns) => In(ns, Read("sandboxes.yaml").OfType<V1ServiceAccount>().Single());

    public static V1ResourceQuota Quota(string ns) => In(ns, Read("sandboxes.yaml").OfType<V1ResourceQuota>().Single());

    /// <summary>Nothing in, nothing out.</summary>
    public static V1NetworkPolicy Deny(string ns) => In(ns, Read("sandboxes.yaml").OfType<V1NetworkPolicy>().Single(p => p.Metadata.Name == "default-deny"));

    private static T In<T>(string ns, T shipped) where T : IKubernetesObject<V1ObjectMeta>
    {
        shipped.Metadata.NamespaceProperty = ns;
        return shipped;
    }

    private static List<object> Read(string file)
    {
        using var stream = typeof(Shipped).Assembly.GetManifestResourceStream($"manifests/{file}") ?? throw new InvalidOperationException($"{file} is not in this build.");
        using var reader = new StreamReader(stream);
        return KubernetesYaml.LoadAllFromString(reader.ReadToEnd());
    }
}
