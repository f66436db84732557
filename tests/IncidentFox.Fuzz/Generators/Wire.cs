using System.Text;

namespace IncidentFox.Fuzz.Generators;

/// <summary>What a program that owns its socket can send: HTTP as it should be, spoiled at the level of lines and of bytes, and several at once.</summary>
internal static class Wire
{
    private static readonly IReadOnlyList<string> Known = Corpus.Lines("requests.txt");
    private static readonly IReadOnlyList<string> Targets = Corpus.Lines("targets.txt");

    private static readonly string[] Headers =
    [
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 99999999999", "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Host: y", "Connection: close",
        "Connection: keep-alive, x", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", "Trailer: x", "TE: trailers", "Expect: 100-continue", "X-HTTP-Method-Override: DELETE", "X-Method-Override: PUT",
        "Authorization: Bearer x", "Cookie: a=b", "X-Forwarded-For: 127.0.0.1", "X-Original-URL: /x", "X-Rewrite-URL: /x", "Content-Encoding: gzip", "Content-Type: text/plain", "Range: bytes=0-0", "Accept: */*",
        " folded: x", "NoColon", ": empty", "A: \x00", "A: \xff", "Content-Length:\t0", "Content_Length: 5", "Transfer-Encoding: \x0bchunked", "X-Incidentfox-Reason: \u00e9", "Impersonate-User: admin",
    ];

    private static readonly string[] Scraps = ["\r", "\n", "\r\n", "\r\n\r\n", "\0", " ", "\t", "\x0b", "\x7f", "\xff", "0\r\n\r\n", "5\r\n", ":", "/", "%", "HTTP/1.1", "HTTP/1.0", "GET ", "\x80\x01"];

    public static byte[] Any(Dice dice)
    {
        var text = dice.Of(Known);
        if (dice.OneIn(4))
            text = $"GET /i/{dice.Of(["kubernetes", "shop", "payments", "prometheus"])}{dice.Of(Targets)} HTTP/1.1\r\nHost: x\r\n\r\n";
        for (var changes = dice.Below(4); changes > 0; changes--)
            text = Spoil(dice, text);
        if (dice.OneIn(5))
            text += dice.Of(Known);
        if (dice.OneIn(200))
            text = text.Insert(dice.Below(text.Length), new string('a', 20_000 + dice.Below(300_000)));
        return dice.OneIn(40) ? dice.Bytes(dice.Below(200)) : Encoding.Latin1.GetBytes(text);
    }

    private static string Spoil(Dice dice, string text)
    {
        var at = dice.Below(text.Length + 1);
        var count = Math.Min(dice.Below(5), text.Length - at);
        switch (dice.Below(6))
        {
            case 0:
                var line = text.IndexOf("\r\n", StringComparison.Ordinal);
                return line < 0 ? text : text.Insert(line + 2, dice.Of(Headers) + "\r\n");
            case 1: return text.Insert(at, dice.Of(Scraps));
            case 2: return text.Remove(at, count);
            case 3: return text.Insert(at, text.Substring(at, count));
            case 4: return text.Replace("\r\n", dice.Of(["\n", "\r", "\r\r\n", "\r\n "]), StringComparison.Ordinal);
            default: return at < text.Length ? text.Remove(at, 1).Insert(at, ((char)dice.Below(256)).ToString()) : text;
        }
    }
}
