namespace IncidentFox.Gateway.Rules;

/// <summary>One of the secrets a scheme needs.</summary>
/// <param name="Name">As it is written under <c>auth.read</c> and <c>auth.write</c>.</param>
/// <param name="Description">For people.</param>
/// <param name="Need">Whether it must be there.</param>
public sealed record AuthSlot(string Name, string Description, AuthNeed Need = AuthNeed.Required);

/// <summary>Whether a slot must be filled.</summary>
public enum AuthNeed
{
    /// <summary>Always.</summary>
    Required,

    /// <summary>Exactly one of the scheme's slots of this kind.</summary>
    OneOf,

    /// <summary>Where there is one.</summary>
    Optional,
}

/// <summary>Something a scheme must know that is no secret.</summary>
/// <param name="Name">As it is written under <c>auth</c>.</param>
/// <param name="Description">For people.</param>
/// <param name="Pattern">Regular expression of the whole value.</param>
/// <param name="Required">Whether it must be stated.</param>
/// <param name="Default">When it is not.</param>
public sealed record AuthOption(string Name, string Description, string Pattern, bool Required = false, string? Default = null)
{
    /// <summary>An absolute https address (http: only where the integration's ranges allow it), without query.</summary>
    public bool IsUrl { get; init; }

    /// <summary>May be a reference to a secret instead; then it becomes a slot of this name.</summary>
    public bool MayBeReference { get; init; }
}

/// <summary>A scheme as people write and read it.</summary>
/// <param name="Scheme">Which.</param>
/// <param name="Name">As it is written.</param>
/// <param name="Description">What is sent.</param>
/// <param name="Source">Where that is specified.</param>
/// <param name="Slots">Its secrets. Those of header and query are named by their values.</param>
/// <param name="Options">What else it needs.</param>
public sealed record AuthSchemeInfo(
    AuthScheme Scheme, string Name, string Description, string Source, IReadOnlyList<AuthSlot> Slots, IReadOnlyList<AuthOption> Options)
{
    /// <summary>Whether the secrets are named by the headers or query parameters that carry them.</summary>
    public bool HasFields => Scheme is AuthScheme.Header or AuthScheme.Query;
}

/// <summary>The one table of schemes: the reader, its errors, the JSON Schema and the documentation come from it.</summary>
public static class AuthSchemes
{
    private const string Visible = "[!-~]{1,1000}";
    private const string Words = "[!-~]+( [!-~]+)*";

    /// <summary>Every scheme, in the order of the documentation.</summary>
    public static IReadOnlyList<AuthSchemeInfo> All { get; } =
    [
        new(AuthScheme.None, "none", "No credential.", "https://www.rfc-editor.org/rfc/rfc9110#section-11", [], []),
        new(AuthScheme.Bearer, "bearer", "Authorization: Bearer TOKEN", "https://www.rfc-editor.org/rfc/rfc6750#section-2.1", [new("token", "The token")], []),
        new(AuthScheme.Basic, "basic", "Authorization: Basic base64(USERNAME:PASSWORD)", "https://www.rfc-editor.org/rfc/rfc7617",
            [new("password", "The password")],
            [new("username", "The user's name, or a reference to it", "[^\\p{C}:]{1,200}", Required: true) { MayBeReference = true }]),
        new(AuthScheme.Header, "header", "Headers of the target's own, each a text with {slot} where a secret belongs", "https://www.rfc-editor.org/rfc/rfc9110#section-5",
            [],
            [
                new("header", "The header that carries the secret {value}; for several see headers", "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}"),
                new("prefix", "What stands before the secret, e.g. \"GenieKey \"", "[!-~]([ -~]{0,58}[!-~ ])?"),
            ]),
        new(AuthScheme.Query, "query", "Query parameters, each a text with {slot} where a secret belongs. They are added last, and are never logged", "https://www.rfc-editor.org/rfc/rfc3986#section-3.4", [], []),
        new(AuthScheme.OAuth2ClientCredentials, "oauth2_client_credentials", "Authorization: Bearer, with a token minted for a client's id and secret", "https://www.rfc-editor.org/rfc/rfc6749#section-4.4",
            [new("client_secret", "The client's secret")],
            [
                Url("token_url", "The token endpoint", required: true),
                new("client_id", "The client's id", Visible, Required: true),
                new("scope", "Scopes, separated by single spaces", Words),
                new("audience", "Sent as audience where the server asks for one", Visible),
                new("client_auth", "How the client shows who it is: basic or post", "basic|post", Default: "basic"),
            ]),
        new(AuthScheme.GitHubApp, "github_app", "Authorization: Bearer, with an installation's token minted at BASE_URL/app/installations/ID/access_tokens", "https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation",
            [new("private_key", "The App's private key (PEM)")],
            [
                new("app_id", "The App's id or client id", "[A-Za-z0-9._-]{1,64}", Required: true),
                new("installation_id", "The installation's id", "[0-9]{1,20}", Required: true),
            ]),
        new(AuthScheme.AwsSigV4, "aws_sigv4", "Authorization: AWS4-HMAC-SHA256, with the access key or with one minted by AssumeRole", "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html",
            [
                new("access_key_id", "The access key's id"),
                new("secret_access_key", "The secret access key"),
                new("session_token", "With temporary credentials: their session token", AuthNeed.Optional),
            ],
            [
                new("region", "The region, e.g. eu-west-1", "[a-z0-9-]{1,40}", Required: true),
                new("service", "The service's signing name, e.g. monitoring", "[a-z0-9-]{1,60}", Required: true),
                new("role_arn", "A role to assume first", "arn:[a-z0-9-]{3,20}:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}"),
                new("external_id", "Sent with AssumeRole", "[A-Za-z0-9_+=,.@:/-]{2,1224}"),
                Url("sts_url", "Where roles are assumed; unstated: the region's own endpoint of STS"),
            ]),
        new(AuthScheme.AzureAd, "azure_ad", "Authorization: Bearer, with a token minted by Microsoft Entra ID", "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow",
            [
                new("client_secret", "The application's secret", AuthNeed.OneOf),
                new("federated_token", "Instead of a secret: a token that the application trusts, e.g. the projected one of workload identity (file://)", AuthNeed.OneOf),
            ],
            [
                new("tenant_id", "The directory", "[A-Za-z0-9.-]{1,255}", Required: true),
                new("client_id", "The application", "[A-Za-z0-9-]{1,64}", Required: true),
                new("scope", "For what, e.g. https://api.loganalytics.io/.default", Words, Required: true),
                Url("authority", "Where tokens are minted", @default: "https://login.microsoftonline.com"),
            ]),
        new(AuthScheme.GoogleServiceAccount, "google_service_account", "Authorization: Bearer, with a token minted for a service account's key", "https://developers.google.com/identity/protocols/oauth2/service-account#httprest",
            [new("key", "The service account's JSON key file")],
            [
                new("scope", "Scopes, separated by single spaces, e.g. https://www.googleapis.com/auth/logging.read", Words, Required: true),
                Url("token_url", "Where tokens are minted; the key's token_uri must be the same", @default: "https://oauth2.googleapis.com/token"),
            ]),
        new(AuthScheme.Mtls, "mtls", "A client certificate in the TLS handshake", "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
            [new("certificate", "The certificate, with those between it and its authority (PEM)"), new("private_key", "Its private key (PEM)")], []),
        new(AuthScheme.Kubeconfig, "kubeconfig", "What a kubeconfig file says: a token or a client certificate, and the cluster's authority where ca_file names none", "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/",
            [new("kubeconfig", "The file")],
            [new("context", "The context to use; unstated: its current-context", "[!-~]{1,253}")]),
    ];

    /// <summary>Every scheme's name, for messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Select(s => s.Name));

    /// <summary>Every option's name, of whatever scheme.</summary>
    public static IReadOnlyList<string> OptionNames { get; } = [.. All.SelectMany(s => s.Options).Select(o => o.Name).Distinct()];

    /// <summary>A scheme as it is written; null when there is none of that name.</summary>
    public static AuthSchemeInfo? Find(string name) => All.FirstOrDefault(s => s.Name == name);

    /// <summary>What a scheme needs.</summary>
    public static AuthSchemeInfo Of(AuthScheme scheme) => All.First(s => s.Scheme == scheme);

    private static AuthOption Url(string name, string description, bool required = false, string? @default = null) =>
        new(name, description, "https?://[!-~]{1,500}", required, @default) { IsUrl = true };
}
