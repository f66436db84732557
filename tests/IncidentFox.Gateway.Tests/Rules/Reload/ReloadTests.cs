using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Reload;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules.Reload;

public sealed class ReloadTests(TestPostgres postgres) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ifx-reload");
    private readonly Lines _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_changed_file_is_in_force_as_a_whole_and_audited_and_what_was_taken_before_stays_as_it_was()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (source, reload) = Start(database);
        var before = source.Current;
        Assert.Equal(ReloadOutcome.Unchanged, await reload.CheckAsync(Ct));

        Write("p.yaml", Sample.Prometheus);
        Write("k.yaml", Sample.Kubernetes.Replace(":6443", ":7443", StringComparison.Ordinal));
        Assert.Equal(ReloadOutcome.Replaced, await reload.CheckAsync(Ct));

        Assert.Equal(["kubernetes"], before.All.Select(i => i.Name));
        Assert.Equal(6443, before.All[0].BaseUrl.Port);
        Assert.Equal([7443, 9090], source.Current.All.Select(i => i.BaseUrl.Port));
        var row = Assert.Single(await AuditAsync(database));
        Assert.Equal(("system", "success"), (row.UserId, row.Status));
        Assert.Equal((before.Digest, source.Current.Digest), ((string)row.Details!["old_value"]!, (string)row.Details["new_value"]!));
        Assert.Equal(("""["prometheus"]""", """["kubernetes"]""", "[]"),
            (row.Details["added"]!.ToJsonString(), row.Details["changed"]!.ToJsonString(), row.Details["removed"]!.ToJsonString()));
        Assert.Equal(ReloadOutcome.Unchanged, await reload.CheckAsync(Ct));
        Assert.Single(await AuditAsync(database));
    }

    [Fact]
    public async Task A_wrong_set_keeps_the_old_one_and_every_error_is_named_once_with_file_and_line()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (source, reload) = Start(database);
        var before = source.Current;
        Write("p.yaml", Sample.Prometheus);   // right, but not without the others
        Write("bad.yaml", "integration: Bad!\nwhat: 1\nauth: {scheme: bearer, read: hunter2-is-my-password}\n");

        Assert.Equal(ReloadOutcome.Refused, await reload.CheckAsync(Ct));

        Assert.Same(before, source.Current);
        Assert.Contains(_log.All, l => l.Contains("bad.yaml:1: integration", StringComparison.Ordinal));
        Assert.Contains(_log.All, l => l.Contains("bad.yaml:2:", StringComparison.Ordinal));
        Assert.Contains(_log.All, l => l.Contains("bad.yaml:3: auth.read", StringComparison.Ordinal));
        var row = Assert.Single(await AuditAsync(database));
        Assert.Equal("error", row.Status);
        Assert.Contains("bad.yaml:2:", row.Details!["errors"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", row.Details.ToJsonString() + string.Concat(_log.All), StringComparison.Ordinal);
        var said = _log.All.Count;
        Assert.Equal(ReloadOutcome.Unchanged, await reload.CheckAsync(Ct));
        Assert.Equal(said, _log.All.Count);

        File.Delete(Path.Combine(_folder.FullName, "bad.yaml"));
        Assert.Equal(ReloadOutcome.Replaced, await reload.CheckAsync(Ct));
        Assert.Equal(2, source.Current.All.Count);
    }

    [Fact]
    public async Task A_folder_that_is_gone_keeps_the_old_set()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (source, reload) = Start(database);
        var before = source.Current;
        _folder.Delete(recursive: true);
        Assert.Equal(ReloadOutcome.Refused, await reload.CheckAsync(Ct));
        Assert.Same(before, source.Current);
        _folder.Create();
        Write("k.yaml", Sample.Kubernetes);
        Assert.Equal(ReloadOutcome.Unchanged, await reload.CheckAsync(Ct));
    }

    [Fact]
    public async Task Without_an_audit_row_nothing_changes_and_it_is_tried_again()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (source, reload) = Start(database);
        var before = source.Current;
        Write("p.yaml", Sample.Prometheus);
        await database.ExecuteAsync("alter table app.audit_events rename to audit_events_away");
        Assert.Equal(ReloadOutcome.NotAudited, await reload.CheckAsync(Ct));
        Assert.Same(before, source.Current);
        await database.ExecuteAsync("alter table app.audit_events_away rename to audit_events");
        Assert.Equal(ReloadOutcome.Replaced, await reload.CheckAsync(Ct));
    }

    [Fact]
    public async Task Many_looks_at_once_change_it_once()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (_, reload) = Start(database);
        Write("p.yaml", Sample.Prometheus);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => reload.CheckAsync(Ct))));
        Assert.Single(outcomes, ReloadOutcome.Replaced);
        Assert.Single(await AuditAsync(database));
    }

    [Fact]
    public async Task The_watcher_notices_a_new_file_by_itself()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var (source, reload) = Start(database);
        using var watcher = new IntegrationWatcher(Options(), reload, TimeProvider.System, new Recorder<IntegrationWatcher>(_log));
        await watcher.StartAsync(Ct);
        Write("p.yaml", Sample.Prometheus);
        while (source.Current.All.Count == 1)
            await Task.Delay(50, Ct);
        await watcher.StopAsync(Ct);
        Assert.Equal(["kubernetes", "prometheus"], source.Current.All.Select(i => i.Name));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private (IntegrationSource Source, IntegrationReload Reload) Start(TestDatabase database)
    {
        Write("k.yaml", Sample.Kubernetes);
        var source = new IntegrationSource(IntegrationLoader.Load([_folder.FullName]).Catalog!);
        return (source, new IntegrationReload(Options(), source, new AuditLog(database.Gateway, database.SharedCipher), new Recorder<IntegrationReload>(_log)));
    }

    private GatewayOptions Options() => new() { IntegrationsPaths = [_folder.FullName] };

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder.FullName, name), text);

    private static async Task<IReadOnlyList<AuditEvent>> AuditAsync(TestDatabase database) =>
        await new AuditReader(database.Owner, database.SharedCipher).LastAsync(100, new AuditFilter { EventType = AuditEventTypes.ConfigurationChanged }, Ct);

    private sealed class Lines
    {
        public List<string> All { get; } = [];
    }

    private sealed class Recorder<T>(Lines lines) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines.All)
                lines.All.Add(formatter(state, exception));
        }
    }
}
