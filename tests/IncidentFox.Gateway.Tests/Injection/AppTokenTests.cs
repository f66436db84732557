using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

/// <summary>GitHub Apps, Google service accounts and applications of Microsoft Entra ID.</summary>
public sealed class AppTokenTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly RSA _key = RSA.Create(2048);

    public void Dispose() => _key.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_installation_token_is_given_for_an_assertion_that_the_Apps_key_signed(bool pkcs8)
    {
        await using var world = await GitHubAsync(pkcs8 ? _key.ExportPkcs8PrivateKeyPem() : _key.ExportRSAPrivateKeyPem());
        await world.ReadAsync(GitHub(world));
        await world.ReadAsync(GitHub(world));
        var asked = Assert.Single(world.Target.Requests, r => r.Method == "POST");
        Assert.Equal("/app/installations/678/access_tokens", asked.Target);
        Assert.Equal("application/vnd.github+json", asked.Header("Accept"));
        Assert.Equal("2022-11-28", asked.Header("X-GitHub-Api-Version"));
        var (header, payload) = MintFixture.Verify(asked.Header("Authorization")["Bearer ".Length..], _key);
        Assert.Equal("RS256", (string)header["alg"]!);
        Assert.Equal("12345", (string)payload["iss"]!);
        Assert.Equal(Now.AddSeconds(-60).ToUnixTimeSeconds(), (long)payload["iat"]!);
        Assert.InRange((long)payload["exp"]! - Now.ToUnixTimeSeconds(), 1, 600);
        world.Sender.Time.Advance(TimeSpan.FromMinutes(54));
        await world.ReadAsync(GitHub(world));
        Assert.Equal(2, world.Minted);
    }

    [Fact]
    public async Task Another_key_than_the_Apps_gets_no_token()
    {
        using var another = RSA.Create(2048);
        await using var world = await GitHubAsync(another.ExportRSAPrivateKeyPem());
        Assert.Equal("credential_unavailable", (await world.Sender.FailureAsync(SenderFixture.Get(GitHub(world)))).Code);
        Assert.Single(world.Target.Requests);
        Assert.Contains(world.Sender.Logged, l => l.Contains("status 401", StringComparison.Ordinal) && l.Contains("keyvault://acme/read", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("canary")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nY2FuYXJ5\n-----END RSA PRIVATE KEY-----")]
    [InlineData("-----BEGIN ENCRYPTED PRIVATE KEY-----\nY2FuYXJ5\n-----END ENCRYPTED PRIVATE KEY-----")]
    [InlineData("public")]
    [InlineData("tiny")]
    [InlineData("two")]
    [InlineData("elliptic")]
    public async Task A_key_that_is_none_is_not_used_and_not_quoted(string kind)
    {
        using var tiny = RSA.Create(1024);
        using var curve = ECDsa.Create();
        var key = kind switch
        {
            "public" => _key.ExportSubjectPublicKeyInfoPem(),
            "tiny" => tiny.ExportPkcs8PrivateKeyPem(),
            "two" => _key.ExportPkcs8PrivateKeyPem() + "\n" + tiny.ExportPkcs8PrivateKeyPem(),
            "elliptic" => curve.ExportPkcs8PrivateKeyPem(),
            _ => kind,
        };
        await using var world = await GitHubAsync(key);
        Assert.Contains("keyvault://acme/read", await world.NoCredentialAsync(GitHub(world)));
    }

    [Theory]
    [InlineData("""{"token":"TOKEN"}""")]
    [InlineData("""{"token":"TOKEN","expires_at":"soon"}""")]
    [InlineData("""{"token":"TOKEN","expires_at":"2026-03-04T05:06:07Z"}""")]
    [InlineData("""{"token":"TOKEN","expires_at":"2027-03-04T05:06:07Z"}""")]
    [InlineData("""{"expires_at":"2026-03-04T06:06:07Z"}""")]
    public async Task An_installation_token_without_a_sensible_end_is_refused(string answer)
    {
        await using var world = await GitHubAsync(_key.ExportRSAPrivateKeyPem());
        var take = world.Target.Answer;
        world.Target.Answer = seen => seen.Method == "POST" ? Task.FromResult(new Reply(201, answer.Replace("TOKEN", world.NewToken(), StringComparison.Ordinal))) : take(seen);
        Assert.Equal("credential_unavailable", (await world.Sender.FailureAsync(SenderFixture.Get(GitHub(world)))).Code);
        Assert.DoesNotContain(world.Target.Requests, r => r.Method == "GET");
        Assert.All(world.Sender.Logged, l => Assert.DoesNotContain("canary", l));
    }

    [Fact]
    public async Task A_service_account_gets_a_token_for_an_assertion_that_its_key_signed()
    {
        await using var world = await GoogleAsync();
        await world.ReadAsync(Google(world));
        var asked = Assert.Single(world.Endpoint.Requests);
        Assert.Equal("urn:ietf:params:oauth:grant-type:jwt-bearer", asked.Form["grant_type"]);
        var (header, payload) = MintFixture.Verify(asked.Form["assertion"], _key);
        Assert.Equal(("RS256", "key-1"), ((string)header["alg"]!, (string)header["kid"]!));
        Assert.Equal(
            ("fox@acme.iam.gserviceaccount.example", "https://www.googleapis.com/auth/logging.read", world.EndpointUrl),
            ((string)payload["iss"]!, (string)payload["scope"]!, (string)payload["aud"]!));
        Assert.Equal((Now.ToUnixTimeSeconds(), Now.AddHours(1).ToUnixTimeSeconds()), ((long)payload["iat"]!, (long)payload["exp"]!));
    }

    [Theory]
    [InlineData("type", "authorized_user")]
    [InlineData("client_email", "")]
    [InlineData("private_key", "canary")]
    [InlineData("token_uri", "https://evil.example/token")]
    [InlineData("token_uri", null)]
    public async Task A_key_file_that_says_something_else_is_not_used(string member, string? value)
    {
        await using var world = await GoogleAsync(file => file[member] = value);
        await world.NoCredentialAsync(Google(world));
        Assert.Empty(world.Endpoint.Requests);
    }

    [Theory]
    [InlineData("canary")]
    [InlineData("[1]")]
    [InlineData("{\"type\":\"service_account\",\"type\":\"service_account\"}")]
    public async Task A_key_file_that_is_none_is_not_used(string file)
    {
        await using var world = await GoogleAsync();
        world.Sender.Vault["read"] = file;
        await world.NoCredentialAsync(Google(world));
        Assert.Empty(world.Endpoint.Requests);
    }

    [Fact]
    public async Task The_private_key_in_a_key_file_does_not_come_back_either()
    {
        await using var world = await GoogleAsync();
        world.Target.Answer = _ => Task.FromResult(new Reply(200, $"secret of a pod: {_key.ExportPkcs8PrivateKeyPem()}", "text/plain"));
        var (_, body) = await world.Sender.AnswerAsync(SenderFixture.Get(Google(world)));
        Assert.Equal("secret of a pod: [redacted]", body);
    }

    [Fact]
    public async Task An_application_gets_a_token_of_its_directory_for_its_secret()
    {
        await using var world = await MintFixture.StartAsync((_, seen) => seen.Form["client_secret"] == "canary-azure~secret");
        world.Sender.Vault["read"] = "canary-azure~secret";
        await world.ReadAsync(Azure(world, "client_secret"));
        var asked = Assert.Single(world.Endpoint.Requests);
        Assert.Equal("/contoso.example/oauth2/v2.0/token", asked.Target);
        Assert.Equal(new()
        {
            ["client_id"] = "11111111-2222-3333-4444-555555555555", ["scope"] = "https://api.loganalytics.io/.default", ["grant_type"] = "client_credentials",
            ["client_secret"] = "canary-azure~secret",
        }, asked.Form);
    }

    [Fact]
    public async Task Or_for_a_token_that_it_trusts()
    {
        await using var world = await MintFixture.StartAsync((_, _) => true);
        world.Sender.Vault["read"] = "canary.federated.token\n";
        await world.ReadAsync(Azure(world, "federated_token"));
        var form = Assert.Single(world.Endpoint.Requests).Form;
        Assert.Equal("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form["client_assertion_type"]);
        Assert.Equal("canary.federated.token", form["client_assertion"]);
        Assert.DoesNotContain("client_secret", form.Keys);
    }

    [Fact]
    public async Task A_wrong_secret_of_an_application_is_said_with_its_reference()
    {
        await using var world = await MintFixture.StartAsync((_, _) => false);
        Assert.Contains("invalid_client", await world.NoCredentialAsync(Azure(world, "client_secret")));
    }

    // GitHub's API and its token endpoint are one server.
    private async Task<MintFixture> GitHubAsync(string key)
    {
        var world = await MintFixture.StartAsync((_, _) => false);
        world.Sender.Vault["read"] = key;
        var take = world.Target.Answer;
        world.Target.Answer = seen =>
        {
            if (seen.Method != "POST")
                return take(seen);
            try
            {
                MintFixture.Verify(seen.Header("Authorization")["Bearer ".Length..], _key);
            }
            catch (Xunit.Sdk.XunitException)
            {
                return Task.FromResult(new Reply(401, """{"message":"canary: A JSON web token could not be decoded"}"""));
            }
            return Task.FromResult(new Reply(201, new JsonObject { ["token"] = world.NewToken(), ["expires_at"] = world.Sender.Time.GetUtcNow().AddHours(1).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"), ["permissions"] = new JsonObject() }.ToJsonString()));
        };
        return world;
    }

    private static Integration GitHub(MintFixture world) =>
        world.Integration(AuthScheme.GitHubApp, "private_key", ("app_id", "12345"), ("installation_id", "678"));

    private async Task<MintFixture> GoogleAsync(Action<JsonObject>? change = null)
    {
        var world = await MintFixture.StartAsync((_, seen) => MintFixture.Verify(seen.Form["assertion"], _key).Payload.Count > 0);
        var file = new JsonObject
        {
            ["type"] = "service_account", ["project_id"] = "acme", ["private_key_id"] = "key-1", ["private_key"] = _key.ExportPkcs8PrivateKeyPem(),
            ["client_email"] = "fox@acme.iam.gserviceaccount.example", ["token_uri"] = world.EndpointUrl,
        };
        change?.Invoke(file);
        world.Sender.Vault["read"] = file.ToJsonString();
        return world;
    }

    private static Integration Google(MintFixture world) => world.Integration(
        AuthScheme.GoogleServiceAccount, "key", ("scope", "https://www.googleapis.com/auth/logging.read"), ("token_url", world.EndpointUrl));

    private static Integration Azure(MintFixture world, string slot) => world.Integration(
        AuthScheme.AzureAd, slot, ("tenant_id", "contoso.example"), ("client_id", "11111111-2222-3333-4444-555555555555"),
        ("scope", "https://api.loganalytics.io/.default"), ("authority", $"http://127.0.0.1:{world.Endpoint.Port}/"));
}
