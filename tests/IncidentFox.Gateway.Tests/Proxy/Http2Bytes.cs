using System.Net.Security;
using System.Text;
using IncidentFox.Gateway.Tests.Hosting;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>One HTTP/2 request with exactly these fields (RFC 9113, RFC 7541), as no library would send them.</summary>
internal static class Http2Bytes
{
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, GoAway = 7;

    /// <summary>The status; 0 when the stream or the connection was ended instead.</summary>
    public static async Task<int> AskAsync(TestSandbox sandbox, string authority, params (string Name, string Value)[] fields)
    {
        var ct = TestContext.Current.CancellationToken;
        await using var secure = await ProxyWorld.SecureAsync(sandbox, authority, alpn: SslApplicationProtocol.Http2);
        // Literals without indexing, no Huffman: names and values as they are.
        byte[] block = [.. fields.SelectMany(f => (byte[])[0, .. Text(f.Name), .. Text(f.Value)])];
        await secure.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, []), .. Frame(Headers, 5, 1, block)], ct);
        var head = new byte[9];
        try
        {
            while (true)
            {
                await secure.ReadExactlyAsync(head, ct);
                var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await secure.ReadExactlyAsync(payload, ct);
                switch (head[3])
                {
                    case Headers: return Status(payload);
                    case Reset or GoAway: return 0;
                    default: Assert.NotEqual(Data, head[3]); break;
                }
            }
        }
        catch (Exception e) when (e is IOException)
        {
            return 0;
        }
    }

    // The first field: one of the static table's statuses, or a literal with the name of one of them.
    private static int Status(byte[] block) => block[0] switch
    {
        0x88 => 200,
        0x8c => 400,
        0x8d => 404,
        _ => int.Parse(Encoding.ASCII.GetString(block, block[0] is 0x0f ? 3 : 2, 3), System.Globalization.CultureInfo.InvariantCulture),
    };

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Frame(byte type, byte flags, byte stream, byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload];
}
