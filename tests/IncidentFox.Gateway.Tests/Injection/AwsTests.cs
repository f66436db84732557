using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using IncidentFox.Gateway.Tests.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

public sealed class AwsTests : IAsyncLifetime
{
    private const string Id = "AKIACANARYEXAMPLE1";
    private const string Secret = "canary/secret+access/key0000000000000000";
    private const string RoleId = "ASIACANARYEXAMPLE2";
    private const string RoleSecret = "canary/secret+of+the/role000000000000000";
    private const string RoleSession = "canary//session+token=";

    private readonly SenderFixture _fixture = new();
    private TestServer _aws = null!;
    private TestServer _sts = null!;

    public async ValueTask InitializeAsync()
    {
        _fixture.Vault["id"] = Id;
        _fixture.Vault["secret"] = Secret;
        _aws = await TestServer.StartAsync(seen => Verify(seen, "monitoring") is { } problem
            ? new Reply(403, problem, "text/plain")
            : new Reply(200, string.Join('\n', seen.Headers.Select(h => $"{h.Key}: {h.Value}")), "text/plain"));
        _sts = await TestServer.StartAsync(seen => Verify(seen, "sts") is { } problem ? new Reply(403, $"<Error>canary {problem}</Error>", "text/xml") : new Reply(200, Credentials(), "text/xml"));
    }

    public async ValueTask DisposeAsync()
    {
        _fixture.Dispose();
        await _aws.DisposeAsync();
        await _sts.DisposeAsync();
    }

    [Fact]
    public async Task A_request_is_signed_so_that_a_server_that_computes_it_anew_agrees()
    {
        var (status, body) = await _fixture.AnswerAsync(Post("/path/a%2Fb", "Action=ListMetrics&Dimension=%E1%88%B4", ("X-Amz-Target", "Logs_20140328.Describe")));
        Assert.Equal(200, status);
        var seen = Assert.Single(_aws.Requests);
        Assert.Equal("20260304T050607Z", seen.Header("X-Amz-Date"));
        Assert.Contains("SignedHeaders=content-type;host;x-amz-date;x-amz-target,", seen.Header("Authorization"));
        Assert.Contains(Id, seen.Header("Authorization"));
        Assert.DoesNotContain(Id, body);
        Assert.DoesNotContain(seen.Header("Authorization").Split("Signature=")[1], body);   // good for this request for minutes
    }

    [Fact]
    public async Task A_reads_path_and_query_are_signed_as_they_are_sent()
    {
        Assert.Equal(200, (await _fixture.AnswerAsync(SenderFixture.Get(Integration(), "/v2/logs:tail/%E1%88%B4?b=2&a=%2F%20x&a=1"))).Status);
        Assert.Equal("/v2/logs:tail/%E1%88%B4?b=2&a=%2F%20x&a=1", Assert.Single(_aws.Requests).Target);
    }

    [Fact]
    public async Task A_session_token_is_sent_signed_and_does_not_come_back()
    {
        _fixture.Vault["session"] = "canary/session/token==";
        var integration = Integration();
        integration = integration with { Auth = integration.Auth with { Read = [.. integration.Auth.Read!, new("session_token", "keyvault://acme/session")] } };
        var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(integration));
        Assert.Equal(200, status);
        Assert.Contains("x-amz-date;x-amz-security-token,", Assert.Single(_aws.Requests).Header("Authorization"));
        Assert.DoesNotContain("canary", body);
    }

    [Fact]
    public async Task A_wrong_key_is_the_targets_answer()
    {
        _fixture.Vault["secret"] = "another/secret+access/key000000000000000";
        Assert.Equal(403, (await _fixture.AnswerAsync(SenderFixture.Get(Integration()))).Status);
    }

    [Theory]
    [InlineData("short", Secret)]
    [InlineData("AKIA CANARYEXAMPLE1", Secret)]
    [InlineData("AKIACANARYEXAMPLE1\r\n", Secret)]
    [InlineData(Id, "canary with space")]
    [InlineData(Id, "canary\n")]
    public async Task A_key_that_is_none_is_not_used(string id, string secret)
    {
        (_fixture.Vault["id"], _fixture.Vault["secret"]) = (id, secret);
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Integration()))).Code);
        Assert.Empty(_aws.Requests);
        Assert.All(_fixture.Logged, l => Assert.DoesNotContain("canary", l));
    }

    [Fact]
    public async Task A_role_is_assumed_once_and_its_key_signs()
    {
        for (var i = 0; i < 3; i++)
        {
            var (status, body) = await _fixture.AnswerAsync(SenderFixture.Get(Role()));
            Assert.Equal(200, status);
            Assert.DoesNotContain("canary", body);
            Assert.DoesNotContain(RoleId, body);
        }
        var asked = Assert.Single(_sts.Requests);
        Assert.Equal(new()
        {
            ["Action"] = "AssumeRole", ["Version"] = "2011-06-15", ["RoleArn"] = "arn:aws:iam::123456789012:role/incidentfox", ["RoleSessionName"] = "incidentfox-payments",
            ["DurationSeconds"] = "3600", ["ExternalId"] = "acme-1",
        }, asked.Form);
        Assert.All(_aws.Requests, r => Assert.Equal(RoleSession, r.Header("X-Amz-Security-Token")));
        _fixture.Time.Advance(TimeSpan.FromMinutes(54));
        await _fixture.AnswerAsync(SenderFixture.Get(Role()));
        Assert.Equal(2, _sts.Requests.Count);
    }

    [Fact]
    public async Task A_role_that_may_not_be_assumed_is_said_without_the_words_of_STS()
    {
        _fixture.Vault["secret"] = "another/secret+access/key000000000000000";
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Role()))).Code);
        Assert.Empty(_aws.Requests);
        Assert.Contains(_fixture.Logged, l => l.Contains("trust policy", StringComparison.Ordinal) && l.Contains("keyvault://acme/secret", StringComparison.Ordinal));
        Assert.All(_fixture.Logged, l => Assert.DoesNotContain("canary", l));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("<AssumeRoleResponse/>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b \"bbbbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><a>&c;</a>")]
    public async Task Garbage_of_STS_is_no_credential(string answer)
    {
        _sts.Answer = _ => Task.FromResult(new Reply(200, answer, "text/xml"));
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Role()))).Code);
        Assert.Empty(_aws.Requests);
    }

    [Theory]
    [InlineData(RoleId, "<X/>")]
    [InlineData(RoleSecret, "")]
    [InlineData(RoleSession, "a\nb")]
    [InlineData("2026-03-04T06:06:07Z", "2026-03-04T05:06:07Z")]   // expired
    [InlineData("2026-03-04T06:06:07Z", "2027-03-04T05:06:07Z")]
    [InlineData("2026-03-04T06:06:07Z", "tomorrow")]
    [InlineData("sts.amazonaws.com/doc", "evil.example/doc")]
    public async Task An_answer_of_STS_that_lacks_something_is_refused(string good, string bad)
    {
        _sts.Answer = _ => Task.FromResult(new Reply(200, Credentials().Replace(good, bad, StringComparison.Ordinal), "text/xml"));
        Assert.Equal("credential_unavailable", (await _fixture.FailureAsync(SenderFixture.Get(Role()))).Code);
        Assert.Empty(_aws.Requests);
    }

    private Integration Integration(params (string Name, string Value)[] more) => SenderFixture.Target(_aws.Port) with
    {
        Auth = new AuthSettings
        {
            Scheme = AuthScheme.AwsSigV4,
            Read = [new("access_key_id", "keyvault://acme/id"), new("secret_access_key", "keyvault://acme/secret")],
            Options = new[] { ("region", "eu-west-1"), ("service", "monitoring") }.Concat(more).ToDictionary(o => o.Item1, o => o.Item2),
        },
    };

    private Integration Role() => Integration(
        ("role_arn", "arn:aws:iam::123456789012:role/incidentfox"), ("external_id", "acme-1"), ("sts_url", $"http://127.0.0.1:{_sts.Port}/"));

    private OutgoingRequest Post(string path, string body, params (string, string)[] headers) => new()
    {
        Integration = Integration(), Method = "POST", PathAndQuery = path, Headers = headers, ContentType = "application/x-www-form-urlencoded",
        Body = Encoding.UTF8.GetBytes(body), UseWriteCredential = false,
        Call = new ToolCall { Integration = "prometheus", Tool = "tool", Effect = ToolEffect.Read, RuleVersion = "1", Parameters = [] },
    };

    private static string Credentials() => $"""
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>{RoleId}</AccessKeyId><SecretAccessKey>{RoleSecret}</SecretAccessKey><SessionToken>{RoleSession}</SessionToken>
        <Expiration>2026-03-04T06:06:07Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
        """;

    // What AWS does: everything is taken from what came over the wire, and computed anew.
    private string? Verify(Seen seen, string service)
    {
        var header = seen.Header("Authorization");
        if (!header.StartsWith("AWS4-HMAC-SHA256 Credential=", StringComparison.Ordinal))
            return "MissingAuthenticationToken";
        var fields = header["AWS4-HMAC-SHA256 ".Length..].Split(", ").Select(f => f.Split('=', 2)).ToDictionary(f => f[0], f => f[1]);
        var scope = fields["Credential"].Split('/');
        var secret = scope[0] == RoleId && seen.Header("X-Amz-Security-Token") == RoleSession ? RoleSecret : scope[0] == Id ? Secret : "?";
        var date = seen.Header("X-Amz-Date");
        var skew = DateTimeOffset.ParseExact(date, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) - _fixture.Time.GetUtcNow();
        if (skew.Duration() > TimeSpan.FromMinutes(5) || !scope.Skip(1).SequenceEqual([date[..8], "eu-west-1", service, "aws4_request"]))
            return "SignatureDoesNotMatch: scope";
        var target = seen.Target.Split('?', 2);
        var path = string.Concat(target[0].Select(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '.' or '_' or '~' ? $"{c}" : $"%{(int)c:X2}"));
        var query = target.Length < 2 ? "" : string.Join('&', target[1].Split('&').Order(StringComparer.Ordinal));
        var names = fields["SignedHeaders"].Split(';');
        foreach (var needed in seen.Headers.Keys.Select(h => h.ToLowerInvariant()).Where(h => h is "host" or "content-type" || h.StartsWith("x-amz-", StringComparison.Ordinal)))
            Assert.Contains(needed, names);
        var canonical = $"{seen.Method}\n{path}\n{query}\n{string.Concat(names.Select(n => $"{n}:{seen.Header(n)}\n"))}\n{fields["SignedHeaders"]}\n{Hex(SHA256.HashData(seen.Body))}";
        var key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (var step in scope.Skip(1))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(step));
        var toSign = $"AWS4-HMAC-SHA256\n{date}\n{string.Join('/', scope.Skip(1))}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        return Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign))) == fields["Signature"] ? null : "SignatureDoesNotMatch";
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
