using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace IncidentFox.Host.Composition;

/// <summary>Logs go to standard output: one JSON object a line, or plain lines for people (<c>Logging:Format: text</c>).</summary>
public static class Logs
{
    /// <summary>The logger that both applications of a process share.</summary>
    public static Serilog.ILogger Create(IConfiguration configuration)
    {
        var level = Enum.TryParse<LogEventLevel>(configuration["Logging:Level"], ignoreCase: true, out var parsed) ? parsed : LogEventLevel.Information;
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            // Says nothing at these levels, but would put the path that an agent chose into every line, and make an activity for each request.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
            .MinimumLevel.Override("Hangfire", LogEventLevel.Warning)
            .MinimumLevel.Override("Azure", LogEventLevel.Warning)
            .Enrich.FromLogContext();
        return (string.Equals(configuration["Logging:Format"], "text", StringComparison.OrdinalIgnoreCase)
            ? logger.WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss.fff} {Level:u3} {SourceContext} {Message:lj}{NewLine}{Exception}")
            : logger.WriteTo.Console(new CompactJsonFormatter())).CreateLogger();
    }
}
