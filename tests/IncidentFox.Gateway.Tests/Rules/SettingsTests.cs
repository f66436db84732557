using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class SettingsTests
{
    private const string Tools = """
        look: {description: Looks., effect: read, data: own, request: "GET /{settings.org}/things", query: {in: "{settings.org}"}, headers: {X-Org: "{settings.org}"}}
        ask: {description: Looks., effect: read, data: own, request: POST /ask, body: {org: "{settings.org}", deep: [{org: "o-{settings.org}"}]}}
        """;

    [Fact]
    public void A_setting_stands_in_address_path_query_header_and_body()
    {
        var own = new OwnIntegration(Tools, "settings: {org: acme, region: eu-west-1}\nbase_url: https://api.{settings.region}.own.example");
        Assert.Equal("https://api.eu-west-1.own.example/", own.Integration.BaseUrl.AbsoluteUri);
        var look = own.Out("look", "{}");
        Assert.Equal("/acme/things?in=acme", look.PathAndQuery);
        Assert.Contains(("X-Org", "acme"), look.Headers);
        Assert.Equal("""{"org":"acme","deep":[{"org":"o-acme"}]}""", OwnIntegration.Body(own.Out("ask", "{}")));
    }

    [Fact]
    public void Another_value_is_another_version_of_the_rules()
    {
        string Version(string settings) => new OwnIntegration(Tools, settings).Integration.Rules[0].Version;
        Assert.Equal(Version("settings: {org: acme}"), Version("settings: {org: acme}"));
        Assert.NotEqual(Version("settings: {org: acme}"), Version("settings: {org: other}"));
        Assert.NotEqual(Version("settings: {org: acme}"), Version("settings: {org: acme, more: x}"));
    }

    [Theory]
    [InlineData("settings: {other: x}", "{settings.org} is not one of the file's settings")]
    [InlineData("settings: {org: \"{settings.org}\"}", "no braces")]
    [InlineData("settings: {org: {description: d, example: a}}", "'settings.org' is missing: d, e.g. a")]
    [InlineData("settings: {org: {description: d}}", "needs an 'example' or a 'default'")]
    [InlineData("settings: {org: {description: d, default: \"a/b\"}}", "settings.org.default: must match")]
    [InlineData("settings: {org: {description: d, default: b, pattern: \"a\"}}", "settings.org.default: must match a")]
    [InlineData("settings: {Org: x}", "a setting's name is")]
    [InlineData("settings: [a]", "must be a mapping")]
    [InlineData("settings: {org: 12}", "quote it")]
    public void A_mistake_in_settings_is_named(string settings, string expected) =>
        Assert.Contains(OwnIntegration.Errors(Tools, settings), e => e.Contains(expected, StringComparison.Ordinal) && e.StartsWith("own.yaml:", StringComparison.Ordinal));

    [Fact]
    public void A_path_literal_that_a_value_makes_is_checked_as_one()
    {
        Assert.Contains(OwnIntegration.Errors(Tools, "settings: {org: \"a/../b\"}"), e => e.Contains("'..' must be", StringComparison.Ordinal));
        var own = new OwnIntegration(Tools, "settings: {org: {description: d, default: acme}}");
        Assert.IsType<ParsedCall.Call>(own.Send("GET", "/acme/things"));
        Assert.IsType<ParsedCall.Refused>(own.Send("GET", "/other/things"));
    }

    [Fact]
    public void Who_extends_can_only_set_what_was_declared()
    {
        var errors = Sample.Errors(("k.yaml", Sample.Kubernetes + "\nsettings: {region: x}"));
        Assert.Contains(errors, e => e.StartsWith("k.yaml:6: settings.region: is not a setting of the integration that this extends", StringComparison.Ordinal));
    }
}
