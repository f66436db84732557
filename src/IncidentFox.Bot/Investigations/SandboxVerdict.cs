using IncidentFox.Bot.Sandboxes;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Investigations;

/// <summary>What is known when a sandbox is gone.</summary>
/// <param name="State">Where the investigation stands.</param>
/// <param name="ReportFinal">The agent said that it is done.</param>
/// <param name="Approval">The investigation's latest approval; null without one.</param>
/// <param name="ApprovalState">Where that stands.</param>
/// <param name="SeenEnd">The approval had ended before this sandbox started: this sandbox knew of it.</param>
/// <param name="Losses">Sandboxes of this investigation that were lost or crashed, this one included.</param>
/// <param name="End">How the sandbox ended.</param>
/// <param name="Fault">Why, where it was the cluster's doing.</param>
public readonly record struct SandboxFacts(
    InvestigationState State, bool ReportFinal, ApprovalId? Approval, ApprovalState? ApprovalState, bool SeenEnd, int Losses, SandboxEnd End,
    SandboxFault? Fault = null);

/// <summary>How a sandbox ended, as the supervisor sees it.</summary>
public enum SandboxEnd
{
    /// <summary>The agent ended by itself.</summary>
    Finished,

    /// <summary>Its time was over.</summary>
    TimedOut,

    /// <summary>Its memory was over.</summary>
    OutOfMemory,

    /// <summary>The agent found that it was not isolated.</summary>
    NotCaged,

    /// <summary>It broke.</summary>
    Crashed,

    /// <summary>We stopped it, because the investigation is over or has another sandbox.</summary>
    Stopped,

    /// <summary>Its process, or ours, went away.</summary>
    Lost,

    /// <summary>The bot is being stopped; no fault of the sandbox.</summary>
    BotStopped,
}

/// <summary>What follows for the investigation.</summary>
public abstract record SandboxVerdict
{
    private SandboxVerdict() { }

    /// <summary>It is over already.</summary>
    public sealed record Nothing : SandboxVerdict;

    /// <summary>Done.</summary>
    public sealed record Complete : SandboxVerdict;

    /// <summary>People decide first; or they have, and a fresh sandbox looks at what came of it.</summary>
    public sealed record Wait(ApprovalId Approval) : SandboxVerdict;

    /// <summary>Again, with a fresh sandbox.</summary>
    public sealed record TryAgain : SandboxVerdict;

    /// <summary>It can't be finished.</summary>
    public sealed record Fail(string Code, string Sentence) : SandboxVerdict;

    /// <summary>The loss with this number ends the investigation; earlier ones get a fresh sandbox.</summary>
    public const int MaxLosses = 3;

    /// <summary>Pure and total.</summary>
    public static SandboxVerdict Of(SandboxFacts facts, string logTail)
    {
        if (facts.State.IsFinal())
            return new Nothing();
        if (facts.ReportFinal)
            return new Complete();
        if (facts is { Approval: { } open, ApprovalState: { } state } && !state.IsFinal())
            return new Wait(open);
        return facts.End switch
        {
            SandboxEnd.TimedOut => new Fail("timed_out", "The investigation used up its time. Ask a narrower question, or look at what was found so far."),
            SandboxEnd.OutOfMemory => new Fail("out_of_memory", "The investigation needed more memory than a sandbox may have. Ask a narrower question."),
            SandboxEnd.NotCaged when facts.Fault is { } late => new Fail(late.Code, late.Sentence),
            SandboxEnd.NotCaged => new Fail("not_caged", "The sandbox was not isolated, so the investigation was refused. What it could reach stands in the audit trail (sandbox_changed, not_caged)."),
            SandboxEnd.BotStopped => Again(facts),
            SandboxEnd.Crashed when facts.Fault is { } fault && (!fault.TryAgain || facts.Losses >= MaxLosses) => new Fail(fault.Code, fault.Sentence),
            SandboxEnd.Finished when facts is { Approval: { } ended, SeenEnd: false } => new Wait(ended),
            _ when facts.Losses >= MaxLosses => new Fail("crashed", Crash(facts.End, logTail)),
            _ => Again(facts),
        };
    }

    // What was decided while this sandbox ran, or after, is something a fresh one has to look at.
    private static SandboxVerdict Again(SandboxFacts facts) =>
        facts is { Approval: { } ended, SeenEnd: false } ? new Wait(ended) : new TryAgain();

    private static string Crash(SandboxEnd end, string logTail)
    {
        var what = end == SandboxEnd.Finished ? "The agent ended without a report" : "The sandbox was lost";
        return logTail.Length == 0 ? $"{what}, again and again. Please ask again." : $"{what}, again and again. Please ask again. The last lines it wrote: {logTail}";
    }
}
