using System.Buffers;
using System.Globalization;
using System.Text;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Gateway.Scrubbing.Foreign;
using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

/// <summary>An answer that is there at once is looked through as a whole first; what that look passes must be what the scrubbers themselves would pass.</summary>
public sealed class WholeAnswerTests
{
    private const string Secret = "s3cr3t/Key+With-Signs\\and&more%";

    [Fact]
    public async Task It_comes_out_as_if_it_came_in_pieces_wherever_spellings_of_a_secret_begin_and_are_cut()
    {
        // One of them ends with a line break, and so may its spelling.
        var patterns = SecretPatterns.Of([Secret, "another-token-0123456789\n"]);
        var random = new Random(4711);
        string[] spelled =
        [
            Secret, Uri.EscapeDataString(Secret), Uri.EscapeDataString(Uri.EscapeDataString(Secret)), Base64(Secret), Convert.ToHexString(Encoding.UTF8.GetBytes(Secret)), Json(Secret),
            "another-token-0123456789\n", Base64("another-token-0123456789\n"), string.Join('\n', Base64(Secret).Chunk(5).Select(c => new string(c))), "AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        ];
        string[] around = ["", "\n", "\n\n", "\r\n", "{\"a\": [1, 2]}\n", "a\n", "s3c\n", "%\n", "\\\n", "&#x73;3cr3t", "an", "anothe\n", "AKIA", "text text text"];
        var (redacted, same) = (0, 0);
        for (var n = 0; n < 30_000; n++)
        {
            var text = Pick(around) + Cut(Pick(spelled)) + Pick(around) + (random.Next(3) == 0 ? Cut(Pick(spelled)) : "") + Pick(around);
            var whole = await ReadAsync(text, patterns);
            Assert.Equal(InPieces(text, patterns), whole);
            redacted += whole.Contains("[redacted", StringComparison.Ordinal) ? 1 : 0;
            same += whole == text ? 1 : 0;
        }
        Assert.InRange(redacted, 5_000, 29_000);
        Assert.InRange(same, 1_000, 25_000);

        string Pick(string[] from) => from[random.Next(from.Length)];
        string Cut(string of) => random.Next(2) == 0 ? of : of[..random.Next(of.Length + 1)];
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5_000)]
    public async Task What_follows_in_spite_of_the_length_that_was_said_and_what_does_not_fit_is_looked_through_as_well(int buffer)
    {
        var patterns = SecretPatterns.Of([Secret]);
        var text = new string('x', 900) + Secret + "y";
        foreach (var said in new long?[] { null, 0, 10, 5_000, text.Length })
        {
            using var body = new ScrubbingStream(new MemoryStream(Encoding.UTF8.GetBytes(text)), patterns, foreign: true, "target", said);
            Assert.Equal(new string('x', 900) + Scrubber.Mark + "y", await AllAsync(body, buffer));
        }
    }

    private static async Task<string> ReadAsync(string text, SecretPatterns patterns)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        using var body = new ScrubbingStream(new MemoryStream(bytes), patterns, foreign: true, "target", bytes.Length);
        return await AllAsync(body, 4_096);
    }

    private static async Task<string> AllAsync(Stream body, int most)
    {
        var (all, buffer) = (new MemoryStream(), new byte[most]);
        int read;
        while ((read = await body.ReadAsync(buffer)) > 0)
            all.Write(buffer, 0, read);
        return Encoding.UTF8.GetString(all.ToArray());
    }

    private static string InPieces(string text, SecretPatterns patterns)
    {
        var (own, foreign) = (new Scrubber(patterns), new ForeignScrubber());
        var (between, output) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        own.Write(Encoding.UTF8.GetBytes(text), between);
        own.Complete(between);
        foreign.Write(between.WrittenSpan, output);
        foreign.Complete(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Json(string text) => string.Concat(text.Select(c => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));
}
