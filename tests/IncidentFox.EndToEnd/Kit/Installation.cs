using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>The whole product at work: its own process, a real PostgreSQL, Prometheus and sandboxes; Slack and Kubernetes as doubles at the network's edge.</summary>
public abstract class Installation : IAsyncLifetime
{
    public const string Question = "checkout is returning 5xx";
    private WorkbenchStack? _stack;
    private Ledger? _ledger;

    public WorkbenchStack Stack => _stack!;

    public SlackDouble Slack => Stack.Slack!;

    public WorkspaceSession People => new(Slack);

    /// <summary>The database as its owner sees it.</summary>
    public Ledger Ledger => _ledger!;

    /// <summary>How often the cluster was really changed.</summary>
    public int Changes => Stack.Estate.Changes.PodsDeleted + Stack.Estate.Changes.Scales + Stack.Estate.Changes.OtherChanges;

    /// <summary>Where sandboxes have their sockets.</summary>
    public string RuntimeDirectory => (string)JsonNode.Parse(File.ReadAllText(Stack.Files.ConfigFile))!["Gateway"]!["RuntimeDirectory"]!;

    protected abstract StackOptions Options(StackOptions options);

    public async ValueTask InitializeAsync()
    {
        _stack = await WorkbenchStack.StartAsync(Options(new StackOptions
        {
            DataDirectory = Directory.CreateTempSubdirectory("incidentfox-e2e-").FullName,
            Ephemeral = true,
            SlackPort = 0,
            Fault = DemoFaults.None,
            // How fast the product answers is measured in benchmarks: a machine that stalls for a moment fails no test.
            SlackLimits = new SlackLimits { DeliveryTimeout = TimeSpan.FromSeconds(15), TriggerLifetime = TimeSpan.FromSeconds(15) },
        }), TestContext.Current.CancellationToken);
        _ledger = new Ledger(_stack.Database.OwnerConnectionString);
    }

    /// <summary>Breaks the shop, and waits until it shows. Once only: what an earlier fault left in rates and alerts would be taken for this one's.</summary>
    public async Task<FaultTruth> BreakAsync(string fault)
    {
        Assert.Null(Stack.Estate.FaultTruth);
        await Stack.Estate.SeedAsync(fault);
        await Stack.Estate.WaitForSymptomAsync(TestContext.Current.CancellationToken);
        return Stack.Estate.FaultTruth!;
    }

    /// <summary>Omar (or somebody else) asks; returns the card and the approval card that follows.</summary>
    public async Task<(Message Card, Message Approval)> ProposeAsync(string person = DemoPeople.Omar)
    {
        var last = People.Last(DemoPeople.Approvals);
        var (_, card) = await People.InvestigateAsync(person, Question, TestContext.Current.CancellationToken);
        return (card, await People.WaitForApprovalAsync(last, TestContext.Current.CancellationToken));
    }

    /// <summary>What a person types, and what only they are answered.</summary>
    public async Task<string> AskAsync(string person, string command)
    {
        var told = Slack.State.Ephemerals(person).Count;
        var answer = await Slack.RunCommandAsync(person, DemoPeople.Incidents, command, TestContext.Current.CancellationToken);
        Assert.True(answer.IsAnswered, $"{command}: {answer.Outcome} {answer.Problem}");
        await WorkspaceSession.UntilAsync($"an answer to {command}", () => Slack.State.Ephemerals(person).Count > told, TestContext.Current.CancellationToken);
        return MessageText.Of(Slack.State.Ephemerals(person)[^1]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_ledger is not null)
            await _ledger.DisposeAsync();
        if (_stack is not null)
            await _stack.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Slack calls by signed HTTP; everything the product needs is there.</summary>
public sealed class HttpInstallation : Installation
{
    protected override StackOptions Options(StackOptions options) => options;
}

/// <summary>The product dials Slack (Socket Mode), and the gateway has no credential for Prometheus.</summary>
public sealed class BlindSocketInstallation : Installation
{
    protected override StackOptions Options(StackOptions options) => options with { SocketMode = true, PrometheusCredential = false };
}

/// <summary>Bot and gateway are processes of their own, and sandboxes are pods, of which one waits for work.</summary>
public sealed class PodInstallation : Installation
{
    protected override StackOptions Options(StackOptions options) => options with { Pods = true, WarmPods = 1 };
}

/// <summary>Sandboxes are pods, and each starts when it is needed.</summary>
public sealed class ColdPodInstallation : Installation
{
    protected override StackOptions Options(StackOptions options) => options with { Pods = true, WarmPods = 0 };
}
