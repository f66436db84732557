using IncidentFox.Bot.Cards;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Policy;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Bot.Tests.Cards;

/// <summary>Names, titles and reasons are strangers' words: a notice, a list and Home show them dead, and stay within Slack's limits.</summary>
public sealed class HostileNoticeTests
{
    private static readonly string[] Words = ["<!channel> <@U0EVIL> <https://evil.example|here>", "*bold* `code` _it_", "a\u202Eb\u200Bc\u0000d", new string('x', 100_000), "\uD800", ""];

    [Fact]
    public void Whatever_people_and_targets_are_called_it_is_shown_dead()
    {
        foreach (var word in Words)
        {
            var approval = Hostile(word);
            List<string> shown = [SlackJson.Serialize(ApprovalLines.Message([.. Enumerable.Repeat((approval, (CardPlace?)null), 15)], 99)), SlackJson.Serialize<SlackView>(ApprovalHome.Render(null, [], 0, new Dictionary<ApprovalId, CardPlace>()))];
            shown.AddRange(Enum.GetValues<NoticeKind>().Select(kind => SlackJson.Serialize(ApprovalNotice.Render(approval, new NoticeKey(kind, 0), [], null))));
            shown.Add(SlackJson.Serialize(ApprovalCard.Render(approval, word)));
            foreach (var json in shown)
            {
                Assert.DoesNotContain("\u202E", json, StringComparison.Ordinal);
                Assert.DoesNotContain("\u200B", json, StringComparison.Ordinal);
                Assert.DoesNotContain("\"type\":\"link\"", json, StringComparison.Ordinal);
                Assert.DoesNotContain("\"type\":\"user\"", json, StringComparison.Ordinal);
                Assert.InRange(json.Length, 1, 60_000);
            }
        }
    }

    [Fact]
    public void Only_broken_glass_calls_everybody()
    {
        foreach (var kind in Enum.GetValues<NoticeKind>())
        {
            var json = SlackJson.Serialize(ApprovalNotice.Render(Hostile("x"), new NoticeKey(kind, 0), ["U1ADA"], null));
            Assert.Equal(kind == NoticeKind.BreakGlass, json.Contains("\"broadcast\"", StringComparison.Ordinal));
            Assert.Contains("U1ADA", json, StringComparison.Ordinal);
        }
    }

    private static Approval Hostile(string word)
    {
        var many = Enumerable.Range(0, 100).Select(i => Samples.Approver($"a{i}@example.com")).ToList();
        return Samples.Approval(votes: 2, required: 9, workflow: new Workflow { Approvers = many, Escalation = [new EscalationStep(0, many, null), new EscalationStep(5, many, null)] }) with
        {
            Effect = Samples.Effect with { Title = word, AgentReason = word },
            Requesters = [.. Enumerable.Repeat(word, 50)],
            Votes = [.. Enumerable.Range(0, 20).Select(_ => new ApprovalVote(new PersonId(Guid.NewGuid()), word, "T1:U1", Samples.Noon, word))],
            BreakGlass = Samples.Broken with { Name = word, Reason = word, ClosedBy = word, ClosedAt = Samples.Noon, Note = word },
        };
    }
}
