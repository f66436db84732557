using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Tests.Estate;

/// <summary>The manifest of the recorded sandbox pod.</summary>
internal static class SandboxPod
{
    public const string Audience = "incidentfox-gateway";

    public static JsonObject Named(string name, Action<JsonObject>? change = null)
    {
        var pod = (JsonObject)JsonNode.Parse(
            """
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": "NAME", "labels": {"app.kubernetes.io/name": "incidentfox-sandbox"}},
             "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2,
              "containers": [{"name": "agent", "image": "registry.example/debian:12", "command": ["bash", "-c", "sleep 4"],
               "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}},
               "resources": {"requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "16Mi"}, "limits": {"cpu": "500m", "memory": "128Mi", "ephemeral-storage": "64Mi"}},
               "volumeMounts": [{"name": "identity", "mountPath": "/var/run/incidentfox", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}]}],
              "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 10001},
              "runtimeClassName": "gvisor", "automountServiceAccountToken": false, "enableServiceLinks": false, "hostNetwork": false,
              "volumes": [{"name": "identity", "projected": {"defaultMode": 288, "sources": [{"serviceAccountToken": {"path": "token", "audience": "incidentfox-gateway", "expirationSeconds": 600}}]}},
               {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
              "activeDeadlineSeconds": 120}}
            """)!;
        pod["metadata"]!["name"] = name;
        change?.Invoke(pod);
        return pod;
    }
}
