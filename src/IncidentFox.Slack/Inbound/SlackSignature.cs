using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Slack.Inbound;

/// <summary>Slack's request signature, version 0: HMAC-SHA256 over <c>v0:{timestamp}:{raw body}</c>.</summary>
internal sealed class SlackSignature
{
    public const string TimestampHeader = "X-Slack-Request-Timestamp";
    public const string SignatureHeader = "X-Slack-Signature";
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private const string Prefix = "v0=";
    private readonly byte[] _key;
    private readonly TimeProvider _clock;

    public SlackSignature(SlackSecret signingSecret, TimeProvider clock)
    {
        // Reveal throws when the secret is empty: an empty key would sign anybody's request.
        _key = Encoding.UTF8.GetBytes(signingSecret.Reveal());
        _clock = clock;
    }

    /// <summary>The timestamp is judged before the body is read or hashed.</summary>
    public bool IsFresh(string? timestamp)
    {
        // Digits only: no sign, no white space, no second way to write the same time.
        if (timestamp is not { Length: >= 1 and <= 11 } || timestamp.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        var sent = long.Parse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture);
        var age = _clock.GetUtcNow().ToUnixTimeSeconds() - sent;
        return Math.Abs(age) <= (long)Window.TotalSeconds;
    }

    public bool IsValid(string timestamp, ReadOnlySpan<byte> body, string? signature)
    {
        Span<byte> claimed = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        Compute(timestamp, body, expected);

        var wellFormed = signature is { Length: 67 } && signature.StartsWith(Prefix, StringComparison.Ordinal)
            && Convert.FromHexString(signature.AsSpan(Prefix.Length), claimed, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == claimed.Length;

        return CryptographicOperations.FixedTimeEquals(claimed, expected) && wellFormed;
    }

    private void Compute(string timestamp, ReadOnlySpan<byte> body, Span<byte> destination)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        hmac.AppendData("v0:"u8);
        hmac.AppendData(Encoding.ASCII.GetBytes(timestamp));
        hmac.AppendData(":"u8);
        hmac.AppendData(body);
        hmac.GetHashAndReset(destination);
    }
}
