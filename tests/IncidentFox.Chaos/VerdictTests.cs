using IncidentFox.Chaos.Histories;

namespace IncidentFox.Chaos;

/// <summary>A rule that never fires proves nothing: each is shown what it is for.</summary>
public sealed class VerdictTests
{
    private static readonly Guid Ada = Guid.NewGuid();
    private static readonly Guid Ben = Guid.NewGuid();
    private static readonly Guid Omar = Guid.NewGuid();
    private static readonly Guid Stranger = Guid.NewGuid();

    private static readonly HistoryFacts Good = new()
    {
        Required = 2, Requester = Omar, Admins = new Dictionary<string, Guid> { ["ada"] = Ada, ["ben"] = Ben, ["omar"] = Omar }, Provable = true, State = "executed",
        Effects = 1, Arrivals = 1,
        Clicks = [new Click("1", "ada", Act.Approve, 200, true, "Your approval counts."), new Click("2", "ben", Act.Approve, 200, true, null)],
        Changes =
        [
            new("pending", null, "1"), new("vote", Ada, "2"), new("vote", Ben, "3"), new("approved", null, "4"), new("executing", null, "5"), new("executed", null, "6"),
        ],
        Audit =
        [
            new("approval_requested", "pending", "1", null, null, null), new("approval_voted", "success", "2", "T:ada", "approve", null),
            new("approval_voted", "success", "3", "T:ben", "approve", null), new("approval_granted", "success", "4", null, "approved", null),
            new("tool_requested", "pending", "5", null, null, null), new("tool_executed", "success", "6", null, null, null),
        ],
    };

    public static TheoryData<string, string> Wrongs => new()
    {
        { "twice", "took effect 2 times" }, { "blind", "sent 2 times" }, { "denied", "It took effect and is denied" }, { "nothing", "did not take effect" },
        { "backwards", "From denied it became executing" }, { "open", "It never ended" }, { "unanimous", "approved by 1 of 2" }, { "requester", "Whoever asked" },
        { "outsider", "may not decide" }, { "voted twice", "two votes" }, { "lost", "there is no vote" }, { "denial lost", "and it is executed" },
        { "unwritten", "nothing is written down" }, { "replayed", "taken 2 times" }, { "no row", "0 rows tool_executed" }, { "another transaction", "approval_granted in [9]" },
        { "row too many", "2 rows approval_granted" }, { "wrong row", "says something else" },
    };

    [Fact]
    public void Nothing_is_wrong_with_a_history_that_went_well() => Assert.Empty(Verdict.Of(Good));

    [Theory]
    [MemberData(nameof(Wrongs))]
    public void Each_rule_catches_what_it_is_for(string what, string expected) =>
        Assert.Contains(Verdict.Of(Spoil(what)), v => v.Contains(expected, StringComparison.Ordinal));

    private static HistoryFacts Spoil(string what) => what switch
    {
        "twice" => Good with { Effects = 2 },
        "blind" => Good with { Provable = false, Arrivals = 2 },
        "denied" => Good with { State = "denied" },
        "nothing" => Good with { Effects = 0 },
        "backwards" => Good with { Changes = [Good.Changes[0], new("denied", null, "4"), new("executing", null, "5")] },
        "open" => Good with { State = "executing" },
        "unanimous" => Good with { Changes = [.. Good.Changes.Where(c => c.Person != Ben)] },
        "requester" => Good with { Changes = [.. Good.Changes, new("vote", Omar, "7")] },
        "outsider" => Good with { Changes = [.. Good.Changes, new("vote", Stranger, "7")] },
        "voted twice" => Good with { Changes = [.. Good.Changes, new("vote", Ada, "7")] },
        "lost" => Good with { Changes = [.. Good.Changes.Where(c => c.Person != Ada)] },
        "denial lost" => Good with { Clicks = [new("3", "ben", Act.Deny, 200, true, "Denied; nothing will run.")] },
        "unwritten" => Good with { Clicks = [new("3", "ben", Act.Deny, 200, true, null)] },
        "replayed" => Good with { Clicks = [.. Good.Clicks, Good.Clicks[0]] },
        "no row" => Good with { Audit = [.. Good.Audit.SkipLast(1)] },
        "another transaction" => Good with { Audit = [.. Good.Audit.Select(a => a.Type == "approval_granted" ? a with { Xid = "9" } : a)] },
        "row too many" => Good with { Audit = [.. Good.Audit, Good.Audit[3] with { Xid = "9" }] },
        "wrong row" => Good with { Audit = [.. Good.Audit.Select(a => a.Type == "tool_executed" ? a with { Status = "error" } : a)] },
        _ => throw new ArgumentOutOfRangeException(nameof(what), what, "Not known."),
    };
}
