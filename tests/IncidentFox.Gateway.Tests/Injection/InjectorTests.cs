using System.Text;
using IncidentFox.Gateway.Injection;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Sending;
using IncidentFox.Secrets;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class InjectorTests : IDisposable
{
    private readonly SenderFixture _fixture = new();
    private readonly Injectors _injectors;
    private readonly HttpRequestMessage _request = new(HttpMethod.Get, "http://target.example/a?b=%2F");

    public InjectorTests() => _injectors = new(new TokenMint(_fixture, _fixture.Time), new MintClient(new UpstreamPools(_fixture, _fixture.Time)), _fixture.Time);

    public void Dispose()
    {
        _fixture.Dispose();
        _request.Dispose();
    }

    [Fact]
    public void Every_scheme_has_its_class() =>
        Assert.Equal(Enum.GetValues<AuthScheme>().Length, Enum.GetValues<AuthScheme>().Select(s => _injectors.For(s).GetType()).Distinct().Count());

    [Fact]
    public async Task Bearer_sets_the_authorization_header()
    {
        var injected = await InjectAsync(AuthScheme.Bearer, "abc.DEF-123_~+/==");
        Assert.Null(injected.Problem);
        Assert.Equal("Bearer abc.DEF-123_~+/==", Header("Authorization"));
        Assert.Equal(["abc.DEF-123_~+/=="], injected.Secrets);
    }

    [Fact]
    public async Task Basic_joins_user_and_password_in_UTF_8_and_names_the_pair_as_a_secret_too()
    {
        var injected = await InjectAsync(AuthScheme.Basic, "pä:ss word");
        Assert.Null(injected.Problem);
        var pair = Convert.ToBase64String(Encoding.UTF8.GetBytes("reader:pä:ss word"));
        Assert.Equal("Basic " + pair, Header("Authorization"));
        Assert.Equal(["pä:ss word", pair], injected.Secrets);
    }

    [Theory]
    [InlineData("service-reader", true, 3)]
    [InlineData("admin", true, 2)]            // too short to be told from text, and no secret
    [InlineData("service-reader", false, 2)]  // written in the integration for all to read
    public async Task A_user_name_from_a_store_is_a_secret_when_it_can_be_told_from_text(string user, bool fromStore, int secrets)
    {
        var auth = SenderFixture.Auth(AuthScheme.Basic) with { Options = fromStore ? [] : new Dictionary<string, string> { ["username"] = user } };
        var injected = await InjectAsync(auth, fromStore ? [Slot("password", "password"), Slot("username", user)] : [Slot("password", "password")]);
        Assert.Equal(secrets, injected.Secrets.Count);
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(user + ":password")), Header("Authorization"));
    }

    [Fact]
    public async Task A_header_of_the_targets_own_replaces_what_a_rule_may_have_set()
    {
        _request.Headers.TryAddWithoutValidation("X-Api-Key", "from a rule");
        Assert.Null((await InjectAsync(AuthScheme.Header, "key-123!")).Problem);
        Assert.Equal("key-123!", Header("X-Api-Key"));
    }

    [Fact]
    public async Task Several_headers_may_carry_several_secrets_with_text_around_them()
    {
        var auth = new AuthSettings
        {
            Scheme = AuthScheme.Header,
            Fields =
            [
                new("Authorization", [new("Token id=", null), new(null, "id"), new(", key=", null), new(null, "key")]),
                new("X-Key", [new(null, "key")]),
            ],
        };
        var injected = await InjectAsync(auth, Slot("id", "id-of-six"), Slot("key", "key-of-six"));
        Assert.Equal("Token id=id-of-six, key=key-of-six", Header("Authorization"));
        Assert.Equal("key-of-six", Header("X-Key"));
        Assert.Equal(["id-of-six", "key-of-six"], injected.Secrets);
    }

    [Fact]
    public async Task A_query_parameter_stands_behind_those_of_the_rule_and_is_encoded()
    {
        var injected = await InjectAsync(AuthScheme.Query, "a key&b=c#d");
        Assert.Null(injected.Problem);
        Assert.Equal("/a?b=%2F&api_key=a%20key%26b%3Dc%23d", _request.RequestUri!.PathAndQuery);
        Assert.Equal(["a key&b=c#d"], injected.Secrets);
    }

    [Theory]
    [InlineData("http://target.example/a", "/a?api_key=the-key")]
    [InlineData("http://target.example/%2e%2e/%41", "/%2e%2e/%41?api_key=the-key")]
    public async Task What_the_rule_built_stays_byte_for_byte(string address, string expected)
    {
        _request.RequestUri = new Uri(address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        Assert.Null((await InjectAsync(AuthScheme.Query, "the-key")).Problem);
        Assert.Equal(expected, _request.RequestUri.PathAndQuery);
    }

    [Theory]
    [InlineData("http://target.example/a?api_key=mine")]
    [InlineData("http://target.example/a?b=1&API%5fkey=mine")]
    [InlineData("http://target.example/a?b=1&api_key")]
    public async Task A_query_parameter_that_is_there_already_is_refused(string address)
    {
        _request.RequestUri = new Uri(address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        Assert.NotNull((await InjectAsync(AuthScheme.Query, "the-key")).Problem);
        Assert.DoesNotContain("the-key", _request.RequestUri.OriginalString);
    }

    [Fact]
    public async Task None_adds_nothing()
    {
        Assert.Empty((await InjectAsync(SenderFixture.Auth(AuthScheme.None))).Secrets);
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
    [InlineData(AuthScheme.Query, "key\n")]
    public async Task A_secret_that_would_be_more_than_a_credential_is_refused_and_not_quoted(AuthScheme scheme, string secret)
    {
        var injected = await InjectAsync(scheme, secret);
        Assert.NotNull(injected.Problem);
        Assert.DoesNotContain(secret, injected.Problem);
        Assert.Empty(injected.Secrets);
        Assert.Empty(_request.Headers);
        Assert.Equal("/a?b=%2F", _request.RequestUri!.PathAndQuery);
    }

    [Theory]
    [InlineData("read:er")]
    [InlineData("read\ner")]
    public async Task A_user_name_that_basic_cannot_carry_is_refused(string user)
    {
        Assert.NotNull((await InjectAsync(SenderFixture.Auth(AuthScheme.Basic), Slot("password", "password"), Slot("username", user))).Problem);
        Assert.Empty(_request.Headers);
    }

    [Fact]
    public async Task Printing_a_credential_or_what_came_of_it_shows_nothing()
    {
        var slots = new CredentialSlots(Slot("password", "canary-1"), Slot("username", "canary-2"));
        Assert.DoesNotContain("canary", slots.ToString());
        Assert.DoesNotContain("canary", (await InjectAsync(AuthScheme.Basic, "canary-3")).ToString());
    }

    private ValueTask<Injected> InjectAsync(AuthScheme scheme, string secret)
    {
        var auth = SenderFixture.Auth(scheme);
        return InjectAsync(auth, Slot(auth.Read![0].Slot, secret));
    }

    private ValueTask<Injected> InjectAsync(AuthSettings auth, params KeyValuePair<string, SecretValue>[] slots) =>
        _injectors.For(auth.Scheme).InjectAsync(new InjectionContext
        {
            Message = _request, Body = default, Write = false, Left = TimeSpan.FromSeconds(30), Secrets = new CredentialSlots(slots), Caller = SenderFixture.Context,
            Integration = SenderFixture.Target(80) with { BaseUrl = new Uri("http://target.example"), Auth = auth },
        }, default);

    private string Header(string name) => Assert.Single(_request.Headers.GetValues(name));

    private static KeyValuePair<string, SecretValue> Slot(string name, string text) => new(name, new SecretValue(text, "1", DateTimeOffset.UnixEpoch));
}
