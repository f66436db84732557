using IncidentFox.Core.Tools;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.Rules.Reload;

/// <summary>Writes into the database which tools the integrations in force define, for the people who make policies.</summary>
internal sealed class ToolPublisher(IntegrationSource source, ToolDirectory directory, TimeProvider time, ILogger<ToolPublisher> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private IntegrationCatalog? _published;

    /// <summary>What a catalog defines, one entry for each team that has an integration of its own, and one for what every team has.</summary>
    internal static IReadOnlyList<ListedTool> Of(IntegrationCatalog catalog) =>
        [.. catalog.All.SelectMany(i => i.Rules.Select(r => new ListedTool(i.Team, i.Name, r.Tool, r.Effect, r.Description, IntegrationCatalog.HasCredential(i, r)) { OtherNames = r.OtherNames }))];

    internal async Task PublishAsync(CancellationToken cancellationToken)
    {
        var current = source.Current;
        if (ReferenceEquals(current, _published))
            return;
        try
        {
            await directory.PublishAsync(Of(current), cancellationToken);
            _published = current;
        }
        catch (Exception e) when (e is Npgsql.NpgsqlException or TimeoutException)
        {
            logger.LogWarning("The list of tools could not be written for people to read ({Reason}); trying again", e.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await PublishAsync(stoppingToken);
                await Task.Delay(Every, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process ends.
        }
    }
}
