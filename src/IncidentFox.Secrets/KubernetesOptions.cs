using IncidentFox.Secrets.Http;
using IncidentFox.Secrets.Kubernetes;

namespace IncidentFox.Secrets;

/// <summary>How Kubernetes Secrets are reached: in the cluster as the pod's service account, elsewhere by a kubeconfig file.</summary>
public sealed class KubernetesOptions
{
    internal const string ServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";

    private const string Section = SecretsOptions.SectionName + ":Kubernetes";

    /// <summary>The API server. Default <c>https://kubernetes.default.svc</c>, its name in every cluster.</summary>
    public string ApiServer { get; init; } = "https://kubernetes.default.svc";

    /// <summary>The service account's token, read anew each time. Default <c>/var/run/secrets/kubernetes.io/serviceaccount/token</c>.</summary>
    public string TokenFile { get; init; } = ServiceAccount + "token";

    /// <summary>PEM file with the cluster's certificate authority. Default <c>/var/run/secrets/kubernetes.io/serviceaccount/ca.crt</c>.</summary>
    public string CaFile { get; init; } = ServiceAccount + "ca.crt";

    /// <summary>A kubeconfig file, instead of the three above. Default none. Plugins (exec, auth-provider) are not run.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Which of the kubeconfig's contexts. Default its current one.</summary>
    public string? Context { get; init; }

    internal void Validate(List<string> errors)
    {
        if (!Uri.TryCreate(ApiServer, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            errors.Add($"{Section}:{nameof(ApiServer)} is not the address of an API server: write it as https://host[:port].");
        }

        if (!Path.IsPathFullyQualified(TokenFile))
        {
            errors.Add($"{Section}:{nameof(TokenFile)} is not an absolute path.");
        }

        if (CaFile != ServiceAccount + "ca.crt")   // outside a cluster the default is not there, and need not be
        {
            Authorities.Validate($"{Section}:{nameof(CaFile)}", CaFile, errors);
        }

        if (Kubeconfig is null)
        {
            if (Context is not null)
            {
                errors.Add($"{Section}:{nameof(Context)} is set without {nameof(Kubeconfig)}: set both, or none of them.");
            }
        }
        else if (KubeconfigFile.Load(Kubeconfig, Context, out var problem) is null)
        {
            errors.Add($"{Section}:{nameof(Kubeconfig)}: {Kubeconfig} {problem}.");
        }
    }
}
