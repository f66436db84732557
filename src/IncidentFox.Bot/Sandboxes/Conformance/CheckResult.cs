namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>How a check went.</summary>
public enum CheckOutcome
{
    /// <summary>It was tried, and it holds.</summary>
    Ok,

    /// <summary>It does not hold, or could not be seen to.</summary>
    Failed,

    /// <summary>It was seen, but where it was seen it is only played: a double of a cluster that can't enforce it.</summary>
    Simulated,

    /// <summary>It can't be tried here, and why is said.</summary>
    NotPossible,
}

/// <summary>One row of the table.</summary>
/// <param name="Check">Its name.</param>
/// <param name="Proves">What holds when it is ok, in a sentence.</param>
/// <param name="Outcome">How it went.</param>
/// <param name="Detail">What was seen; may quote what a cluster says.</param>
public sealed record CheckResult(string Check, string Proves, CheckOutcome Outcome, string Detail);

/// <summary>What a check found.</summary>
internal sealed record Finding(CheckOutcome Outcome, string Detail)
{
    public static Finding Ok(string detail) => new(CheckOutcome.Ok, detail);

    public static Finding Failed(string detail) => new(CheckOutcome.Failed, detail);

    public static Finding NotPossible(string detail) => new(CheckOutcome.NotPossible, detail);
}

/// <summary>No sandbox can be had at all, so there is nothing to check. The message says why and what to do.</summary>
public sealed class CannotCheckException : Exception
{
    public CannotCheckException()
    {
    }

    public CannotCheckException(string message) : base(message)
    {
    }

    public CannotCheckException(string message, Exception inner) : base(message, inner)
    {
    }
}
