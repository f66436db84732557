namespace IncidentFox.Gateway.Scrubbing;

/// <summary>One way of reading a stream: steps, and the search at their end.</summary>
internal sealed class Lane
{
    private readonly Stage[] _stages;
    private readonly SearchStage _search;
    private readonly string _wakers;
    private readonly SearchStage? _asleep;

    /// <param name="search">At the end.</param>
    /// <param name="like">As long as none of <paramref name="wakers"/> came, this lane reads as the lane with that search does, and need not run; null: it always runs.</param>
    /// <param name="wakers">The bytes that any of the steps makes something of.</param>
    /// <param name="steps">The last one first: each is given the one behind it.</param>
    public Lane(SearchStage search, SearchStage? like, string wakers, params ReadOnlySpan<Func<Stage, Stage>> steps)
    {
        (_search, _asleep, _wakers, IsAwake) = (search, like, wakers, like is null);
        _stages = new Stage[steps.Length + 1];
        _stages[0] = search;
        for (var i = 0; i < steps.Length; i++)
            _stages[i + 1] = steps[i](_stages[i]);
    }

    public bool IsAwake { get; private set; }

    public int Depth => _search.Depth;

    public bool IsIdle => Pending is null;

    /// <summary>From here on the stream may hold something that is not complete yet; null: nothing has begun.</summary>
    public long? Pending
    {
        get
        {
            long? earliest = null;
            foreach (var stage in _stages)
            {
                if (stage.Pending is { } start && (earliest is null || start < earliest))
                    earliest = start;
            }
            return earliest;
        }
    }

    public void Accept(byte b, long at)
    {
        if (!IsAwake)
        {
            if (!_wakers.Contains((char)b, StringComparison.Ordinal))
                return;
            _search.CopyFrom(_asleep!);
            IsAwake = true;
        }
        _stages[^1].Accept(b, at, at + 1);
    }

    /// <summary>Nothing has begun anywhere: this lane is as its model is.</summary>
    public void Rest() => IsAwake = _asleep is null;
}

/// <summary>All the ways in which a stream is read.</summary>
internal static class Lanes
{
    private static Stage Percent(Stage next) => new PercentStage(next);

    private static Stage Backslash(Stage next) => new BackslashStage(next);

    private static Stage Entity(Stage next) => new EntityStage(next);

    private static Stage Any(Stage next) => new AnyEscapeStage(next);

    /// <summary>
    /// Lanes that sleep come before the one they are like: a byte that wakes one was not taken in by its model yet. Those that join lines never
    /// sleep: in the midst of a line break they could not tell where they are.
    /// </summary>
    public static Lane[] Create(SecretPatterns patterns, Findings found)
    {
        SearchStage Text() => new(patterns.Text, found);
        SearchStage Lines() => new(patterns.Base64, found);
        static Stage Broken(Stage search) => new Base64Stage((SearchStage)search);
        var plain = Text();
        return
        [
            new(Text(), plain, "%", Percent),
            new(Text(), plain, "%", Percent, Percent),
            new(Text(), plain, "\\", Backslash),
            new(Text(), plain, "\\", Backslash, Backslash),
            new(Text(), plain, "&", Entity),
            new(Text(), plain, "&", Entity, Entity),
            new(Text(), plain, "%\\", Percent, Backslash),
            new(Text(), plain, "%\\", Backslash, Percent),
            new(Text(), plain, "%&", Percent, Entity),
            new(Text(), plain, "%&", Entity, Percent),
            new(Text(), plain, "\\&", Backslash, Entity),
            new(Text(), plain, "\\&", Entity, Backslash),
            new(Text(), plain, "%", Percent, Percent, Percent),
            new(Text(), plain, "\\", Backslash, Backslash, Backslash),
            new(Text(), plain, "%\\&", Any, Any, Any),
            new(Lines(), null, "", Broken, Backslash),
            new(Lines(), null, "", Broken, Backslash, Backslash),
            new(Lines(), null, "", Broken, Percent),
            new(Lines(), null, "", Broken, Entity),
            new(plain, null, ""),
            new(Lines(), null, "", Broken),
            new(new SearchStage(patterns.Hex, found), null, "", next => new HexStage(next)),
        ];
    }
}
