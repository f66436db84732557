using System.Net;
using System.Text;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class OAuth2Tests
{
    private const string Secret = "canary s3cr:t+/ä%";

    [Fact]
    public async Task The_secret_goes_to_the_endpoint_as_basic_form_encoded_and_the_token_to_the_target()
    {
        await using var world = await StartAsync((_, seen) =>
        {
            var pair = Encoding.ASCII.GetString(Convert.FromBase64String(seen.Header("Authorization")["Basic ".Length..])).Split(':');
            Assert.Equal(["my client", Secret], pair.Select(WebUtility.UrlDecode));
            Assert.Equal("POST /token application/x-www-form-urlencoded application/json", $"{seen.Method} {seen.Target} {seen.Header("Content-Type")} {seen.Header("Accept")}");
            Assert.Equal(new() { ["grant_type"] = "client_credentials", ["scope"] = "read logs", ["audience"] = "https://api.example/" }, seen.Form);
            return true;
        });
        var echo = await world.ReadAsync(world.OAuth2(more: [("scope", "read logs"), ("audience", "https://api.example/")]));
        Assert.Equal("Bearer canary-minted-1", Assert.Single(world.Target.Requests).Header("Authorization"));
        Assert.Contains("Authorization: Bearer [redacted]", echo);
        Assert.DoesNotContain(Convert.ToBase64String("canary-minted"u8)[..12], echo);   // nor in the base64 of everything
        Assert.Single(world.Endpoint.Requests);
    }

    [Fact]
    public async Task With_post_both_stand_in_the_form()
    {
        await using var world = await StartAsync((_, seen) =>
        {
            Assert.Equal("", seen.Header("Authorization"));
            Assert.Equal(new() { ["grant_type"] = "client_credentials", ["client_id"] = "my client", ["client_secret"] = Secret }, seen.Form);
            return true;
        });
        await world.ReadAsync(world.OAuth2(auth: "post"));
    }

    [Fact]
    public async Task Reads_and_writes_have_tokens_of_their_own()
    {
        await using var world = await StartAsync((_, _) => true);
        world.Sender.Vault["write"] = "another-secret";
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(200, (await world.Sender.AnswerAsync(SenderFixture.Delete(world.OAuth2()))).Status);
        Assert.Equal(["Bearer canary-minted-1", "Bearer canary-minted-2"], world.Target.Requests.Select(r => r.Header("Authorization")));
    }

    [Fact]
    public async Task A_wrong_secret_is_said_with_its_reference_and_the_standards_code_and_not_in_the_vendors_words()
    {
        await using var world = await StartAsync((_, _) => false);
        var log = await world.NoCredentialAsync(world.OAuth2());
        Assert.Contains("status 401, invalid_client", log);
        Assert.Contains("keyvault://acme/read", log);
    }

    [Theory]
    [InlineData(200, "")]
    [InlineData(200, "canary garbage")]
    [InlineData(200, "[\"canary\"]")]
    [InlineData(200, "null")]
    [InlineData(200, """{"token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"tiny1","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":17,"token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":["canary-a"],"token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-a\r\nX-Evil: 1","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-ä","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-\ud800","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary a","token_type":"Bearer","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-a","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"mac","expires_in":60}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":0}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":-60}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":31536000}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":99999999999999999999}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":1.5}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":"soon"}""")]
    [InlineData(200, """{"access_token":"canary-a","token_type":"Bearer","expires_in":{}}""")]
    [InlineData(200, """{"access_token":"canary-a","access_token":"canary-b","token_type":"Bearer","expires_in":60}""")]
    [InlineData(201, """{"access_token":"canary-a","token_type":"Bearer","expires_in":60}""")]
    [InlineData(400, """{"error":"canary_error"}""")]
    [InlineData(400, """{"error":["invalid_client"]}""")]
    [InlineData(429, """{"error":"slow_down"}""")]
    [InlineData(500, "<html>canary</html>")]
    public async Task Garbage_is_no_token_and_is_repeated_nowhere(int status, string body)
    {
        await using var world = await StartAsync((_, _) => true);
        world.Endpoint.Answer = _ => Task.FromResult(new Reply(status, body));
        await world.NoCredentialAsync(world.OAuth2());
        Assert.NotNull(Assert.Single(world.Sender.Mints).Problem);
    }

    [Theory]
    [InlineData(100_000)]        // more than is read
    [InlineData(20_000)]         // more than a header carries
    public async Task A_huge_token_is_refused(int length)
    {
        await using var world = await StartAsync((_, _) => true);
        world.Endpoint.Answer = _ => Task.FromResult(new Reply(200, $$"""{"access_token":"{{new string('a', length)}}","token_type":"Bearer","expires_in":60}"""));
        await world.NoCredentialAsync(world.OAuth2());
    }

    [Theory]
    [InlineData("\"3600\"")]
    [InlineData("3600")]
    public async Task A_life_may_be_a_number_or_a_text(string seconds)
    {
        await using var world = await StartAsync((_, _) => true);
        world.Endpoint.Answer = _ => Task.FromResult(new Reply(200, $$"""{"access_token":"{{world.NewToken()}}","token_type":"bearer","expires_in":{{seconds}}}"""));
        await world.ReadAsync(world.OAuth2());
        Assert.Equal(TimeSpan.FromHours(1), Assert.Single(world.Sender.Mints).Life);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = new WireServer(WireServer.Ok("{}"));
        await using var world = await StartAsync((_, _) => true);
        world.Endpoint.Answer = _ => Task.FromResult(new Reply(307, "") { Headers = [("Location", $"http://127.0.0.1:{elsewhere.Port}/token")] });
        Assert.Contains("redirects", await world.NoCredentialAsync(world.OAuth2()));
        Assert.Equal(0, elsewhere.Connections);
    }

    [Fact]
    public async Task An_encoded_answer_is_not_looked_into()
    {
        await using var world = await StartAsync((_, _) => true);
        world.Endpoint.Answer = _ => Task.FromResult(world.Token(60) with { Headers = [("Content-Encoding", "gzip")] });
        await world.NoCredentialAsync(world.OAuth2());
    }

    [Theory]
    [InlineData("http://id.example:{0}/token", "169.254.169.254")]
    [InlineData("http://id.example:{0}/token", "10.0.0.1")]
    [InlineData("http://id.example:{0}/token", "192.88.100.1")]   // public, but in the clear
    [InlineData("http://169.254.169.254:{0}/token", "127.0.0.1")]
    public async Task The_integrations_own_address_policy_holds_for_its_endpoint(string url, string address)
    {
        await using var world = await StartAsync((_, _) => true);
        world.Sender.Names = _ => [IPAddress.Parse(address)];
        var log = await world.NoCredentialAsync(world.OAuth2(string.Format(url, world.Endpoint.Port)));
        Assert.Contains("network.allow", log);
        Assert.Empty(world.Endpoint.Requests);
    }

    [Fact]
    public async Task An_endpoint_that_nobody_answers_at_is_said_so()
    {
        int port;
        await using (var gone = new WireServer(""))
            port = gone.Port;
        await using var world = await StartAsync((_, _) => true);
        Assert.Contains("can't be reached", await world.NoCredentialAsync(world.OAuth2($"http://127.0.0.1:{port}/token")));
    }

    [Fact]
    public async Task An_endpoint_with_a_certificate_of_nobody_known_is_not_given_the_secret()
    {
        using var authority = new TestAuthority();
        await using var server = await TestServer.StartAsync(_ => new Reply(200, "{}"), authority.Server("127.0.0.1"));
        await using var world = await StartAsync((_, _) => true);
        Assert.Contains("not trusted", await world.NoCredentialAsync(world.OAuth2($"https://127.0.0.1:{server.Port}/token")));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_secret_of_six_bytes_and_less_is_used_but_not_looked_for()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Sender.Vault["read"] = "tiny";
        await world.ReadAsync(world.OAuth2());
    }

    private static async Task<MintFixture> StartAsync(Func<MintFixture, Seen, bool> check)
    {
        var world = await MintFixture.StartAsync(check);
        world.Sender.Vault["read"] = Secret;
        return world;
    }
}
