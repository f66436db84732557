namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>What a resource path addresses, before it is known whether that exists.</summary>
internal sealed record ApiPath(string Group, string Version, string Namespace, string Resource, string Name, string Subresource)
{
    /// <summary>True for the deprecated `/api/v1/watch/...` paths.</summary>
    public bool IsWatchPath { get; init; }

    /// <summary>Null for paths that address no resource: /version, /api, /apis/apps/v1.</summary>
    public static ApiPath? Parse(string rawPath)
    {
        // Split before decoding: an encoded slash is part of a name, never a separator.
        var parts = rawPath.Trim('/').Split('/').Select(Uri.UnescapeDataString).ToArray();
        var (group, rest) = parts switch
        {
            ["api", _, ..] => ("", parts[1..]),
            ["apis", _, _, ..] => (parts[1], parts[2..]),
            _ => (null, []),
        };
        if (group is null || rest.Length < 2)
        {
            return null;
        }

        var version = rest[0];
        rest = rest[1..];
        var isWatch = rest.Length > 1 && rest[0] == "watch";
        rest = isWatch ? rest[1..] : rest;
        return rest switch
        {
            // `namespaces/x` is the namespace itself, `namespaces/x/pods` what is in it.
            ["namespaces", var ns] => new(group, version, ns, "namespaces", ns, "") { IsWatchPath = isWatch },
            ["namespaces", var ns, "status" or "finalize"] => new(group, version, ns, "namespaces", ns, rest[2]) { IsWatchPath = isWatch },
            ["namespaces", var ns, ..] => Of(group, version, ns, rest[2..], isWatch),
            _ => Of(group, version, "", rest, isWatch),
        };
    }

    private static ApiPath Of(string group, string version, string ns, string[] rest, bool isWatch) => new(
        group, version, ns, rest[0], rest.ElementAtOrDefault(1) ?? "", string.Join('/', rest.Skip(2)))
    { IsWatchPath = isWatch };
}
