using IncidentFox.Workbench.Estate.Faults;

namespace IncidentFox.Workbench.Estate;

public sealed record DemoEstateOptions
{
    /// <summary>Where the logs of Prometheus and Alertmanager go; empty for nowhere. What they measure is not kept over a restart.</summary>
    public string WorkDirectory { get; init; } = "";

    /// <summary>One of <see cref="DemoFaults"/>: a name, `random` or `none`.</summary>
    public string Fault { get; init; } = DemoFaults.Random;

    /// <summary>How long the shop is healthy before the fault appears: what is measured then shows a change.</summary>
    public TimeSpan HealthyFor { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>0 for any free port; so for the others.</summary>
    public int KubernetesPort { get; init; }

    public int PrometheusPort { get; init; }

    public int AlertmanagerPort { get; init; }

    public int ShopPort { get; init; }

    /// <summary>False leaves Prometheus and Alertmanager out: tests of the cluster alone do not need them.</summary>
    public bool Monitoring { get; init; } = true;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
