using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using IncidentFox.Secrets.Http;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace IncidentFox.Secrets.Kubernetes;

/// <summary>
/// What is needed of a kubeconfig file to ask one API server: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Whatever
/// would run a program, skip verification, go through a proxy or act as somebody else is refused, never passed over.
/// </summary>
internal sealed record KubeconfigFile(Uri Server, X509Certificate2Collection? Authorities, string? Token, string? TokenFile, X509Certificate2? ClientCertificate)
{
    /// <summary>Where it goes, not with what.</summary>
    public override string ToString() => Server.ToString();

    /// <summary>Null, with a clause that says why and quotes nothing, when it can't be used.</summary>
    public static KubeconfigFile? Load(string path, string? context, out string? problem)
    {
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(File.ReadAllText(path)));
            var root = yaml.Documents is [{ RootNode: YamlMappingNode map }] ? map : throw new Refusal("is not a kubeconfig file");
            var file = Read(root, context, Path.GetDirectoryName(Path.GetFullPath(path))!);
            problem = null;
            return file;
        }
        catch (Refusal e)
        {
            problem = e.Message;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or YamlException or FormatException or CryptographicException or ArgumentException)
        {
            problem = $"can't be read ({e.GetType().Name})";   // a message may quote the file
        }

        return null;
    }

    private static KubeconfigFile Read(YamlMappingNode root, string? context, string folder)
    {
        var name = context ?? Text(root, "current-context") ?? throw new Refusal("names no current-context: set Context");
        var chosen = Named(root, "contexts", name, "context");
        var cluster = Named(root, "clusters", Text(chosen, "cluster") ?? "", "cluster");
        var user = Named(root, "users", Text(chosen, "user") ?? "", "user");
        foreach (var (map, key) in ((YamlMappingNode, string)[])[
            (user, "exec"), (user, "auth-provider"), (user, "username"), (user, "password"), (user, "as"), (user, "as-uid"), (user, "as-groups"), (user, "as-user-extra"),
            (cluster, "proxy-url"), (cluster, "tls-server-name")])
        {
            if (map.Children.ContainsKey(new YamlScalarNode(key)))
            {
                throw new Refusal($"uses '{key}', which is refused here: use a token or a client certificate, and the server's own name");
            }
        }

        if (Text(cluster, "insecure-skip-tls-verify") is not (null or "false"))
        {
            throw new Refusal("sets insecure-skip-tls-verify, which is refused: name the cluster's certificate-authority");
        }

        if (!Uri.TryCreate(Text(cluster, "server"), UriKind.Absolute, out var server) || server.Scheme != Uri.UriSchemeHttps || server.UserInfo.Length > 0 || server.Query.Length > 0)
        {
            throw new Refusal("names a server that is not https://");
        }

        var ca = Pem(cluster, "certificate-authority", folder);
        var authorities = ca is null ? null : Http.Authorities.Parse(ca, out var problem) ?? throw new Refusal($"names a certificate-authority that {problem}");
        var (certificate, key2) = (Pem(user, "client-certificate", folder), Pem(user, "client-key", folder));
        var (token, tokenFile) = (Text(user, "token"), Text(user, "tokenFile"));
        if ((certificate is null) != (key2 is null) || (certificate ?? token ?? tokenFile) is null)
        {
            throw new Refusal("has a user with neither a token nor a client certificate with its key");
        }

        return new(server, authorities, token, tokenFile is null ? null : Path.Combine(folder, tokenFile), certificate is null ? null : X509Certificate2.CreateFromPem(certificate, key2));
    }

    // key-data holds base64 and wins over key, which names a file.
    private static string? Pem(YamlMappingNode map, string key, string folder) =>
        Text(map, key + "-data") is { } data ? Encoding.UTF8.GetString(Convert.FromBase64String(data))
        : Text(map, key) is { } file ? File.ReadAllText(Path.Combine(folder, file))
        : null;

    private static YamlMappingNode Named(YamlMappingNode root, string list, string name, string member)
    {
        var entry = root.Children.TryGetValue(new YamlScalarNode(list), out var node) && node is YamlSequenceNode entries
            ? entries.OfType<YamlMappingNode>().FirstOrDefault(e => Text(e, "name") == name)
            : null;
        return entry is not null && entry.Children.TryGetValue(new YamlScalarNode(member), out var found) && found is YamlMappingNode map
            ? map
            : throw new Refusal($"lacks the {member} that its context needs");
    }

    private static string? Text(YamlMappingNode map, string key) =>
        map.Children.TryGetValue(new YamlScalarNode(key), out var node) && node is YamlScalarNode { Value.Length: > 0 } scalar ? scalar.Value : null;

    private sealed class Refusal(string message) : Exception(message);
}
