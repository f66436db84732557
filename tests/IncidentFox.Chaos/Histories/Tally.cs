namespace IncidentFox.Chaos.Histories;

/// <summary>What happened in a run, so that a run in which nothing happened is not taken for a proof.</summary>
internal sealed class Tally
{
    private readonly Dictionary<string, int> _states = [];
    private int _histories;
    private int _withKill;
    private int _effects;
    private int _secondTries;
    private int _counted;
    private int _clicks;
    private int _answered;

    /// <summary>Processes killed.</summary>
    public int Kills { get; set; }

    /// <summary>Links of the audit chains that were verified.</summary>
    public long Links { get; set; }

    public void Add(HistoryPlan plan, HistoryFacts facts)
    {
        _histories++;
        _withKill += plan.Kills ? 1 : 0;
        _effects += facts.Effects;
        _secondTries += facts.Changes.Count(c => c.What == "executing") > 1 ? 1 : 0;
        _clicks += facts.Clicks.Count;
        _answered += facts.Clicks.Count(c => c.Status == 200);
        _counted += facts.Clicks.Count(Verdict.Counts);
        _states[facts.State] = _states.GetValueOrDefault(facts.State) + 1;
    }

    /// <summary>What has to happen among so many histories and has not; null when all has.</summary>
    public string? Missing(int wanted) =>
        _effects <= wanted / 10 ? $"only {_effects} calls took effect"
        : Kills < 2 ? $"only {Kills} processes were killed"
        : _answered <= wanted * 2 || _counted <= wanted / 2 ? $"only {_answered} of {_clicks} clicks were answered, {_counted} people told that theirs counts"
        : new[] { "executed", "denied", "expired" }.FirstOrDefault(s => !_states.ContainsKey(s)) is { } state ? $"none is {state}"
        : null;

    public override string ToString() =>
        $"{_histories} histories ({_withKill} with a kill of their own, {Kills} processes killed), {_clicks} clicks of which {_answered} were answered; {_effects} calls took effect, "
        + $"{_secondTries} were taken over after a crash; {string.Join(", ", _states.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Value} {s.Key}"))}; {Links} audit rows, the chain holds";
}
