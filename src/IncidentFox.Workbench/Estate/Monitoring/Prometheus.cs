namespace IncidentFox.Workbench.Estate.Monitoring;

/// <summary>How the estate's Prometheus is set up: it scrapes and judges every second, and tells Alertmanager.</summary>
internal static class Prometheus
{
    public static Task<MonitoringServer> StartAsync(
        BasicCredential credential, Uri shop, Uri alertmanager, BasicCredential alertmanagerCredential, int port, string logFolder,
        CancellationToken cancellationToken) =>
        MonitoringServer.StartAsync(
            "prometheus",
            "prometheus",
            (folder, chosen) =>
            {
                folder.Write("rules.yml", AlertRules.Yaml);
                var web = folder.Write("web.yml", credential.WebConfig());
                var config = folder.Write("prometheus.yml", Config(shop, alertmanager, alertmanagerCredential));
                return
                [
                    $"--config.file={config}", $"--web.config.file={web}", $"--web.listen-address=127.0.0.1:{chosen}",
                    $"--storage.tsdb.path={folder.Data}", "--storage.tsdb.retention.time=6h", "--log.level=warn",
                    "--query.lookback-delta=15s", // scraped every second: what is 15 s old is gone
                ];
            },
            port,
            logFolder,
            credential,
            cancellationToken);

    private static string Config(Uri shop, Uri alertmanager, BasicCredential credential) => $"""
        global:
          scrape_interval: 1s
          scrape_timeout: 1s
          evaluation_interval: 1s
          external_labels:
            cluster: demo
        rule_files:
          - rules.yml
        alerting:
          alertmanagers:
            - basic_auth:
                username: {credential.User}
                password: {credential.Password}
              static_configs:
                - targets: ['{alertmanager.Authority}']
        scrape_configs:
          - job_name: shop
            http_sd_configs:
              - url: {new Uri(shop, "/metrics/targets")}
                refresh_interval: 1s
          - job_name: cluster
            honor_labels: true
            metrics_path: /metrics/cluster
            static_configs:
              - targets: ['{shop.Authority}']
        """ + "\n";
}
