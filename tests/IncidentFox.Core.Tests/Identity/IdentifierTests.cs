using CsCheck;

namespace IncidentFox.Core.Tests.Identity;

public sealed class IdentifierTests
{
    [Fact]
    public void An_identifier_reads_back_and_only_in_the_form_it_is_shown_in()
    {
        Gen.Guid.Sample(g =>
            InvestigationId.TryParse(new InvestigationId(g).ToString(), out var i) && i.Value == g
            && SandboxId.TryParse(new SandboxId(g).ToString(), out var s) && s.Value == g
            && ApprovalId.TryParse(new ApprovalId(g).ToString(), out var a) && a.Value == g
            && !ApprovalId.TryParse(new InvestigationId(g).ToString(), out _));
        var shown = ApprovalId.New().ToString();
        foreach (var other in new[] { null, "", " " + shown, shown + "\n", shown.ToUpperInvariant(), shown[4..], shown[..^1], "apr_" + Guid.NewGuid() })
            Assert.False(ApprovalId.TryParse(other, out _));
        Gen.String.Sample(text => !ApprovalId.TryParse(text, out var id) || id.ToString() == text);
    }
}
