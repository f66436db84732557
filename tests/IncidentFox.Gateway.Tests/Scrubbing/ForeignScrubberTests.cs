using System.Buffers;
using System.Text;
using IncidentFox.Gateway.Scrubbing.Foreign;
using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

public sealed class ForeignScrubberTests
{
    // In two parts, so that nobody's scanner takes this file for a leak.
    private static readonly string Aws = "AKIA" + "IOSFODNN7EXAMPLE";
    private static readonly string GitHub = "ghp_" + new string('a', 20) + "0123456789ABCDEF";
    private static readonly string Jwt = "eyJhbGciOiJSUzI1NiJ9." + "eyJpc3MiOiJrdWJlcm5ldGVzIn0." + new string('s', 300);

    public static TheoryData<string, string> Secrets { get; } = new()
    {
        { $"key={Aws} ", "key=[redacted:aws-key] " },
        { $"{{\"k\":\"{Aws}\"}}", "{\"k\":\"[redacted:aws-key]\"}" },
        { Aws, "[redacted:aws-key]" },
        { "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", "aws_secret_access_key = [redacted:aws-secret]\n" },
        { "\"SecretAccessKey\": \"" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"", "\"SecretAccessKey\": \"[redacted:aws-secret]\"" },
        { $"Authorization: Bearer {Jwt}\n", "Authorization: Bearer [redacted:jwt]\n" },
        { $"git clone with {GitHub}, then", "git clone with [redacted:github-token], then" },
        { "glpat-" + "abcdefghij0123456789 x", "[redacted:gitlab-token] x" },
        { "xoxb-" + "123456789012-abcdefghijkl'", "[redacted:slack-token]'" },
        { "sk_live_" + "abcdefghijklmnopqrstuv;", "[redacted:stripe-key];" },
        { "AIza" + "SyA01234567890123456789012345678901 ", "[redacted:google-api-key] " },
        { "hvs." + "CAESIJ0123456789abcdefghijkl ", "[redacted:vault-token] " },
        { "postgres://shop:hunter2hunter2@db:5432/shop", "postgres://shop:[redacted:url-password]@db:5432/shop" },
        { "Server=db;Database=shop;User Id=sa;Password=hunter2!;Encrypt=true", "Server=db;Database=shop;User Id=sa;Password=[redacted:connection-string];Encrypt=true" },
        { "AccountName=shop;AccountKey=" + "abcdefghijklmnopqrstuvwxyz0123456789==;Endpoint", "AccountName=shop;AccountKey=[redacted:connection-string];Endpoint" },
        { "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY-----[redacted:private-key]-----END RSA PRIVATE KEY-----\n" },
        { "{\"key\":\"-----BEGIN PRIVATE KEY-----\\nMIIEow\\n-----END PRIVATE KEY-----\\n\"}", "{\"key\":\"-----BEGIN PRIVATE KEY-----[redacted:private-key]-----END PRIVATE KEY-----\\n\"}" },
    };

    [Theory]
    [MemberData(nameof(Secrets))]
    public void A_well_known_secret_is_replaced_whatever_pieces_it_comes_in(string text, string expected)
    {
        foreach (var piece in new[] { 1, 2, 3, 5, 7, 16, 1_000 })
            Assert.Equal(expected, Scrub(text, piece));
        Assert.Equal($"before {expected} after", Scrub($"before {text} after", 4));
    }

    [Theory]
    [InlineData("checkout AKIALIKE and ASIA PACIFIC, AKIAIOSFODNN7EXAMPLES, XAKIAIOSFODNN7EXAMPLE")]
    [InlineData("eyJ is how base64 of a JSON object begins: eyJhIjoxfQ==, eyJhIjoxfQ.not.a.token")]
    [InlineData("see https://example.com:8080/a@b, http://host:80/x?y=a:b@c and ssh://git@github.com/a/b")]
    [InlineData("postgres://shop:${PASSWORD}@db and redis://:@cache and https://user@host/ and amqp://a:[redacted]@b")]
    [InlineData("password=hunter2 for user shop was refused; Password: none")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----")]
    [InlineData("sk_live_short xoxb-1 ghp_short glpat-x npm_config_registry npm_lifecycle_event hvs.short")]
    [InlineData("| --- | --- |\n----- done -----\n-----BEGIN")]
    [InlineData("2026-01-02T03:04:05Z ERROR pool exhausted sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("{\"uid\":\"0f3b2c1d-7c1e-4a1f-9b1d-1234567890ab\",\"resourceVersion\":\"123456789\",\"pod-template-hash\":\"6d5f8c7b9\"}")]
    public void Ordinary_text_is_passed_on_as_it_is(string text)
    {
        foreach (var piece in new[] { 1, 3, 1_000 })
            Assert.Equal(text, Scrub(text, piece));
    }

    [Fact]
    public void What_is_held_back_stays_bounded_whatever_a_target_sends()
    {
        var scrubber = new ForeignScrubber();
        var output = new ArrayBufferWriter<byte>();
        foreach (var piece in new[] { "eyJ" + new string('a', 40), "://", new string('u', 60), "Password=" + new string('x', 30), "-----BEGIN ", "AKIA", "SecretAccessKey ", "        " })
        {
            for (var i = 0; i < 200; i++)
            {
                scrubber.Write(Encoding.ASCII.GetBytes(piece), output);
                Assert.True(scrubber.Held <= ForeignKind.Longest + 64, $"{scrubber.Held} bytes are held back");
            }
        }
    }

    [Fact]
    public void A_line_of_a_log_is_not_held_back_until_the_next_one_comes()
    {
        var output = new ArrayBufferWriter<byte>();
        new ForeignScrubber().Write("GET /orders 200 in 3 ms\n"u8, output);
        Assert.Equal("GET /orders 200 in 3 ms\n", Encoding.ASCII.GetString(output.WrittenSpan));
    }

    internal static string Scrub(string text, int piece)
    {
        var scrubber = new ForeignScrubber();
        var output = new ArrayBufferWriter<byte>();
        foreach (var chunk in Encoding.UTF8.GetBytes(text).Chunk(piece))
            scrubber.Write(chunk, output);
        scrubber.Complete(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
