using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Fuzz.Fuzzers;

/// <summary>Reflections: a secret in many spellings within other text, in pieces of any size. None comes through; text without one is left alone.</summary>
internal sealed class ScrubberFuzzer : IFuzzer
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
    private long _reflections;

    public string Name => "scrubber";
    public double Share => 3;
    public string LastInput { get; private set; } = "";
    public string Summary => $"{_reflections:N0} reflections";

    public Task<string?> TryAsync(Dice dice)
    {
        var secrets = Enumerable.Range(0, 1 + dice.Below(3)).Select(_ => Secret(dice)).ToList();
        var patterns = SecretPatterns.Of(secrets);
        // Kept as ranges: what stands around is random and may hold a secret's letters by chance, never the whole of it.
        var text = new List<byte>();
        var planted = new List<string>();
        for (var i = dice.Below(6); i >= 0; i--)
        {
            text.AddRange(Encoding.UTF8.GetBytes(Around(dice)));
            if (!dice.OneIn(4))
            {
                var secret = dice.Of(secrets);
                var spelled = Spell(dice, secret);
                planted.Add(spelled);
                text.AddRange(Encoding.UTF8.GetBytes(spelled));
                _reflections++;
            }
            text.AddRange(Encoding.UTF8.GetBytes(Around(dice)));
        }
        var whole = text.ToArray();
        var output = InPieces(dice, whole, patterns);
        LastInput = $"secrets: {string.Join(' ', secrets)}\nbase64 of the text: {Convert.ToBase64String(whole)}";
        foreach (var form in planted.Concat(secrets))
        {
            if (output.Contains(form, StringComparison.Ordinal))
                return Task.FromResult<string?>($"a secret came through as {form}");
        }
        if (planted.Count == 0 && output != Encoding.UTF8.GetString(whole) && !Encoding.UTF8.GetString(whole).Contains(secrets[0][..4], StringComparison.OrdinalIgnoreCase))
            return Task.FromResult<string?>($"text without a secret was changed: {output}");
        return Task.FromResult<string?>(null);
    }

    private static string InPieces(Dice dice, byte[] whole, SecretPatterns patterns)
    {
        var scrubber = new Scrubber(patterns);
        var output = new ArrayBufferWriter<byte>();
        for (var at = 0; at < whole.Length;)
        {
            var size = Math.Min(dice.OneIn(3) ? 1 : 1 + dice.Below(40), whole.Length - at);
            scrubber.Write(whole.AsSpan(at, size), output);
            at += size;
        }
        scrubber.Complete(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string Secret(Dice dice) => string.Concat(Enumerable.Range(0, 12 + dice.Below(40)).Select(_ => Alphabet[dice.Below(Alphabet.Length)]));

    // Punctuation and words: nothing that a spelling could run into.
    private static string Around(Dice dice) => dice.Of([" ", "\n", "\"", " : ", "<td>", "</td>", " token ", "\u00e4 ", ", ", "?", "Bearer ", "{\"a\": ", "}", "", "|"]);

    private static string Spell(Dice dice, string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return dice.Below(11) switch
        {
            0 => secret,
            1 => Convert.ToBase64String(bytes),
            2 => Convert.ToBase64String(bytes).Replace('+', '-').Replace('/', '_').TrimEnd('='),
            // Within a longer base64 text, at any of its three alignments.
            3 => Convert.ToBase64String([.. "user:"u8[..(2 + dice.Below(3))], .. bytes]),
            4 => Convert.ToHexStringLower(bytes),
            5 => Convert.ToHexString(bytes),
            6 => Uri.EscapeDataString(secret),
            7 => string.Concat(bytes.Select(b => dice.OneIn(2) ? $"%{b:x2}" : $"%{b:X2}")),
            8 => JsonValue.Create(secret).ToJsonString().Trim('"'),
            9 => string.Concat(secret.Select(c => dice.OneIn(3) ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"))),
            _ => WebUtility.HtmlEncode(secret),
        };
    }
}
