namespace IncidentFox.Gateway.Scrubbing.Foreign;

/// <summary>
/// The kinds of secrets that are looked for although they are not ours, best effort: those whose form is documented by who issues them
/// and can't be taken for anything else.
/// </summary>
internal static class ForeignKinds
{
    private const string Upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Alphanumeric = Upper + "abcdefghijklmnopqrstuvwxyz0123456789";

    public static IReadOnlyList<ForeignKind> All { get; } =
    [
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
        new TokenKind("aws-key", Upper + "0123456789", 16, exactly: true, "AKIA", "ASIA"),
        new NamedValueKind("aws-secret", " :=\"'\\\t", Alphanumeric + "/+", 40, amongOthers: false, "aws_secret_access_key", "AWS_SECRET_ACCESS_KEY", "SecretAccessKey", "secretAccessKey"),
        // https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
        new TokenKind("github-token", Alphanumeric, 36, exactly: false, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        new TokenKind("github-token", Alphanumeric + "_", 40, exactly: false, "github_pat_"),
        // https://docs.gitlab.com/security/tokens/#token-prefixes
        new TokenKind("gitlab-token", Alphanumeric + "_-", 20, exactly: false, "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"),
        // https://docs.slack.dev/authentication/tokens
        new TokenKind("slack-token", Alphanumeric + "-", 20, exactly: false, "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "xoxe-", "xoxe."),
        // https://docs.stripe.com/keys
        new TokenKind("stripe-key", Alphanumeric, 20, exactly: false, "sk_live_", "rk_live_", "sk_test_", "rk_test_"),
        // https://cloud.google.com/docs/authentication/api-keys
        new TokenKind("google-api-key", Alphanumeric + "_-", 35, exactly: true, "AIza"),
        new TokenKind("model-key", Alphanumeric + "_-", 20, exactly: false, "sk-ant-", "sk-proj-", "sk-svcacct-"),
        // https://developer.hashicorp.com/vault/docs/concepts/tokens
        new TokenKind("vault-token", Alphanumeric + "_-", 24, exactly: false, "hvs.", "hvb.", "hvr."),
        // https://docs.npmjs.com/about-access-tokens
        new TokenKind("npm-token", Alphanumeric, 36, exactly: true, "npm_"),
        new TokenKind("digitalocean-token", "0123456789abcdef", 64, exactly: true, "dop_v1_", "doo_v1_", "dor_v1_"),
        new JwtKind(),
        new PrivateKeyKind(),
        new UrlPasswordKind(),
        // https://learn.microsoft.com/en-us/dotnet/framework/data/adonet/connection-string-syntax
        new NamedValueKind("connection-string", "=", Alphanumeric + "!@#%^+/=_.:~?-", 4, amongOthers: true, "Password", "password", "PASSWORD", "Pwd", "pwd", "PWD"),
        // https://learn.microsoft.com/en-us/azure/storage/common/storage-configure-connection-string
        new NamedValueKind("connection-string", "=", Alphanumeric + "+/=", 20, amongOthers: false, "AccountKey", "SharedAccessKey", "SharedSecretValue"),
    ];
}
