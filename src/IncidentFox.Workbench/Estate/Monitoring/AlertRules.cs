namespace IncidentFox.Workbench.Estate.Monitoring;

/// <summary>What the shop's team is woken for.</summary>
internal static class AlertRules
{
    public const string Yaml = """
        groups:
          - name: shop
            rules:
              - alert: HighErrorRate
                expr: >
                  sum by (namespace, service) (rate(http_requests_total{code=~"5.."}[20s]))
                  / sum by (namespace, service) (rate(http_requests_total[20s])) > 0.05
                for: 3s
                labels:
                  severity: page
                annotations:
                  summary: '{{ $labels.service }} answers {{ $value | humanizePercentage }} of its requests with 5xx'
              - alert: HighLatency
                expr: >
                  histogram_quantile(0.95, sum by (namespace, service, le) (rate(http_request_duration_seconds_bucket[20s]))) > 0.5
                for: 5s
                labels:
                  severity: warning
                annotations:
                  summary: '{{ $labels.service }} p95 latency is {{ $value | humanizeDuration }}'
              - alert: PodRestarting
                expr: increase(kube_pod_container_status_restarts_total[2m]) > 0
                labels:
                  severity: warning
                annotations:
                  summary: 'container {{ $labels.container }} of pod {{ $labels.pod }} restarted within the last 2 minutes'
              - alert: PodNotReady
                expr: kube_pod_status_ready{condition="true"} == 0
                for: 5s
                labels:
                  severity: warning
                annotations:
                  summary: 'pod {{ $labels.pod }} is not ready'
              - alert: DeploymentWithoutReadyReplicas
                expr: kube_deployment_status_replicas_ready == 0
                for: 3s
                labels:
                  severity: page
                annotations:
                  summary: 'deployment {{ $labels.deployment }} has no ready pod'
        """ + "\n";
}
