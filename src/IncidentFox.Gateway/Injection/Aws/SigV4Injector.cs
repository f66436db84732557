using System.Text;
using IncidentFox.Gateway.Injection.Minting;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Gateway.Injection.Aws;

/// <summary>Signs a request with an access key: the one that was fetched, or one that it may mint by assuming a role.</summary>
internal sealed class SigV4Injector(TokenMint mint, AssumeRole role, TimeProvider time) : IInjector
{
    /// <inheritdoc />
    public async ValueTask<Injected> InjectAsync(InjectionContext context, CancellationToken cancellationToken)
    {
        var auth = context.Integration.Auth;
        var kept = AwsKeys.Of(context.Secrets);
        if (AwsKeys.Problem(kept) is { } problem)
            return Injected.Refuse(problem);
        var (key, id) = (kept, 0L);
        if (auth.Option("role_arn") is { } arn)
        {
            var minted = await mint.GetAsync(context, ct => role.MintAsync(context, kept, arn, ct), cancellationToken);
            if (minted.Problem is not null)
                return Injected.Refuse(minted.Problem);
            (key, id) = (new AwsKey(minted.Values[0], minted.Values[1], minted.Values[2]), minted.Id);
        }
        var signature = Sign(context.Message, context.Body.Span, key, time.GetUtcNow(), auth.Option("region")!, auth.Option("service")!);
        IEnumerable<string> secrets = [key.Id, key.Secret, key.SessionToken ?? "", kept.Id, kept.Secret, kept.SessionToken ?? ""];
        return new([.. secrets.Where(SecretPatterns.CanHold).Distinct(StringComparer.Ordinal)], null) { OneTime = [signature], Mint = id };
    }

    /// <summary>Signs what will be sent, body included, and adds the headers.</summary>
    internal static string Sign(HttpRequestMessage message, ReadOnlySpan<byte> body, in AwsKey key, DateTimeOffset now, string region, string service)
    {
        var uri = message.RequestUri!;
        var timestamp = SigV4.Timestamp(now);
        var host = uri.IsDefaultPort ? uri.Host : $"{uri.Host}:{uri.Port}";
        message.Headers.Host = host;   // what is signed is what is sent
        Set(message, "X-Amz-Date", timestamp);
        if (key.SessionToken is { } session)
            Set(message, "X-Amz-Security-Token", session);
        var hash = SigV4.Hash(body);
        if (service == "s3")
            Set(message, "X-Amz-Content-Sha256", hash);
        var target = uri.PathAndQuery;
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var (header, signature) = SigV4.Sign(
            new SignedRequest(message.Method.Method, mark < 0 ? target : target[..mark], mark < 0 ? "" : target[(mark + 1)..], Headers(message, host), hash),
            key, timestamp, region, service);
        Set(message, "Authorization", header);
        return signature;
    }

    // Host, the type of the body and whatever AWS itself reads (X-Amz-Target names the action).
    private static List<(string Name, string Value)> Headers(HttpRequestMessage message, string host)
    {
        var headers = new List<(string Name, string Value)> { ("host", host) };
        foreach (var (name, values) in message.Headers.NonValidated)
        {
            if (name.StartsWith("X-Amz-", StringComparison.OrdinalIgnoreCase))
                headers.Add((name.ToLowerInvariant(), values.ToString()));
        }
        if (message.Content?.Headers.NonValidated.TryGetValues("Content-Type", out var type) is true)
            headers.Add(("content-type", type.ToString()));
        return headers;
    }

    private static void Set(HttpRequestMessage message, string name, string value)
    {
        message.Headers.Remove(name);
        message.Headers.TryAddWithoutValidation(name, value);
    }
}

/// <summary>Access keys as they are fetched.</summary>
internal static class AwsKeys
{
    public static AwsKey Of(CredentialSlots slots) =>
        new(slots["access_key_id"].RevealForUse(), slots["secret_access_key"].RevealForUse(), slots.Find("session_token")?.RevealForUse());

    /// <summary>Why a key can't be used; null when it can.</summary>
    public static string? Problem(in AwsKey key)
    {
        if (!key.Id.All(char.IsAsciiLetterOrDigit) || key.Id.Length is < 16 or > 128)
            return "The access key's id is not 16 to 128 letters and digits. Look at the secret's value.";
        if (!HeaderText.IsVisible(key.Secret) || !SecretPatterns.CanHold(key.Secret) || (key.SessionToken is { } token && (!HeaderText.IsVisible(token) || !SecretPatterns.CanHold(token))))
            return "The secret access key or the session token is too short, too long, or has spaces or other characters that none has. Look at the secret's value.";
        return null;
    }
}
