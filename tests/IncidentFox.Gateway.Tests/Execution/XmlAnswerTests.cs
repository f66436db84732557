using IncidentFox.Gateway.Execution;
using Xunit;

namespace IncidentFox.Gateway.Tests.Execution;

public sealed class XmlAnswerTests
{
    private const string Instance =
        "<?xml version=\"1.0\"?>\n<D xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Result><List><One kind=\"a\"><State>up</State><Empty/></One></List><Tag>a</Tag><Tag>b</Tag><Tag>c</Tag></Result></D>";

    [Theory]
    [InlineData("/Result/List/One/State", "\"up\"")]
    [InlineData("/Result/List/One/Empty", "\"\"")]
    [InlineData("/Result/Tag/0", "\"a\"")]
    [InlineData("/Result/Tag/2", "\"c\"")]
    [InlineData("/Result/Tag", """["a","b","c"]""")]
    public void A_pointer_leads_into_it_as_into_json(string pointer, string expected) =>
        Assert.Equal(expected, AnswerPointer.Find(new TargetAnswer(200, Instance, null, null, true).Json(), pointer).Node!.ToJsonString());

    [Theory]
    [InlineData("<a><b></a>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>")]
    [InlineData("<a/><b/>")]
    [InlineData("<")]
    public void What_is_not_well_formed_or_names_a_document_type_is_nothing(string text) =>
        Assert.Null(new TargetAnswer(200, text, null, null, true).Json());

    [Fact]
    public void What_is_nested_too_deeply_is_nothing() =>
        Assert.Null(new TargetAnswer(200, string.Concat(Enumerable.Repeat("<a>", 10_000)) + string.Concat(Enumerable.Repeat("</a>", 10_000)), null, null, true).Json());

    [Theory]
    [InlineData("<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You may not.</Message></Error></Errors></Response>")]
    [InlineData("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>You may not.</Message></Error></ErrorResponse>")]
    public void The_targets_words_are_found_in_an_error(string text) => Assert.Equal("You may not.", new TargetAnswer(403, text, null, null, true).Message());
}
