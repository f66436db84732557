using IncidentFox.Bot.Investigations;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Tests.Investigations;

public sealed class SandboxVerdictTests
{
    private static readonly ApprovalId Approval = ApprovalId.New();

    [Theory]
    [InlineData(InvestigationState.Completed)]
    [InlineData(InvestigationState.Failed)]
    [InlineData(InvestigationState.Stopped)]
    public void What_is_over_stays_as_it_is(InvestigationState state)
    {
        foreach (var end in Enum.GetValues<SandboxEnd>())
            Assert.IsType<SandboxVerdict.Nothing>(Of(end, state: state, final: true));
    }

    [Fact]
    public void A_final_report_completes_however_the_sandbox_ended()
    {
        foreach (var end in Enum.GetValues<SandboxEnd>())
            Assert.IsType<SandboxVerdict.Complete>(Of(end, final: true, approval: ApprovalState.Pending, losses: 9));
    }

    [Theory]
    [InlineData(ApprovalState.Pending)]
    [InlineData(ApprovalState.Approved)]
    [InlineData(ApprovalState.Executing)]
    public void An_open_approval_is_waited_for_however_the_sandbox_ended(ApprovalState state)
    {
        foreach (var end in Enum.GetValues<SandboxEnd>())
            Assert.Equal(new SandboxVerdict.Wait(Approval), Of(end, approval: state, losses: 9));
    }

    [Theory]
    [InlineData(SandboxEnd.Crashed)]
    [InlineData(SandboxEnd.Lost)]
    [InlineData(SandboxEnd.BotStopped)]
    [InlineData(SandboxEnd.Finished)]
    public void What_was_decided_while_the_sandbox_ran_is_looked_at_by_a_fresh_one(SandboxEnd end) =>
        Assert.Equal(new SandboxVerdict.Wait(Approval), Of(end, approval: ApprovalState.Executed, losses: 1));

    [Theory]
    [InlineData(SandboxEnd.Crashed)]
    [InlineData(SandboxEnd.Lost)]
    [InlineData(SandboxEnd.Finished)]
    public void A_lost_sandbox_is_replaced_twice_and_the_third_loss_fails_with_what_it_wrote(SandboxEnd end)
    {
        Assert.IsType<SandboxVerdict.TryAgain>(Of(end, losses: 1));
        Assert.IsType<SandboxVerdict.TryAgain>(Of(end, losses: 2, approval: ApprovalState.Denied, seen: true));

        var failed = Assert.IsType<SandboxVerdict.Fail>(Of(end, losses: 3));

        Assert.Equal("crashed", failed.Code);
        Assert.Contains("last words", failed.Sentence);
    }

    [Theory]
    [InlineData(SandboxEnd.TimedOut, "timed_out")]
    [InlineData(SandboxEnd.OutOfMemory, "out_of_memory")]
    [InlineData(SandboxEnd.NotCaged, "not_caged")]
    public void What_would_happen_again_is_not_tried_again(SandboxEnd end, string code) =>
        Assert.Equal(code, Assert.IsType<SandboxVerdict.Fail>(Of(end, losses: 0)).Code);

    [Fact]
    public void Stopping_the_bot_is_no_fault_of_the_sandbox() => Assert.IsType<SandboxVerdict.TryAgain>(Of(SandboxEnd.BotStopped, losses: 9));

    private static SandboxVerdict Of(
        SandboxEnd end, InvestigationState state = InvestigationState.Running, bool final = false, ApprovalState? approval = null, bool seen = false, int losses = 0) =>
        SandboxVerdict.Of(new SandboxFacts(state, final, approval is null ? null : Approval, approval, seen, losses, end), "last words");
}
