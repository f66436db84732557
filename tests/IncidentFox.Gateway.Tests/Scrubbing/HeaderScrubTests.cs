using System.Buffers;
using System.Globalization;
using System.Text;
using IncidentFox.Gateway.Scrubbing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

/// <summary>Headers are looked through as a whole first; what that look passes must be what the scrubber itself would pass.</summary>
public sealed class HeaderScrubTests
{
    private const string Secret = "s3cr3t/Key+With-Signs\\and&more%";

    [Fact]
    public void A_header_comes_out_as_if_it_were_a_stream_wherever_spellings_of_a_secret_begin_and_are_cut()
    {
        var patterns = SecretPatterns.Of([Secret, "another-token-0123456789"]);
        var random = new Random(4711);
        string[] spelled = [Secret, Percent(Secret), Percent(Percent(Secret)), Base64(Secret), Hex(Secret), Json(Secret), "another-token-0123456789", Base64("another-token-0123456789")];
        string[] around = ["", "Sun, 22 Nov 2026 22:38:06 GMT", "\"5f3-6\\u0041\"", "a", "s3c", "%", "\\", "&#x73;3cr3t", "an", "anothe", "\n ", "text/plain; charset=utf-8"];
        var redacted = 0;
        for (var n = 0; n < 30_000; n++)
        {
            var text = Pick(around) + Cut(Pick(spelled)) + Pick(around) + (random.Next(3) == 0 ? Cut(Pick(spelled)) : "");
            var whole = Scrubber.Scrub(text, patterns);
            Assert.Equal(AsStream(text, patterns), whole);
            redacted += whole.Contains(Scrubber.Mark, StringComparison.Ordinal) ? 1 : 0;
        }
        Assert.InRange(redacted, 5_000, 29_000);

        string Pick(string[] from) => from[random.Next(from.Length)];
        string Cut(string of) => random.Next(2) == 0 ? of : of[..random.Next(of.Length + 1)];
    }

    private static string AsStream(string text, SecretPatterns patterns)
    {
        var output = new ArrayBufferWriter<byte>();
        var scrubber = new Scrubber(patterns);
        scrubber.Write(Encoding.Latin1.GetBytes(text), output);
        scrubber.Complete(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }

    private static string Percent(string text) => Uri.EscapeDataString(text);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Hex(string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text));

    private static string Json(string text) => string.Concat(text.Select(c => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));
}
