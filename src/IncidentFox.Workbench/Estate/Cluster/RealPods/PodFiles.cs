using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Kubernetes;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Workbench.Estate.Cluster.RealPods;

/// <summary>What a pod finds in its projected volumes, kept as fresh as a kubelet keeps it. Everything is its user's, and nobody else's.</summary>
internal sealed class PodFiles(KubernetesCluster cluster, TimeProvider clock, JsonObject pod, string folder, uint user)
{
    private const double RotateAfter = 0.8;
    private readonly Dictionary<string, (string Content, DateTimeOffset Due)> _written = new(StringComparer.Ordinal);

    public string FolderOf(string volume) => Path.Combine(folder, volume);

    /// <summary>The first ConfigMap that a pod wants and that is not there.</summary>
    public static (string Volume, string ConfigMap)? Missing(KubernetesCluster cluster, JsonObject pod) =>
        pod.Objects("spec", "volumes").SelectMany(v => v.Objects("projected", "sources").Select(s => (Volume: v.Text("name") ?? "", ConfigMap: s.Text("configMap", "name"))))
            .Where(s => s.ConfigMap is not null && cluster.Find("ConfigMap", pod.Namespace(), s.ConfigMap) is null)
            .Select(s => ((string, string)?)(s.Volume, s.ConfigMap!)).FirstOrDefault();

    /// <summary>Writes what is new: tokens at four fifths of their life, ConfigMaps when they have changed.</summary>
    public void Refresh()
    {
        foreach (var volume in pod.Objects("spec", "volumes").Where(v => v["projected"] is not null))
        {
            var name = volume.Text("name") ?? "";
            if (Directory.CreateDirectory(FolderOf(name)) is { } made)
            {
                SystemAccount.Own(made.FullName, user);
            }

            foreach (var source in volume.Objects("projected", "sources"))
            {
                if (source["serviceAccountToken"] is JsonObject token)
                {
                    RefreshToken(name, token);
                }

                foreach (var item in source.Objects("configMap", "items"))
                {
                    if (cluster.Find("ConfigMap", pod.Namespace(), source.Text("configMap", "name") ?? "").At("data").Text(item.Text("key") ?? "") is { } content)
                    {
                        Write(name, item.Text("path") ?? "", content, DateTimeOffset.MaxValue);
                    }
                }
            }
        }
    }

    private void RefreshToken(string volume, JsonObject token)
    {
        var (path, now) = (token.Text("path") ?? "token", clock.GetUtcNow());
        if ((!_written.TryGetValue($"{volume}/{path}", out var last) || now >= last.Due)
            && cluster.PodToken(pod.Namespace(), pod.Name(), token.Text("audience") ?? "") is { } content)
        {
            Write(volume, path, content, now + (TimeSpan.FromSeconds(token.Number("expirationSeconds") ?? 3600) * RotateAfter));
        }
    }

    // Never half a file: written beside it, then put in its place.
    private void Write(string volume, string path, string content, DateTimeOffset due)
    {
        if (path.Contains('/') || (_written.TryGetValue($"{volume}/{path}", out var last) && last.Content == content))
        {
            return;
        }

        var (file, next) = (Path.Combine(FolderOf(volume), path), Path.Combine(folder, ".next"));
        File.WriteAllText(next, content, new UTF8Encoding(false));
        File.SetUnixFileMode(next, UnixFileMode.UserRead);
        SystemAccount.Own(next, user);
        File.Move(next, file, overwrite: true);
        _written[$"{volume}/{path}"] = (content, due);
    }
}
