namespace IncidentFox.Host.Composition;

/// <summary>The gateway's health, on an address of its own: an application that has nothing else, so nothing else can be reached through it.</summary>
public static class HealthApp
{
    /// <summary>Builds it.</summary>
    /// <param name="url">Where it listens.</param>
    /// <param name="readiness">Whether this process is ready.</param>
    /// <param name="logger">Where logs go.</param>
    public static WebApplication Build(Uri url, Readiness readiness, Serilog.ILogger logger)
    {
        var builder = Applications.Create(logger);
        builder.WebHost.UseUrls(url.AbsoluteUri);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
        });
        var app = builder.Build();
        Applications.MapHealth(app, readiness);
        return app;
    }
}
