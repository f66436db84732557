using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class DryRunFormTests
{
    private const string Reboot = """
        reboot:
          description: Reboots.
          effect: write
          data: own
          request: POST /
          form: {Action: Reboot, "Id.1": "{id}"}
          parameters: {id: {type: string, description: d}}
          preview: {title: Reboot}
        """;

    [Fact]
    public void A_dry_run_adds_its_fields_to_the_form_and_names_the_answer_that_means_yes()
    {
        var own = new OwnIntegration(Reboot + "\n  dry_run: {form: {DryRun: \"true\"}, status: 412}");
        var call = Assert.IsType<ParsedCall.Call>(own.Call("reboot", """{"id":"i 1"}"""));
        var dry = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, new JsonObject(), null, dryRun: true);
        Assert.Equal("Action=Reboot&Id.1=i%201&DryRun=true", OwnIntegration.Body(dry));
        Assert.Equal("Action=Reboot&Id.1=i%201", OwnIntegration.Body(OwnIntegration.Build(call)));
        Assert.True(call.Rule.DryRun!.Accepts(412));
        Assert.False(call.Rule.DryRun.Accepts(200));
        Assert.False(call.Rule.DryRun.Accepts(403));
    }

    [Theory]
    [InlineData("dry_run: {form: {Action: Look}}", "repeats none of its keys")]
    [InlineData("dry_run: {status: 412}", "needs 'body', 'query' or 'form'")]
    public void A_dry_run_that_would_not_differ_or_could_not_be_sent_is_an_error(string dryRun, string problem) =>
        Assert.Contains(OwnIntegration.Errors($"{Reboot}\n  {dryRun}"), e => e.Contains(problem, StringComparison.Ordinal));

    [Theory]
    [InlineData("Logs | take 5", true)]
    [InlineData("Logs | where ClusterName == 'a'", true)]
    [InlineData("externaldata(x:string)['https://evil.example/a']", false)]
    [InlineData("let x = 1;\nEXTERNAL_DATA (y:string)[]", false)]
    [InlineData("adx ('https://evil.example').T", false)]
    [InlineData("['cluster']('evil').T", false)]
    public void What_may_stand_nowhere_in_a_text_is_refused_wherever_and_however_it_is_written(string query, bool good)
    {
        var own = new OwnIntegration("""
            look: { READ, request: POST /query, body: {query: "{q}"}, parameters: {q: {type: string, description: d, without: "external_?data|\\b(adx|cluster)\\b"}} }
            """);
        var arguments = new JsonObject { ["q"] = query }.ToJsonString();
        if (good)
            own.Out("look", arguments);
        else
            Assert.Contains("must not have in it", Assert.IsType<ParsedCall.Refused>(own.Call("look", arguments)).Sentence, StringComparison.Ordinal);
    }
}
