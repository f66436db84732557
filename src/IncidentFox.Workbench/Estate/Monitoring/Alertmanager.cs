namespace IncidentFox.Workbench.Estate.Monitoring;

/// <summary>How the estate's Alertmanager is set up: it holds the alerts for whoever asks, and notifies nobody.</summary>
internal static class Alertmanager
{
    private const string Config = """
        route:
          receiver: nobody
          group_by: [alertname, service]
          group_wait: 1s
          group_interval: 5s
        receivers:
          - name: nobody
        """ + "\n";

    public static Task<MonitoringServer> StartAsync(BasicCredential credential, int port, string logFolder, CancellationToken cancellationToken) =>
        MonitoringServer.StartAsync(
            "prometheus-alertmanager",
            "prometheus-alertmanager",
            (folder, chosen) =>
            [
                $"--config.file={folder.Write("alertmanager.yml", Config)}", $"--web.config.file={folder.Write("web.yml", credential.WebConfig())}",
                $"--web.listen-address=127.0.0.1:{chosen}", $"--storage.path={folder.Data}",
                "--cluster.listen-address=", // alone: no gossip port
                "--log.level=warn",
            ],
            port,
            logFolder,
            credential,
            cancellationToken);
}
