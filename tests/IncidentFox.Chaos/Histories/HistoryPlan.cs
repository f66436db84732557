using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.Chaos.Histories;

/// <summary>What the target does with the call, once.</summary>
internal enum TargetFault
{
    None,
    Slow,

    /// <summary>500, and nothing happened.</summary>
    ErrorBefore,

    /// <summary>500, although it happened.</summary>
    ErrorAfter,

    /// <summary>The connection breaks, and nothing happened.</summary>
    CutBefore,

    /// <summary>The connection breaks after it happened.</summary>
    CutAfter,

    /// <summary>The gateway that sent it is killed while the target holds the request; it happens all the same.</summary>
    KillBefore,

    /// <summary>The gateway that sent it is killed after it happened, before it can read the answer.</summary>
    KillAfter,
}

/// <summary>What happens to everything at some moment.</summary>
internal enum Fault
{
    KillBot,
    KillGateway,

    /// <summary>Every database session of one process, or of all.</summary>
    CutOne,
    CutAll,

    /// <summary>The database's clock jumps, and comes back.</summary>
    SkewClock,
    SlackOutage,
}

/// <summary>What somebody does with the card.</summary>
internal enum Act
{
    Approve,
    Deny,

    /// <summary>The button of a card that is not the current one.</summary>
    StaleCard,

    /// <summary>The person's last request once more, byte for byte.</summary>
    Replay,
}

internal sealed record PlannedClick(TimeSpan At, string Person, Act Act, int Bot, TimeSpan SignedAhead);

internal sealed record PlannedFault(TimeSpan At, Fault Fault, int Which, TimeSpan For, TimeSpan Ahead);

/// <summary>
/// One approval with its own schedule of clicks and faults: everything that is chosen comes from the seed. How threads and processes interleave does not;
/// running a seed again gives the same schedule, not the same microseconds.
/// </summary>
internal sealed record HistoryPlan
{
    public const string Stranger = DemoPeople.Xeno;

    /// <summary>The six: four admins, of whom one asked; somebody from another company; a bot.</summary>
    public static readonly IReadOnlyList<string> Admins = [DemoPeople.Ada, DemoPeople.Ben, DemoPeople.Vera, DemoPeople.Omar];

    private static readonly IReadOnlyList<string> Six = [.. Admins, Stranger, DemoPeople.BotUserId];

    public required int Seed { get; init; }
    public required string Requester { get; init; }
    public required int Required { get; init; }
    public required TimeSpan Timeout { get; init; }

    /// <summary>Whether the target shows afterwards what ran.</summary>
    public required bool Provable { get; init; }

    public required TargetFault Target { get; init; }
    public required IReadOnlyList<PlannedClick> Clicks { get; init; }
    public required IReadOnlyList<PlannedFault> Faults { get; init; }

    /// <summary>True when its own schedule kills a process.</summary>
    public bool Kills => Target is TargetFault.KillBefore or TargetFault.KillAfter || Faults.Any(f => f.Fault is Fault.KillBot or Fault.KillGateway);

    public static HistoryPlan Of(int seed)
    {
        // Seeds next to each other must not give histories that are alike.
        var random = new Random(unchecked(seed * (int)2654435761));
        var clicks = Enumerable.Range(0, random.Next(4, 15)).Select(_ => new PlannedClick(
            TimeSpan.FromMilliseconds(random.Next(0, 2_500)), Six[Pick(random, 22, 22, 22, 22, 6, 6)], (Act)Pick(random, 84, 6, 4, 6), random.Next(2),
            random.Next(10) == 0 ? TimeSpan.FromSeconds(random.Next(-290, 290)) : TimeSpan.Zero)).OrderBy(c => c.At).ToArray();
        var faults = new List<PlannedFault>();
        foreach (var (fault, percent) in new[] { (Fault.KillBot, 2), (Fault.KillGateway, 3), (Fault.CutOne, 5), (Fault.CutAll, 3), (Fault.SkewClock, 4), (Fault.SlackOutage, 3) })
        {
            var planned = new PlannedFault(TimeSpan.FromMilliseconds(random.Next(0, 2_500)), fault, random.Next(8), TimeSpan.FromMilliseconds(random.Next(200, 1_200)),
                TimeSpan.FromSeconds(random.Next(1, 45) * (random.Next(2) == 0 ? 1 : -1)));
            if (random.Next(100) < percent)
                faults.Add(planned);
        }
        return new HistoryPlan
        {
            Seed = seed,
            Requester = Admins[random.Next(4)],
            Required = 1 + Pick(random, 55, 33, 12),
            Timeout = random.Next(4) == 0 ? TimeSpan.FromMilliseconds(random.Next(500, 3_000)) : TimeSpan.FromMinutes(10),
            Provable = random.Next(10) < 6,
            Target = (TargetFault)Pick(random, 58, 12, 6, 6, 6, 6, 3, 3),
            Clicks = clicks,
            Faults = faults,
        };
    }

    /// <summary>For the person who has to understand what went wrong.</summary>
    public override string ToString() =>
        $"history {Seed}: asked by {Requester}, {Required} needed within {Timeout}, {(Provable ? "provable" : "not provable")}, target {Target}\n"
        + string.Join('\n', Clicks.Select(c => $"  {c.At.TotalMilliseconds,5} ms  {c.Person} {c.Act} at bot {c.Bot}{(c.SignedAhead == TimeSpan.Zero ? "" : $", signed {c.SignedAhead} ahead")}")
            .Concat(Faults.Select(f => $"  {f.At.TotalMilliseconds,5} ms  {f.Fault} ({f.Which}), {f.For.TotalMilliseconds} ms{(f.Fault == Fault.SkewClock ? $", {f.Ahead} ahead" : "")}")));

    private static int Pick(Random random, params int[] weights)
    {
        var left = random.Next(weights.Sum());
        for (var i = 0; i < weights.Length; i++)
        {
            if ((left -= weights[i]) < 0)
                return i;
        }
        throw new InvalidOperationException("Weights that do not add up.");
    }
}
