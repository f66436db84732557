using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Core;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

/// <summary>A target that knows the tokens that an endpoint gave, and an endpoint that gives them to whom the test lets.</summary>
internal sealed class MintFixture : IAsyncDisposable
{
    public const string TokenPrefix = "canary-minted-";

    private int _minted;

    private MintFixture(TestServer endpoint, TestServer target) => (Endpoint, Target) = (endpoint, target);

    public SenderFixture Sender { get; } = new();

    /// <summary>Gives tokens.</summary>
    public TestServer Endpoint { get; }

    /// <summary>Takes them, and answers with everything it was sent.</summary>
    public TestServer Target { get; }

    /// <summary>Tokens that the target takes.</summary>
    public HashSet<string> Valid { get; } = [];

    public int Minted => Volatile.Read(ref _minted);

    /// <param name="check">Whether the endpoint gives a token for this; it may assert as well.</param>
    /// <param name="seconds">How long tokens hold.</param>
    public static async Task<MintFixture> StartAsync(Func<MintFixture, Seen, bool> check, int seconds = 3600)
    {
        MintFixture? fixture = null;
        var endpoint = await TestServer.StartAsync(seen => check(fixture!, seen) ? fixture!.Token(seconds) : new Reply(401, """{"error":"invalid_client","error_description":"canary-vendor-words"}"""));
        var target = await TestServer.StartAsync(seen => fixture!.Take(seen));
        return fixture = new MintFixture(endpoint, target);
    }

    public Reply Token(int seconds)
    {
        var token = NewToken();
        return new(200, new JsonObject { ["access_token"] = token, ["token_type"] = "Bearer", ["expires_in"] = seconds }.ToJsonString());
    }

    public string NewToken()
    {
        var token = $"{TokenPrefix}{Interlocked.Increment(ref _minted)}";
        lock (Valid)
            Valid.Add(token);
        return token;
    }

    public void Revoke()
    {
        lock (Valid)
            Valid.Clear();
    }

    private Reply Take(Seen seen)
    {
        bool known;
        lock (Valid)
            known = seen.Header("Authorization") is var header && header.StartsWith("Bearer ", StringComparison.Ordinal) && Valid.Contains(header[7..]);
        var echo = $"{seen.Method} {seen.Target}\n{string.Join('\n', seen.Headers.Select(h => $"{h.Key}: {h.Value}"))}";
        return known ? new(200, echo + "\n" + Convert.ToBase64String(Encoding.UTF8.GetBytes(echo)), "text/plain") : new(401, "who? " + echo, "text/plain");
    }

    public string EndpointUrl => $"http://127.0.0.1:{Endpoint.Port}/token";

    public Integration Integration(AuthScheme scheme, string slot, params (string Name, string Value)[] options) => SenderFixture.Target(Target.Port) with
    {
        Auth = new AuthSettings
        {
            Scheme = scheme,
            Read = [new(slot, "keyvault://acme/read")],
            Write = [new(slot, "keyvault://acme/write")],
            Options = options.ToDictionary(o => o.Name, o => o.Value),
        },
    };

    public Integration OAuth2(string? url = null, string auth = "basic", params (string Name, string Value)[] more) =>
        Integration(AuthScheme.OAuth2ClientCredentials, "client_secret", [("token_url", url ?? EndpointUrl), ("client_id", "my client"), ("client_auth", auth), .. more]);

    public static SendContext As(string team) => SenderFixture.Context with { Team = new TeamId(team) };

    /// <summary>A read that must come back with 200 and nothing secret in it.</summary>
    public async Task<string> ReadAsync(Integration integration, SendContext? context = null)
    {
        var result = await Sender.Sender.SendAsync(SenderFixture.Get(integration), context ?? SenderFixture.Context, default);
        if (result is UpstreamResult.Failed failed)
            Assert.Fail($"{failed.Code}: {failed.Sentence} {string.Join('\n', Sender.Logged)}");
        await using var response = (UpstreamResult.Response)result;
        Assert.Equal(200, response.Status);
        var body = await SenderFixture.TextAsync(response);
        Assert.DoesNotContain("canary", body);
        return body;
    }

    /// <summary>A read for which there is no credential: nothing reaches the target, and nobody is told what the endpoint said.</summary>
    public async Task<string> NoCredentialAsync(Integration integration)
    {
        var before = Target.Requests.Count;
        var failed = Assert.IsType<UpstreamResult.Failed>(await Sender.SendAsync(SenderFixture.Get(integration)));
        Assert.Equal("credential_unavailable", failed.Code);
        Assert.False(failed.MayHaveRun);
        Assert.Equal(before, Target.Requests.Count);
        Assert.DoesNotContain("canary", failed.Sentence);
        Assert.All(Sender.Logged, l => Assert.DoesNotContain("canary", l));
        Assert.All(Sender.Mints, m => Assert.DoesNotContain("canary", m.ToString()));
        return Sender.Logged.Last();
    }

    /// <summary>Header and payload of a token whose signature is right.</summary>
    public static (JsonObject Header, JsonObject Payload) Verify(string token, RSA key)
    {
        var parts = token.Split('.');
        Assert.Equal(3, parts.Length);
        Assert.All(parts, p => Assert.Matches("^[A-Za-z0-9_-]+$", p));
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        return ((JsonObject)JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!, (JsonObject)JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!);
    }

    public async ValueTask DisposeAsync()
    {
        Sender.Dispose();
        await Endpoint.DisposeAsync();
        await Target.DisposeAsync();
    }
}
