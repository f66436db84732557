using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Tests.Scrubbing;

/// <summary>
/// Makes up answers that give a secret back: spelled in up to four ways one around the other, among other text, in pieces of any size,
/// compressed or not; and says when more than a few characters of it came through. The same seed makes the same answers.
/// </summary>
internal sealed class Reflections(int seed)
{
    private const int Tolerated = 16;   // characters of what is encoded last
    private const int PerSecret = 64;

    private readonly Random _dice = new(seed);
    private SecretPatterns? _patterns;
    private string _secret = "";
    private int _left;
    private int _window;

    /// <summary>How many were made.</summary>
    public long Count { get; private set; }

    /// <summary>Makes one and scrubs it. Null: nothing leaked; otherwise what did, with all that is needed to see it again.</summary>
    public string? Next()
    {
        if (_left-- <= 0 || _patterns is null)
        {
            _secret = Secret();
            _patterns = SecretPatterns.Of(_dice.Next(4) == 0 ? [_secret, Secret()] : [_secret]);
            _left = PerSecret;
        }
        Count++;
        var ways = new List<string>();
        var (before, spelled, after) = Spell(_secret, ways);
        var text = Noise() + "|" + before + spelled + after + "|" + Noise();
        var scrubbed = Encoding.UTF8.GetString(Scrub(Encoding.UTF8.GetBytes(text), ways));
        if (scrubbed.Contains(Scrubber.Mark, StringComparison.Ordinal) && !scrubbed.Contains(_secret, StringComparison.Ordinal) && !Shares(scrubbed, spelled))
            return null;
        return $"seed {seed}, number {Count}: {string.Join(" of ", ways)} of {JsonSerializer.Serialize(_secret)} became {JsonSerializer.Serialize(scrubbed)}; it was {JsonSerializer.Serialize(text)}";
    }

    private bool Shares(string scrubbed, string spelled)
    {
        for (var i = 0; i + _window <= spelled.Length; i++)
        {
            if (scrubbed.Contains(spelled.Substring(i, _window), StringComparison.Ordinal))
                return true;
        }
        return spelled.Length < _window && scrubbed.Contains(spelled, StringComparison.Ordinal);
    }

    private string Secret()
    {
        var alphabet = _dice.Next(4) switch
        {
            0 => "abcdef0123456789",
            1 => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            2 => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.~",
            _ => "abcXYZ019 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~äß€",
        };
        return string.Concat(Enumerable.Range(0, _dice.Next(36, 100)).Select(_ => alphabet[_dice.Next(alphabet.Length)]));
    }

    private string Noise()
    {
        const string Characters = "{}[],: \n\txyzQ0;<>()#";
        return string.Concat(Enumerable.Range(0, _dice.Next(60)).Select(_ => Characters[_dice.Next(Characters.Length)]));
    }

    // From the inside out: an encoder, digits or base64, and up to two encoders around.
    // The middle is what must not be seen again: the ends of base64 also hold what stands around the secret within it.
    private (string Before, string Middle, string After) Spell(string secret, List<string> ways)
    {
        var text = secret;
        var middle = _dice.Next(4);
        var most = 2;
        if (middle > 0 && _dice.Next(2) == 0)
        {
            text = Inner(text, ways, out var escapes);
            if (escapes && middle == 3)
                most = 1;   // with nothing between them, what is inside is one of the encoders around
        }
        var mixed = false;
        var broken = false;
        if (middle == 1)
            (text, broken) = Base64(text, ways);
        else if (middle == 2)
            (text, mixed) = Digits(text, ways);
        var edge = text == secret ? 0 : text.Length / 4;
        var parts = new[] { text[..edge], text[edge..^edge], text[^edge..] };
        var plain = Math.Max(1, parts[1].Count(c => !char.IsWhiteSpace(c)));
        var kinds = new List<int>();
        for (var i = _dice.Next(most + 1); i > 0 && !mixed; i--)
        {
            var kind = broken && kinds.Count > 0 ? 1 : _dice.Next(3);
            // Of line breaks in base64 several encoders are undone only when all of them are backslashes.
            if (broken && kinds.Count > 0 && kinds[0] != 1)
                break;
            kinds.Add(kind);
            Around(parts, kind, ways);
        }
        if (kinds.Count == 2 && !broken && most == 2 && kinds[0] == kinds[1] && kinds[0] != 2 && _dice.Next(4) == 0)
            Around(parts, kinds[0], ways);
        _window = Tolerated * ((parts[1].Length / plain) + 1);
        return (parts[0], parts[1], parts[2]);
    }

    private void Around(string[] parts, int kind, List<string> ways)
    {
        ways.Insert(0, new[] { "percent", "backslash", "entity" }[kind]);
        for (var i = 0; i < parts.Length; i++)
            parts[i] = Outer(parts[i], kind);
    }

    // What is looked for within base64 and digits: what common encoders write.
    private string Inner(string text, List<string> ways, out bool escapes)
    {
        var way = _dice.Next(8);
        escapes = way < 6;
        ways.Insert(0, $"inner {way}");
        return way switch
        {
            0 => JsonSerializer.Serialize(text)[1..^1],
            1 => JsonSerializer.Serialize(text, Relaxed)[1..^1],
            2 => JsonSerializer.Serialize(text, Relaxed)[1..^1].Replace("/", "\\/", StringComparison.Ordinal),
            3 => Uri.EscapeDataString(text),
            4 => WebUtility.HtmlEncode(text),
            5 => WebUtility.UrlEncode(text),
            6 => Convert.ToBase64String(Encoding.UTF8.GetBytes("xyz"[.._dice.Next(4)] + text)),
            _ => Url(Convert.ToBase64String(Encoding.UTF8.GetBytes("xyz"[.._dice.Next(4)] + text))),
        };
    }

    private (string Text, bool Broken) Base64(string text, List<string> ways)
    {
        ways.Insert(0, "base64");
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes("xyz"[.._dice.Next(4)] + text + "abc"[.._dice.Next(4)]));
        switch (_dice.Next(4))
        {
            case 0:
                return (Url(encoded), false);
            case 1:
                var line = _dice.Next(1, 77);
                var end = new[] { "\n", "\r\n", "\n  ", "\n        " }[_dice.Next(4)];
                return (string.Join(end, encoded.Chunk(line).Select(c => new string(c))), true);
            default:
                return (encoded, false);
        }
    }

    private (string Text, bool Mixed) Digits(string text, List<string> ways)
    {
        ways.Insert(0, "hex");
        var lower = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
        return _dice.Next(3) switch
        {
            0 => (lower, false),
            1 => (lower.ToUpperInvariant(), false),
            _ => (string.Concat(lower.Select(c => _dice.Next(2) == 0 ? c : char.ToUpperInvariant(c))), true),
        };
    }

    private string Outer(string text, int kind)
    {
        var often = _dice.Next(4) switch { 0 => 1, 1 => 3, _ => int.MaxValue };   // all, some, or only what must be
        return kind switch
        {
            0 => string.Concat(Encoding.UTF8.GetBytes(text).Select(b => b is (byte)'%' or >= 128 || b < 33 || Chosen(often)
                ? "%" + b.ToString(_dice.Next(2) == 0 ? "x2" : "X2", CultureInfo.InvariantCulture) : ((char)b).ToString())),
            1 => string.Concat(text.Select(c => c switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '"' or '\\' => _dice.Next(2) == 0 ? "\\" + c : Unicode(c),
                '/' when _dice.Next(2) == 0 => "\\/",
                _ => Chosen(often) || c < ' ' ? Unicode(c) : c.ToString(),
            })),
            _ => string.Concat(text.EnumerateRunes().Select(r => r.Value is '&' or '<' or '>' or '"' || Chosen(often)
                ? (_dice.Next(2) == 0 ? $"&#{r.Value};" : $"&#x{r.Value:x};") : r.ToString())),
        };
    }

    private bool Chosen(int often) => often != int.MaxValue && _dice.Next(often) == 0;

    private string Unicode(char c) => "\\u" + ((int)c).ToString(_dice.Next(2) == 0 ? "x4" : "X4", CultureInfo.InvariantCulture);

    private byte[] Scrub(byte[] bytes, List<string> ways)
    {
        Stream body = new MemoryStream(bytes);
        if (_dice.Next(8) == 0)
        {
            var coding = new[] { "gzip", "deflate", "br" }[_dice.Next(3)];
            ways.Insert(0, coding);
            body = UpstreamAnswer.Decode([coding], new MemoryStream(Compress(bytes, coding)))!;
        }
        var output = new ArrayBufferWriter<byte>();
        var scrubber = new Scrubber(_patterns!);
        var largest = _dice.Next(4) switch { 0 => 1, 1 => 4, 2 => 40, _ => 4_096 };
        var buffer = new byte[largest];
        int read;
        while ((read = body.Read(buffer, 0, _dice.Next(1, largest + 1))) > 0)
            scrubber.Write(buffer.AsSpan(0, read), output);
        scrubber.Complete(output);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Compress(byte[] bytes, string coding)
    {
        using var buffer = new MemoryStream();
        using (Stream encoder = coding switch
        {
            "gzip" => new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BrotliStream(buffer, CompressionLevel.Fastest, leaveOpen: true),
        })
            encoder.Write(bytes);
        return buffer.ToArray();
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string Url(string base64) => base64.Replace('+', '-').Replace('/', '_').TrimEnd('=');
}
