using System.Diagnostics;
using System.Net;
using IncidentFox.Host.Composition;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog;

namespace IncidentFox.Host.Tests.Configuration;

public sealed class LogsTests
{
    [Theory]
    [InlineData("Verbose")]
    [InlineData("Information")]
    public async Task A_request_makes_no_activity_and_begins_no_scope_of_log_lines_with_the_path_that_was_asked_for(string level)
    {
        var logger = Logs.Create(new ConfigurationBuilder().AddInMemoryCollection([new("Logging:Level", level)]).Build());
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSerilog(logger, dispose: false);
        await using var app = builder.Build();
        var activity = new TaskCompletionSource<Activity?>();
        app.Run(http =>
        {
            activity.SetResult(Activity.Current);
            return http.Response.WriteAsync("ok");
        });
        await app.StartAsync(TestContext.Current.CancellationToken);

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
        await http.GetAsync(new Uri(app.Urls.Single() + "/chosen-by-an-agent"), TestContext.Current.CancellationToken);

        Assert.Null(await activity.Task);
        // The host begins its scope only where it could log.
        Assert.False(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics").IsEnabled(LogLevel.Critical));
        Assert.True(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Microsoft.AspNetCore.Server.Kestrel").IsEnabled(LogLevel.Warning));
    }
}
