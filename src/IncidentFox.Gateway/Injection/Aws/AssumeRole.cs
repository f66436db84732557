using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using IncidentFox.Gateway.Injection.Minting;

namespace IncidentFox.Gateway.Injection.Aws;

/// <summary>Asks STS for temporary credentials of a role (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).</summary>
internal sealed class AssumeRole(MintClient client, TimeProvider time)
{
    private static readonly XNamespace Sts = "https://sts.amazonaws.com/doc/2011-06-15/";

    // No DTD, no entities, nothing fetched: what a hostile endpoint could do with XML.
    private static readonly XmlReaderSettings Plain = new() { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = 64 * 1024, MaxCharactersFromEntities = 0 };

    /// <summary>Mints them.</summary>
    public async Task<FreshCredential> MintAsync(InjectionContext context, AwsKey key, string arn, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var region = auth.Option("region")!;
        using var message = MintRequest.Form(
            Endpoint(auth.Option("sts_url"), region),
            ("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", arn), ("RoleSessionName", SessionName(context)), ("DurationSeconds", "3600"),
            ("ExternalId", auth.Option("external_id")));
        var body = await message.Content!.ReadAsByteArrayAsync(cancellationToken);
        message.Headers.Remove("Accept");
        SigV4Injector.Sign(message, body, key, time.GetUtcNow(), region, "sts");
        var answer = await client.SendAsync(context, message, cancellationToken);
        var host = message.RequestUri!.Host;
        if (answer.Status != 200)
            throw new MintException($"STS ({host}) gave no credentials (status {answer.Status}). Look at {auth.ReferenceFor(context.Write)}, at role_arn and external_id, and at the role's trust policy.");
        return Read(answer.Body, host);
    }

    private FreshCredential Read(byte[] body, string host)
    {
        XElement? credentials;
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(body), Plain);
            credentials = XDocument.Load(reader).Root?.Element(Sts + "AssumeRoleResult")?.Element(Sts + "Credentials");
        }
        catch (XmlException)
        {
            throw new MintException($"STS ({host}) answered with something that is no XML of its own.");
        }
        string Value(string name) => credentials?.Element(Sts + name)?.Value.Trim() ?? "";
        var key = new AwsKey(Value("AccessKeyId"), Value("SecretAccessKey"), Value("SessionToken"));
        if (AwsKeys.Problem(key) is not null || !DateTimeOffset.TryParse(Value("Expiration"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expires))
            throw new MintException($"STS ({host}) answered without credentials that could be used.");
        return new([key.Id, key.Secret, key.SessionToken!], expires - time.GetUtcNow());
    }

    // China has a domain of its own (https://docs.aws.amazon.com/general/latest/gr/sts.html).
    private static string Endpoint(string? stated, string region) =>
        stated ?? $"https://sts.{region}.amazonaws.com{(region.StartsWith("cn-", StringComparison.Ordinal) ? ".cn" : "")}/";

    // In CloudTrail: which product and team.
    private static string SessionName(InjectionContext context)
    {
        var team = string.Concat(context.Caller.Team.Value.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
        return $"incidentfox-{team}" is { Length: > 64 } name ? name[..64] : $"incidentfox-{team}";
    }
}
