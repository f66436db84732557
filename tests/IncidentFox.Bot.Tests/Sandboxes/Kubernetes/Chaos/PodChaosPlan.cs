using System.Globalization;
using IncidentFox.Workbench.Estate.Kubernetes;

namespace IncidentFox.Bot.Tests.Sandboxes.Kubernetes.Chaos;

/// <summary>What the agent in one pod does, or what becomes of the pod.</summary>
internal enum PodScript
{
    Reports,
    Crashes,
    RunsOutOfMemory,
    IsEvicted,
    HasNoImage,
}

/// <summary>A bot ends without warning: at one of its calls of the API, or at a moment that nothing marks.</summary>
/// <param name="Bot">Which.</param>
/// <param name="AtCall">At the call with this number, counted from its start; 0: at a time instead.</param>
/// <param name="AfterIt">After the call was carried out, before its answer is heard.</param>
/// <param name="At">Seconds from the start, where it is not at a call.</param>
/// <param name="Delay">Real milliseconds into that second: in the middle of whatever goes on then.</param>
/// <param name="IsAsked">It is asked to stop instead, as at an update.</param>
/// <param name="Away">Seconds until it is started anew.</param>
internal sealed record BotKill(int Bot, int AtCall, bool AfterIt, int At, int Delay, bool IsAsked, int Away);

/// <summary>Everything that happens in one run, made from its seed. Times are seconds of the run's own clock.</summary>
internal sealed record PodChaosPlan
{
    /// <summary>How long faults go on at least.</summary>
    public const int Seconds = 40;

    private static readonly ApiFault[] Kinds =
    [
        ApiFault.TooManyRequests, ApiFault.ServerError, ApiFault.ServerErrorAfterwards, ApiFault.Refused, ApiFault.AnswerLost, new(IsCarriedOut: false, 503), new(IsCarriedOut: true, 503),
    ];

    private static readonly WatchFault[] EventKinds = [WatchFault.Twice, WatchFault.Late, WatchFault.CutBefore, WatchFault.EndAfter];

    public required int Seed { get; init; }

    public required int WarmPods { get; init; }

    /// <summary>When each investigation is asked for.</summary>
    public required int[] Asked { get; init; }

    public required BotKill[] Kills { get; init; }

    /// <summary>Every so many calls of the API go wrong, in these ways by turns.</summary>
    public required int FaultEvery { get; init; }

    public required ApiFault[] Faults { get; init; }

    /// <summary>Every so many calls of a bot get no answer at all; every other of them is carried out.</summary>
    public required int SilentEvery { get; init; }

    /// <summary>Every so many events of a watch go wrong, in these ways by turns.</summary>
    public required int EventEvery { get; init; }

    public required WatchFault[] Events { get; init; }

    public required int[] WatchCuts { get; init; }

    /// <summary>When the past is forgotten: versions from before are 410.</summary>
    public required int[] Compactions { get; init; }

    /// <summary>By the order in which pods are made; those after the last report.</summary>
    public required PodScript[] Scripts { get; init; }

    /// <summary>How long an agent works.</summary>
    public required int[] Work { get; init; }

    /// <summary>Somebody deletes the pod of an agent at work.</summary>
    public required int[] Deletions { get; init; }

    public required (int From, int Until)? Outage { get; init; }

    public required (int From, int Until)? NodeDown { get; init; }

    public required (int From, int Until)? QuotaFull { get; init; }

    /// <summary>When a person stops the first investigation.</summary>
    public required int? Stop { get; init; }

    public static PodChaosPlan Of(int seed)
    {
        var random = new Random(seed);
        int Some(int from, int until) => random.Next(from, until + 1);
        (int, int)? Window(int oneIn, int shortest, int longest) => Some(1, oneIn) == 1 && Some(3, 25) is var at ? (at, at + Some(shortest, longest)) : null;
        return new()
        {
            Seed = seed,
            WarmPods = Some(0, 1) * Some(1, 3),
            Asked = [.. Enumerable.Range(0, Some(2, 4)).Select(_ => Some(0, 15)).Order()],
            Kills = [.. Enumerable.Range(0, Some(1, 3)).Select(i => new BotKill(Some(0, 1), i == 0 || Some(0, 1) == 0 ? Some(2, 25) : 0, Some(0, 1) == 0, Some(2, 35), Some(0, 12), Some(0, 2) == 0, Some(0, 8)))],
            FaultEvery = Some(4, 12),
            Faults = Shuffled(Kinds),
            SilentEvery = Some(15, 40),
            EventEvery = Some(3, 8),
            Events = Shuffled(EventKinds),
            WatchCuts = [Some(3, 20), Some(20, 38)],
            Compactions = Some(0, 1) == 0 ? [] : [Some(5, 35)],
            Scripts = [.. Enumerable.Range(0, Some(0, 3)).Select(_ => (PodScript)Some(0, 4))],
            Work = [.. Enumerable.Range(0, 5).Select(_ => Some(1, 14))],
            Deletions = Some(1, 3) == 1 ? [Some(5, 35)] : [],
            Outage = Window(3, 5, 40),
            NodeDown = Window(4, 5, 60),
            QuotaFull = Window(6, 3, 20),
            Stop = Some(1, 4) == 1 ? Some(3, 35) : null,
        };

        T[] Shuffled<T>(T[] all)
        {
            T[] copy = [.. all];
            random.Shuffle(copy);
            return copy;
        }
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"""
        seed {Seed}: asked at {string.Join(' ', Asked)}; warm pods {WarmPods}; every {FaultEvery}. call fails, every {SilentEvery}. is silent, every {EventEvery}. event is wrong; watches cut at {string.Join(' ', WatchCuts)}; 410 at {string.Join(' ', Compactions)}
          pods {string.Join(' ', Scripts)}, work {string.Join(' ', Work)}; deleted at {string.Join(' ', Deletions)}; outage {Outage}; node down {NodeDown}; quota full {QuotaFull}; stopped at {Stop}
          {string.Join("\n  ", Kills.AsEnumerable())}
        """);
}
