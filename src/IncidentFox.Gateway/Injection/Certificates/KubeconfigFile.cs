using System.Text;
using IncidentFox.Gateway.Rules.Files;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace IncidentFox.Gateway.Injection.Certificates;

/// <summary>What a kubeconfig file gives for one context, or why it can't be used.</summary>
internal sealed record KubeAccess
{
    public Uri? Server { get; init; }
    public string? Token { get; init; }
    public TlsIdentity? Tls { get; init; }
    public IReadOnlyList<string> Secrets { get; init; } = [];
    public string? Problem { get; init; }

    public override string ToString() => Problem ?? "[redacted]";
}

/// <summary>
/// Reads a kubeconfig file (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). Its values are secrets: problems name keys, never values.
/// </summary>
internal sealed class KubeconfigFile
{
    private static readonly Dictionary<string, string> NotForClusters = new(StringComparer.Ordinal)
    {
        ["insecure-skip-tls-verify"] = "it skips the check of who answers; put the cluster's authority into certificate-authority-data",
        ["certificate-authority"] = "it names a file; put the certificate itself into certificate-authority-data, or name the file as ca_file of the integration",
        ["proxy-url"] = "the gateway connects by itself",
        ["tls-server-name"] = "the certificate must be for the server's own name",
    };

    private static readonly Dictionary<string, string> NotForUsers = new(StringComparer.Ordinal)
    {
        ["exec"] = "it runs a program; use a service account's token, a client certificate, or the scheme of the cloud in question",
        ["auth-provider"] = "it needs a plugin; use a service account's token or a client certificate",
        ["tokenFile"] = "it names a file; put the token itself into the kubeconfig",
        ["client-certificate"] = "it names a file; put the certificate itself into client-certificate-data",
        ["client-key"] = "it names a file; put the key itself into client-key-data",
        ["username"] = "basic authentication is gone from Kubernetes; use a token",
        ["password"] = "basic authentication is gone from Kubernetes; use a token",
        ["as"] = "impersonation is not supported; use a credential of its own",
        ["as-uid"] = "impersonation is not supported; use a credential of its own",
        ["as-groups"] = "impersonation is not supported; use a credential of its own",
        ["as-user-extra"] = "impersonation is not supported; use a credential of its own",
    };

    private static readonly string[] ForClusters = ["server", "certificate-authority-data", "extensions", "disable-compression"];
    private static readonly string[] ForUsers = ["token", "client-certificate-data", "client-key-data", "extensions"];

    public static KubeAccess Read(string text, string? contextName, DateTimeOffset now)
    {
        try
        {
            return Read(Root(text), contextName, now);
        }
        catch (KubeconfigException e)
        {
            return new() { Problem = e.Message };
        }
    }

    private static KubeAccess Read(YamlMappingNode root, string? contextName, DateTimeOffset now)
    {
        contextName ??= Text(root, "current-context", "it");
        if (string.IsNullOrEmpty(contextName))
            throw new KubeconfigException("The kubeconfig has no current-context: name one as context of the integration.");
        var context = Named(root, "contexts", "context", contextName);
        var cluster = Named(root, "clusters", "cluster", Text(context, "cluster", "its context") ?? "");
        var user = Named(root, "users", "user", Text(context, "user", "its context") ?? "");
        Check(cluster, "cluster", ForClusters, NotForClusters);
        Check(user, "user", ForUsers, NotForUsers);
        if (!Uri.TryCreate(Text(cluster, "server", "its cluster"), UriKind.Absolute, out var server) || server.UserInfo.Length > 0)
            throw new KubeconfigException("The kubeconfig's cluster has no server that is an address.");
        var token = Text(user, "token", "its user");
        var (tls, key) = Tls(cluster, user, now);
        if (token is null && key is null)
            throw new KubeconfigException("The kubeconfig's user has neither a token nor a client certificate (client-certificate-data and client-key-data).");
        var encoded = Text(user, "client-key-data", "its user");
        return new() { Server = server, Token = token, Tls = tls, Secrets = [.. new[] { token, key, encoded }.OfType<string>()] };
    }

    private static (TlsIdentity? Tls, string? PrivateKey) Tls(YamlMappingNode cluster, YamlMappingNode user, DateTimeOffset now)
    {
        var (certificate, key) = (Decoded(user, "client-certificate-data"), Decoded(user, "client-key-data"));
        if (certificate is null != key is null)
            throw new KubeconfigException("The kubeconfig's user has one of client-certificate-data and client-key-data: both are needed.");
        var (authorities, authoritiesKey) = Decoded(cluster, "certificate-authority-data") is { } pem ? Pem.Authorities(pem) : (null, "");
        if (authorities is null && Text(cluster, "certificate-authority-data", "its cluster") is not null)
            throw new KubeconfigException("The kubeconfig's certificate-authority-data is no certificate in PEM.");
        if (certificate is null)
            return (authorities is null ? null : new TlsIdentity(authoritiesKey, null, authorities), null);
        var (own, ownKey, problem) = Pem.Client(certificate, key!, now);
        return problem is null ? (new TlsIdentity($"{ownKey} {authoritiesKey}", own, authorities), key!.Trim()) : throw new KubeconfigException(problem);
    }

    private static YamlMappingNode Root(string text)
    {
        var problems = new Problems("kubeconfig");
        try
        {
            // One document, no aliases (a bomb of a few lines), anchors or tags, bounded size and depth.
            if (text.Length <= YamlFile.MaxLength && YamlFile.IsPlain(text, problems))
            {
                var stream = new YamlStream();
                stream.Load(new StringReader(text));
                if (stream.Documents is [{ RootNode: YamlMappingNode root }])
                    return root;
            }
        }
        catch (Exception e) when (e is YamlException or InvalidOperationException or ArgumentException or FormatException)
        {
            // The parser's words may quote what it read.
        }
        throw new KubeconfigException("The kubeconfig is no plain YAML of one mapping (without aliases, anchors and tags), or is too long.");
    }

    private static YamlMappingNode Named(YamlMappingNode root, string list, string key, string name)
    {
        var found = (Find(root, list) as YamlSequenceNode)?.Children.OfType<YamlMappingNode>().Where(n => n.Children.Count <= 10 && Text(n, "name", "one of its " + list) == name).ToList() ?? [];
        return found is [{ } one] && Find(one, key) is YamlMappingNode map
            ? map
            : throw new KubeconfigException($"The kubeconfig has no {key}, or more than one, of the name that is asked for (under {list}).");
    }

    private static void Check(YamlMappingNode map, string what, string[] known, Dictionary<string, string> refused)
    {
        foreach (var (node, value) in map.Children)
        {
            var key = (node as YamlScalarNode)?.Value ?? "";
            // Said to be off is as good as not said.
            if (refused.TryGetValue(key, out var reason) && value is not YamlScalarNode { Style: ScalarStyle.Plain, Value: "false" or "null" or "" })
                throw new KubeconfigException($"The kubeconfig's {what} has {key}, which is refused: {reason}.");
            if (!refused.ContainsKey(key) && !known.Contains(key, StringComparer.Ordinal))
                throw new KubeconfigException($"The kubeconfig's {what} has a key that is not known: known are {string.Join(", ", known)}.");
        }
    }

    private static string? Decoded(YamlMappingNode map, string key)
    {
        if (Text(map, key, "it") is not { } text)
            return null;
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? Encoding.Latin1.GetString(bytes, 0, length)
            : throw new KubeconfigException($"The kubeconfig's {key} is no base64.");
    }

    private static string? Text(YamlMappingNode map, string key, string where) => Find(map, key) switch
    {
        null => null,
        YamlScalarNode { Value: { Length: > 0 } text } => text,
        YamlScalarNode => null,
        _ => throw new KubeconfigException($"The kubeconfig's {key} in {where} is no text."),
    };

    private static YamlNode? Find(YamlMappingNode map, string key) => map.Children.FirstOrDefault(p => p.Key is YamlScalarNode k && k.Value == key).Value;

    private sealed class KubeconfigException(string message) : Exception(message);
}
