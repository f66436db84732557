using System.Text;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Rules;
using IncidentFox.Secrets;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class InjectorTests
{
    private readonly HttpRequestMessage _request = new(HttpMethod.Get, "http://target.example/");

    [Fact]
    public void Bearer_sets_the_authorization_header()
    {
        var injected = Inject(AuthScheme.Bearer, "abc.DEF-123_~+/==");
        Assert.Null(injected.Problem);
        Assert.Equal("Bearer abc.DEF-123_~+/==", Header("Authorization"));
        Assert.Equal(["abc.DEF-123_~+/=="], injected.Secrets);
    }

    [Fact]
    public void Basic_joins_user_and_password_in_UTF_8_and_names_the_pair_as_a_secret_too()
    {
        var injected = Inject(AuthScheme.Basic, "pä:ss word", "reader");
        Assert.Null(injected.Problem);
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes("reader:pä:ss word"));
        Assert.Equal("Basic " + pair, Header("Authorization"));
        Assert.Equal(["pä:ss word", pair], injected.Secrets);
    }

    [Theory]
    [InlineData("service-reader", true, 3)]
    [InlineData("admin", true, 2)]            // too short to be told from text, and no secret
    [InlineData("service-reader", false, 2)]  // written in the integration for all to read
    public void A_user_name_from_a_store_is_a_secret_when_it_can_be_told_from_text(string user, bool fromStore, int secrets) =>
        Assert.Equal(secrets, new BasicInjector().Inject(_request, new Credential(Secret("password"), user, fromStore, null)).Secrets.Count);

    [Fact]
    public void A_header_of_the_targets_own_replaces_what_a_rule_may_have_set()
    {
        _request.Headers.TryAddWithoutValidation("X-Api-Key", "from a rule");
        Assert.Null(Inject(AuthScheme.Header, "key-123!").Problem);
        Assert.Equal("key-123!", Header("X-Api-Key"));
    }

    [Fact]
    public void None_adds_nothing()
    {
        Assert.Empty(new NoneInjector().Inject(_request, Credential.Nothing).Secrets);
        Assert.Empty(_request.Headers);
    }

    [Theory]
    [InlineData(AuthScheme.Bearer, "to ken")]
    [InlineData(AuthScheme.Bearer, "token\r\nX-Evil: 1")]
    [InlineData(AuthScheme.Bearer, "token\n")]
    [InlineData(AuthScheme.Bearer, "tokenä")]
    [InlineData(AuthScheme.Bearer, "====")]
    [InlineData(AuthScheme.Bearer, "to=ken")]
    [InlineData(AuthScheme.Header, "key\r\nX-Evil: 1")]
    [InlineData(AuthScheme.Header, "key\0")]
    [InlineData(AuthScheme.Header, "two words")]
    [InlineData(AuthScheme.Header, "schlüssel")]
    [InlineData(AuthScheme.Basic, "pass\r\nX-Evil: 1")]
    [InlineData(AuthScheme.Basic, "pass\u007f")]
    public void A_secret_that_would_be_more_than_a_credential_is_refused_and_not_quoted(AuthScheme scheme, string secret)
    {
        var injected = Inject(scheme, secret, "reader");
        Assert.NotNull(injected.Problem);
        Assert.DoesNotContain(secret, injected.Problem);
        Assert.Empty(injected.Secrets);
        Assert.Empty(_request.Headers);
    }

    [Theory]
    [InlineData("read:er")]
    [InlineData("read\ner")]
    public void A_user_name_that_basic_cannot_carry_is_refused(string user)
    {
        Assert.NotNull(Inject(AuthScheme.Basic, "password", user).Problem);
        Assert.Empty(_request.Headers);
    }

    [Fact]
    public void Printing_a_credential_or_what_came_of_it_shows_nothing()
    {
        var credential = new Credential(Secret("canary-1"), "canary-2", true, null);
        Assert.DoesNotContain("canary", credential.ToString());
        Assert.DoesNotContain("canary", new BasicInjector().Inject(_request, credential).ToString());
    }

    [Fact]
    public void Every_scheme_that_can_be_configured_has_its_class() => Assert.All(Enum.GetValues<AuthScheme>(), s => Assert.NotNull(CredentialSource.For(s)));

    private Injected Inject(AuthScheme scheme, string secret, string? user = null) =>
        CredentialSource.For(scheme).Inject(_request, new Credential(Secret(secret), user, false, "X-Api-Key"));

    private string Header(string name) => Assert.Single(_request.Headers.GetValues(name));

    private static SecretValue Secret(string text) => new(text, "1", DateTimeOffset.UnixEpoch);
}
