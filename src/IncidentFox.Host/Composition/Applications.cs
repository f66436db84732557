using Serilog;

namespace IncidentFox.Host.Composition;

/// <summary>What both applications have alike.</summary>
internal static class Applications
{
    /// <summary>An application without defaults from files or environment: everything comes from the checked settings.</summary>
    public static WebApplicationBuilder Create(Serilog.ILogger logger)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Services.AddSerilog(logger, dispose: false);
        builder.Services.Configure<HostOptions>(o =>
        {
            o.ShutdownTimeout = TimeSpan.FromSeconds(5);
            o.ServicesStopConcurrently = true;
        });
        // Ctrl+C and SIGTERM are the process's business, not each application's.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        return builder;
    }

    /// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: 200 and <c>ok</c>, or 503 and why not.</summary>
    public static void MapHealth(WebApplication app, Readiness readiness)
    {
        app.MapGet("/health/live", () => Results.Text("ok"));
        app.MapGet("/health/ready", async (CancellationToken ct) =>
            await readiness.ProblemAsync(ct) is { } problem ? Results.Text(problem, statusCode: StatusCodes.Status503ServiceUnavailable) : Results.Text("ok"));
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
