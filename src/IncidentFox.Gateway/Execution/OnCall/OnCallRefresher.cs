using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Core.Policy;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace IncidentFox.Gateway.Execution.OnCall;

/// <summary>
/// Keeps who is on call, for the schedules that policies and open approvals name. What can't be read stays as it was, goes stale, and then says nothing: a
/// schedule that nobody can read has no approvers. Every gateway does this for itself; the last answer stands.
/// </summary>
public sealed class OnCallRefresher(
    OnCallPeople people, OnCallReader reader, PolicySource policies, IntegrationSource integrations, TimeProvider time, ILogger<OnCallRefresher> logger) : BackgroundService
{
    /// <summary>How often each schedule is read.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    // Policies change between the reads: a schedule that is new is read soon.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(15);

    private readonly Dictionary<(OrgId, string), long> _read = [];

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RefreshAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                logger.LogWarning("Who is on call could not be brought up to date ({Reason}); trying again", e.Message);
            }
            await Task.Delay(Look, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One round: every schedule that is named and was not read lately.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var named = new Dictionary<(OrgId Org, string Schedule), HashSet<TeamId>>();
        foreach (var (org, team) in await people.TeamsAsync(cancellationToken))
        {
            if (policies.For(org, team) is { Unreadable: null } policy)
                Add(named, org, team, policy.Json);
        }
        foreach (var (org, team, terms) in await people.OpenTermsAsync(cancellationToken))
            Add(named, org, team, terms);
        foreach (var gone in _read.Keys.Where(k => !named.ContainsKey(k)).ToList())
            _read.Remove(gone);
        foreach (var ((org, schedule), teams) in named)
        {
            if (_read.TryGetValue((org, schedule), out var last) && time.GetElapsedTime(last) < Every)
                continue;
            _read[(org, schedule)] = time.GetTimestamp();
            await RefreshAsync(org, schedule, teams, cancellationToken);
        }
    }

    private async Task RefreshAsync(OrgId org, string schedule, HashSet<TeamId> teams, CancellationToken cancellationToken)
    {
        var parts = schedule.Split('/', 2);
        var catalog = integrations.Current;
        var found = teams.Select(t => catalog.Find(t, parts[0])).Distinct(ReferenceEqualityComparer.Instance).Cast<Integration?>().ToList();
        if (found is not [{ } integration])
        {
            // One name, two services: an id of one must not mean people of the other.
            logger.LogWarning("Nobody is on call by {Schedule} in {Org}: {Reason}", schedule, org, found is [null]
                ? $"there is no integration {parts[0]}" : $"the teams that name it have different integrations of the name {parts[0]}");
            await people.ClearAsync(org, schedule, cancellationToken);
            return;
        }
        var context = new SendContext
        {
            Org = org, Team = teams.OrderBy(t => t.Value, StringComparer.Ordinal).First(), Investigation = default, UserId = "system", CorrelationId = $"oncall-{Guid.CreateVersion7():N}",
        };
        var (emails, problem) = await reader.ReadAsync(integration, parts[1], context, cancellationToken);
        if (emails is null)
        {
            logger.LogWarning("Who is on call by {Schedule} in {Org} could not be read: {Reason}", schedule, org, problem);
            return;
        }
        var known = await people.SetAsync(org, schedule, emails, cancellationToken);
        if (known < emails.Count)
            logger.LogWarning("{Unknown} of {All} people on call by {Schedule} in {Org} are not known by their e-mail address", emails.Count - known, emails.Count, schedule, org);
    }

    private static void Add(Dictionary<(OrgId, string), HashSet<TeamId>> named, OrgId org, TeamId team, string json)
    {
        foreach (var text in Texts(JsonNode.Parse(json)))
        {
            if (!Approver.TryParse(text, out var approver) || approver.Kind != ApproverKind.OnCall)
                continue;
            if (!named.TryGetValue((org, approver.Value), out var teams))
                named[(org, approver.Value)] = teams = [];
            teams.Add(team);
        }
    }

    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject o => o.SelectMany(m => Texts(m.Value)),
        JsonArray a => a.SelectMany(Texts),
        JsonValue v when v.TryGetValue<string>(out var text) => [text],
        _ => [],
    };
}
