using k8s;
using k8s.Exceptions;

namespace IncidentFox.Bot.Sandboxes.Kubernetes;

/// <summary>The way to the cluster: this pod's service account, or a kubeconfig with a token or a client certificate. Nothing that runs a program.</summary>
internal static class ClusterAccess
{
    /// <exception cref="InvalidOperationException">What is wrong with it and what to do.</exception>
    public static IKubernetes Open(KubernetesSandboxOptions options)
    {
        try
        {
            var configuration = options.Kubeconfig.Length == 0 ? KubernetesClientConfiguration.InClusterConfig() : FromFile(options.Kubeconfig);
            return new k8s.Kubernetes(configuration);
        }
        catch (KubeConfigException failure)
        {
            throw new InvalidOperationException(
                $"{KubernetesSandboxOptions.SectionName}:Kubeconfig: {failure.Message} Name a kubeconfig file, or run in a pod with a service account.", failure);
        }
    }

    private static KubernetesClientConfiguration FromFile(string path)
    {
        var file = KubernetesClientConfiguration.LoadKubeConfig(new FileInfo(path));
        foreach (var user in file.Users ?? [])
        {
            if (user.UserCredentials is { } credentials && (credentials.ExternalExecution is not null || credentials.AuthProvider is not null))
            {
                throw new InvalidOperationException(
                    $"{KubernetesSandboxOptions.SectionName}:Kubeconfig: user '{user.Name}' in {path} gets its credential by running a program (exec, auth-provider), which is refused. Use a token or a client certificate.");
            }
        }

        if ((file.Clusters ?? []).Any(c => c.ClusterEndpoint?.SkipTlsVerify is true))
        {
            throw new InvalidOperationException(
                $"{KubernetesSandboxOptions.SectionName}:Kubeconfig: {path} says insecure-skip-tls-verify, which is refused. Give certificate-authority-data.");
        }

        return KubernetesClientConfiguration.BuildConfigFromConfigObject(file);
    }
}
