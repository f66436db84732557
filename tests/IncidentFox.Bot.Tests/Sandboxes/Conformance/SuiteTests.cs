using System.Net;
using IncidentFox.Bot.Sandboxes;
using IncidentFox.Bot.Sandboxes.Conformance;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;

namespace IncidentFox.Bot.Tests.Sandboxes.Conformance;

/// <summary>What the suite makes of what sandboxes say and do: here they say what a test wants.</summary>
public sealed class SuiteTests
{
    private const string Good = """
        {"act":"reach","tried":24,"told":1,"after_ms":600,"reached":[]}
        {"act":"look","uid":"10001","gid":"10001","capabilities":"0000000000000000","no_new_privileges":true,"files":3,"variables":2,"secret_files":[],"secret_variables":[],"api_token":false}
        {"act":"write","tried":14,"written":["/tmp/incidentfox-check"]}
        {"act":"knock","status":204}
        """;

    [Theory]
    [InlineData("caged", "\"reached\":[]", "\"reached\":[\"10.0.0.1:443\"]", "It reached 10.0.0.1:443.")]
    [InlineData("non-root", "\"uid\":\"10001\"", "\"uid\":\"0\"", "user 0")]
    [InlineData("non-root", "\"gid\":\"10001\"", "\"gid\":\"0\"", "group 0")]
    [InlineData("non-root", "\"capabilities\":\"0000000000000000\"", "\"capabilities\":\"0000000000000400\"", "capabilities 0000000000000400")]
    [InlineData("non-root", "\"capabilities\":\"0000000000000000\"", "\"capabilities\":7", "capabilities")]
    [InlineData("non-root", "\"no_new_privileges\":true", "\"no_new_privileges\":false", "new privileges")]
    [InlineData("read-only", "[\"/tmp/incidentfox-check\"]", "[\"/agent\",\"/tmp/incidentfox-check\"]", "It could write /agent.")]
    [InlineData("read-only", "[\"/tmp/incidentfox-check\"]", "[]", "could not write to /tmp")]
    [InlineData("no secrets", "\"secret_files\":[]", "\"secret_files\":[\"/etc/key.pem\"]", "/etc/key.pem")]
    [InlineData("no secrets", "\"secret_variables\":[]", "\"secret_variables\":[\"SLACK_TOKEN\"]", "variable SLACK_TOKEN")]
    [InlineData("no secrets", "\"api_token\":false", "\"api_token\":true", "token for the Kubernetes API")]
    [InlineData("token bound", "\"status\":204", "\"problem\":\"the gateway could not be reached\"", "could not reach the gateway")]
    public async Task What_an_agent_could_do_fails_the_check_that_it_could_not(string check, string good, string bad, string detail)
    {
        var site = new PlayedSite();
        Assert.Equal(CheckOutcome.Ok, (await RunAsync(site, check)).Outcome);
        site.Look = Good.Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Good, site.Look);
        var result = await RunAsync(site, check);
        Assert.Equal(CheckOutcome.Failed, result.Outcome);
        Assert.Contains(detail, result.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("memory held", SandboxExitKind.OutOfMemory, "", CheckOutcome.Ok)]
    [InlineData("memory held", SandboxExitKind.Crashed, """{"act":"using","mib":176}""", CheckOutcome.Ok)]
    [InlineData("memory held", SandboxExitKind.Crashed, "", CheckOutcome.Failed)]
    [InlineData("memory held", SandboxExitKind.Finished, """{"act":"memory","mib":120,"problem":"refused"}""", CheckOutcome.Ok)]
    [InlineData("memory held", SandboxExitKind.Finished, """{"act":"memory","mib":400,"problem":""}""", CheckOutcome.Failed)]
    [InlineData("pids held", SandboxExitKind.Finished, """{"act":"processes","started":40,"refused":true}""", CheckOutcome.Ok)]
    [InlineData("pids held", SandboxExitKind.Finished, """{"act":"processes","started":400,"refused":false}""", CheckOutcome.Failed)]
    [InlineData("pids held", SandboxExitKind.Crashed, "", CheckOutcome.Failed)]
    [InlineData("disk held", SandboxExitKind.Finished, """{"act":"disk","mib":16,"problem":"IOException"}""", CheckOutcome.Ok)]
    [InlineData("disk held", SandboxExitKind.Finished, """{"act":"disk","mib":60,"problem":"IOException"}""", CheckOutcome.Failed)]
    [InlineData("disk held", SandboxExitKind.TimedOut, """{"act":"disk","mib":64,"problem":""}""", CheckOutcome.Failed)]
    [InlineData("cpu held", SandboxExitKind.Finished, """{"act":"cpu","processors":0.52}""", CheckOutcome.Ok)]
    [InlineData("cpu held", SandboxExitKind.Finished, """{"act":"cpu","processors":1.9}""", CheckOutcome.Failed)]
    [InlineData("cpu held", SandboxExitKind.Crashed, "", CheckOutcome.Failed)]
    [InlineData("deadline kills", SandboxExitKind.TimedOut, "", CheckOutcome.Ok)]
    [InlineData("deadline kills", SandboxExitKind.Finished, "", CheckOutcome.Failed)]
    public async Task A_limit_holds_when_it_was_seen_to(string check, SandboxExitKind kind, string log, CheckOutcome outcome) =>
        Assert.Equal(outcome, (await RunAsync(new PlayedSite { Use = _ => new(kind, 0, log) }, check)).Outcome);

    [Fact]
    public async Task Who_writes_too_much_and_is_put_out_was_held()
    {
        var evicted = new SandboxExit(SandboxExitKind.Crashed, 137, """{"act":"disk","mib":64,"problem":""}""", SandboxFault.Evicted("Usage of EmptyDir volume"));
        Assert.Equal(CheckOutcome.Ok, (await RunAsync(new PlayedSite { Use = _ => evicted }, "disk held")).Outcome);
    }

    [Fact]
    public async Task Where_sandboxes_outlive_the_bot_the_deadline_must_hold_without_its_clock()
    {
        var site = new PlayedSite { OutlivesBot = true };
        Assert.Equal(CheckOutcome.Ok, (await RunAsync(site, "deadline kills")).Outcome);
        site.Use = suspended => new(suspended ? SandboxExitKind.Finished : SandboxExitKind.TimedOut, null, "");
        Assert.Equal(CheckOutcome.Failed, (await RunAsync(site, "deadline kills")).Outcome);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null\n[]\n7\n\"x\"\n{\"act\":7}\n{")]
    [InlineData("{\"act\":\"look\"}\n{\"act\":\"reach\",\"reached\":{}}\n{\"act\":\"write\",\"written\":[7]}\n{\"act\":\"knock\",\"status\":{}}")]
    public async Task Garbage_from_a_sandbox_is_no_proof(string log)
    {
        var site = new PlayedSite { Look = log };
        foreach (var check in (string[])["caged", "non-root", "read-only", "no secrets"])
            Assert.Equal(CheckOutcome.Failed, (await RunAsync(site, check)).Outcome);
    }

    [Fact]
    public async Task What_is_only_played_is_called_simulated_and_a_failure_stays_one()
    {
        var site = new PlayedSite { Simulated = new HashSet<string> { "caged", "non-root", "read-only", "no secrets", "memory held" } };
        Assert.Equal(CheckOutcome.Simulated, (await RunAsync(site, "caged")).Outcome);
        site.Look = Good.Replace("\"10001\"", "\"0\"", StringComparison.Ordinal);
        Assert.Equal(CheckOutcome.Failed, (await RunAsync(site, "non-root")).Outcome);
    }

    [Fact]
    public async Task Without_a_limit_of_processors_it_is_said_that_it_can_not_be_tried() =>
        Assert.Equal(CheckOutcome.NotPossible, (await RunAsync(new PlayedSite { Processors = null }, "cpu held")).Outcome);

    [Fact]
    public async Task What_is_left_is_named()
    {
        var result = await RunAsync(new PlayedSite { Left = ["pod sandbox-1"] }, "nothing left");
        Assert.Equal((CheckOutcome.Failed, "Still there: pod sandbox-1."), (result.Outcome, result.Detail));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_there_is_no_sandbox_to_be_had_nothing_is_called_failed(bool atStart)
    {
        var fault = SandboxFault.Image("not found");
        var site = new PlayedSite { Refused = atStart ? new SandboxStart.Refused("admission_refused", fault.Sentence) : null, Use = _ => new(SandboxExitKind.Crashed, null, "", fault) };
        var failure = await Assert.ThrowsAsync<CannotCheckException>(() => RunAsync(site, "memory held"));
        Assert.Equal(fault.Sentence, failure.Message);
    }

    private static async Task<CheckResult> RunAsync(PlayedSite site, string check)
    {
        await foreach (var result in new ConformanceSuite(site, [check]).RunAsync(TestBot.Ct))
            return result;
        throw new InvalidOperationException($"There is no check {check}.");
    }

    private sealed class PlayedSite : IConformanceSite, ISandboxDriver
    {
        public string Look { get; set; } = Good;

        public Func<bool, SandboxExit> Use { get; set; } = _ => new(SandboxExitKind.TimedOut, null, "");

        public SandboxStart.Refused? Refused { get; init; }

        public bool OutlivesBot { get; init; }

        public IReadOnlySet<string> Simulated { get; init; } = new HashSet<string>();

        public IReadOnlyList<string> Left { get; init; } = [];

        public ISandboxDriver Driver => this;

        public string Name => "played";

        public bool SandboxesOutliveTheBot => OutlivesBot;

        public SandboxLimits Limits { get; } = new(TimeSpan.FromMinutes(1), 96L << 20, 48);

        public double? Processors { get; init; } = 0.5;

        public long ScratchBytes => 16L << 20;

        public TimeSpan ScratchPatience => TimeSpan.Zero;

        public IReadOnlyList<IPEndPoint> OutOfReach => [new(IPAddress.Loopback, 1)];

        public Task<SandboxStart> StartAsync(SandboxSpec spec, CancellationToken ct) => Task.FromResult<SandboxStart>(Refused is not null
            ? Refused
            : new SandboxStart.Started(new Played(spec.Id, suspended => spec.Acts!.Contains("knock") ? new(SandboxExitKind.Finished, 0, Look) : Use(suspended))));

        public Task<IReadOnlyList<SandboxId>> ReapAsync(CancellationToken ct) => Task.FromResult<IReadOnlyList<SandboxId>>([]);

        public Task<IPAddress?> AddressOfAsync(SandboxId sandbox, CancellationToken ct) => Task.FromResult<IPAddress?>(null);

        public Task<string> ProcessLimitAsync(SandboxId sandbox, CancellationToken ct) => Task.FromResult("");

        public Task<Finding> IsKnownAsync(SandboxId sandbox, ActReports reports, CancellationToken ct) => Task.FromResult(Finding.Ok(""));

        public Task<Finding> RefusesStolenAsync(ConformanceRun run, CancellationToken ct) => Task.FromResult(Finding.Ok(""));

        public Task<IReadOnlyList<string>> RemainsAsync(IReadOnlyCollection<SandboxId> sandboxes, CancellationToken ct) => Task.FromResult(Left);
    }

    private sealed class Played(SandboxId id, Func<bool, SandboxExit> end) : ISandbox
    {
        private bool suspended;

        public SandboxId Id => id;

        public Task<SandboxExit> Exited => Task.FromResult(end(suspended));

        public Task StopAsync(CancellationToken ct) => Task.CompletedTask;

        public void SuspendClock() => suspended = true;

        public void ResumeClock() => suspended = false;
    }
}
