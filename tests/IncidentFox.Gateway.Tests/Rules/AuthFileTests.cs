using IncidentFox.Gateway.Rules;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

public sealed class AuthFileTests
{
    [Theory]
    [InlineData("{scheme: none}", "none")]
    [InlineData("{scheme: bearer, read: \"file:///r\", write: \"file:///w\"}", "file:///r")]
    [InlineData("{scheme: bearer, read: {token: \"file:///r\"}}", "file:///r")]
    [InlineData("{scheme: basic, username: ann, read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: basic, username: \"env://USER_NAME\", read: \"file:///r\"}", "password=file:///r;username=env://USER_NAME")]
    [InlineData("{scheme: header, header: X-Api-Key, read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: header, header: Authorization, prefix: \"GenieKey \", read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: header, headers: {DD-API-KEY: \"{api_key}\", DD-APPLICATION-KEY: \"{application_key}\"}, read: {application_key: \"file:///b\", api_key: \"file:///a\"}}", "api_key=file:///a;application_key=file:///b")]
    [InlineData("{scheme: query, query: {key: \"{api_key}\"}, read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: oauth2_client_credentials, token_url: \"https://id.example/token\", client_id: c, read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: github_app, app_id: 12345, installation_id: \"678\", read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: aws_sigv4, region: eu-west-1, service: monitoring, read: {secret_access_key: \"file:///s\", access_key_id: \"file:///a\"}}", "access_key_id=file:///a;secret_access_key=file:///s")]
    [InlineData("{scheme: azure_ad, tenant_id: t, client_id: c, scope: \"https://x.example/.default\", read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: azure_ad, tenant_id: t, client_id: c, scope: s, read: {federated_token: \"file:///r\"}}", "file:///r")]
    [InlineData("{scheme: google_service_account, scope: \"https://www.googleapis.com/auth/logging.read\", read: \"file:///r\"}", "file:///r")]
    [InlineData("{scheme: mtls, read: {certificate: \"file:///c\", private_key: \"file:///k\"}}", "certificate=file:///c;private_key=file:///k")]
    [InlineData("{scheme: kubeconfig, read: \"file:///r\", context: \"admin@prod\"}", "file:///r")]
    public void Every_scheme_can_be_written_down(string auth, string reference)
    {
        var settings = Assert.Single(Sample.Load(("own.yaml", File(auth))).All).Auth;
        Assert.Equal(reference, settings.ReferenceFor(write: false));
        Assert.Equal(settings.Scheme == AuthScheme.None || auth.Contains("write", StringComparison.Ordinal), settings.HasCredential(write: true));
    }

    [Theory]
    [InlineData("{scheme: magic, read: \"file:///r\"}", "own.yaml:3: auth.scheme: must be one of none, bearer")]
    [InlineData("{read: \"file:///r\"}", "'auth.scheme' is missing")]
    [InlineData("{scheme: bearer}", "'auth.read' is missing")]
    [InlineData("{scheme: bearer, read: hunter2-pasted}", "auth.read: must be a reference")]
    [InlineData("{scheme: bearer, read: {token: hunter2-pasted}}", "auth.read.token: must be a reference")]
    [InlineData("{scheme: bearer, read: {}}", "auth.read: must name 1 to 10")]
    [InlineData("{scheme: bearer, read: [\"file:///r\"]}", "must be a mapping")]
    [InlineData("{scheme: bearer, read: {password: \"file:///r\"}}", "auth.read: names the secrets by slot: token")]
    [InlineData("{scheme: bearer, region: eu-west-1, read: \"file:///r\"}", "auth.region: is not an option of bearer; it has none")]
    [InlineData("{scheme: none, read: \"file:///r\"}", "names a secret but its scheme is none")]
    [InlineData("{scheme: basic, read: \"file:///r\"}", "'auth.username' is missing")]
    [InlineData("{scheme: basic, username: \"a:b\", read: \"file:///r\"}", "auth.username: must match")]
    [InlineData("{scheme: header, read: \"file:///r\"}", "'auth.header' is missing")]
    [InlineData("{scheme: header, header: Content-Length, read: \"file:///r\"}", "are refused")]
    [InlineData("{scheme: header, header: \"X Y\", read: \"file:///r\"}", "auth.header: must match")]
    [InlineData("{scheme: header, headers: {Host: \"{a}\"}, read: \"file:///r\"}", "are refused")]
    [InlineData("{scheme: header, headers: {X-Key: hunter2-pasted}, read: \"file:///r\"}", "auth.headers: each is")]
    [InlineData("{scheme: header, headers: {X-Key: \"{a\"}, read: \"file:///r\"}", "auth.headers: each is")]
    [InlineData("{scheme: header, headers: {X-Key: \"{a}\\n\"}, read: \"file:///r\"}", "auth.headers: each is")]
    [InlineData("{scheme: header, headers: {X-Key: \"{a}\", x-key: \"{a}\"}, read: \"file:///r\"}", "names one twice")]
    [InlineData("{scheme: header, header: X-Key, headers: {X-Key: \"{a}\"}, read: \"file:///r\"}", "state one or the other")]
    [InlineData("{scheme: header, headers: {A: \"{a}\", B: \"{b}\"}, read: \"file:///r\"}", "names the secrets by slot: a, b")]
    [InlineData("{scheme: header, headers: {A: \"{a}\", B: \"{b}\"}, read: {a: \"file:///r\"}}", "'b' is missing")]
    [InlineData("{scheme: bearer, headers: {A: \"{a}\"}, read: \"file:///r\"}", "auth.headers: goes with the scheme header")]
    [InlineData("{scheme: query, read: \"file:///r\"}", "'auth.query' is missing")]
    [InlineData("{scheme: query, query: {\"a&b\": \"{a}\"}, read: \"file:///r\"}", "auth.query: each is")]
    [InlineData("{scheme: oauth2_client_credentials, client_id: c, read: \"file:///r\"}", "'auth.token_url' is missing")]
    [InlineData("{scheme: oauth2_client_credentials, client_id: c, token_url: \"https://u:hunter2@id.example/\", read: \"file:///r\"}", "auth.token_url: must match")]
    [InlineData("{scheme: oauth2_client_credentials, client_id: c, token_url: \"ftp://id.example/\", read: \"file:///r\"}", "auth.token_url: must match")]
    [InlineData("{scheme: oauth2_client_credentials, client_id: \"file:///r\", token_url: \"https://id.example/\", read: \"file:///r\"}", "auth.client_id: is no secret")]
    [InlineData("{scheme: oauth2_client_credentials, client_id: c, client_auth: none, token_url: \"https://id.example/\", read: \"file:///r\"}", "auth.client_auth: must match basic|post")]
    [InlineData("{scheme: github_app, app_id: 1, installation_id: \"../1\", read: \"file:///r\"}", "auth.installation_id: must match")]
    [InlineData("{scheme: aws_sigv4, region: eu-west-1, service: s3, read: \"file:///r\"}", "names the secrets by slot: access_key_id, secret_access_key, session_token (optional)")]
    [InlineData("{scheme: aws_sigv4, region: eu-west-1, service: s3, role_arn: root, read: {access_key_id: \"file:///a\", secret_access_key: \"file:///s\"}}", "auth.role_arn: must match")]
    [InlineData("{scheme: azure_ad, tenant_id: t, client_id: c, scope: s, read: {federated_token: \"file:///r\", client_secret: \"file:///s\"}}", "needs exactly one of client_secret, federated_token")]
    public void A_mistake_is_named_and_no_value_is_repeated(string auth, string expected)
    {
        var errors = Sample.Errors(("own.yaml", File(auth)));
        Assert.Contains(errors, e => e.Contains(expected, StringComparison.Ordinal) && e.StartsWith("own.yaml:", StringComparison.Ordinal));
        Assert.DoesNotContain(errors, e => e.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public void Another_scheme_than_the_shipped_one_takes_nothing_over_from_it()
    {
        var prometheus = Sample.Prometheus.Replace("username: incidentfox", "scheme: bearer", StringComparison.Ordinal);
        Assert.Equal(AuthScheme.Bearer, Assert.Single(Sample.Load(("p.yaml", prometheus)).All).Auth.Scheme);
    }

    [Fact]
    public void What_a_call_is_frozen_for_changes_with_the_user_not_with_the_order_of_the_file()
    {
        static string Identity(string auth) => Sample.Load(("own.yaml", File(auth))).All[0].Auth.IdentityFor(write: false);
        Assert.Equal("file:///r", Identity("{scheme: bearer, read: \"file:///r\"}"));
        Assert.StartsWith("file:///r;settings=", Identity("{scheme: basic, username: ann, read: \"file:///r\"}"));
        Assert.Equal(Identity("{scheme: basic, username: ann, read: \"file:///r\"}"), Identity("{read: \"file:///r\", username: ann, scheme: basic}"));
        Assert.NotEqual(Identity("{scheme: basic, username: ann, read: \"file:///r\"}"), Identity("{scheme: basic, username: bob, read: \"file:///r\"}"));
        Assert.NotEqual(
            Identity("{scheme: header, headers: {A: \"{a}\"}, read: \"file:///r\"}"),
            Identity("{scheme: header, headers: {B: \"{a}\"}, read: \"file:///r\"}"));
    }

    [Fact]
    public void The_table_of_schemes_is_whole()
    {
        Assert.Equal(Enum.GetValues<AuthScheme>(), AuthSchemes.All.Select(s => s.Scheme));
        Assert.All(AuthSchemes.All, s => Assert.StartsWith("https://", s.Source));
        Assert.All(AuthSchemes.All.SelectMany(s => s.Options), o => Assert.False(o.Required && o.Default is not null));
    }

    private static string File(string auth) => $$"""
        integration: own
        base_url: https://own.example
        auth: {{auth}}
        tools:
          look: {description: Looks., effect: read, request: GET /look, data: own}
        """;
}
