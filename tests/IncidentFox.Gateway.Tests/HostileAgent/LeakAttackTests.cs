using System.IO.Compression;
using System.Text;
using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace IncidentFox.Gateway.Tests.HostileAgent;

/// <summary>An agent that gets a target to say what the gateway told it.</summary>
public sealed class LeakAttackTests(TestPostgres postgres)
{
    private static readonly string[] Forms = ["raw", "base64", "base64url", "hex", "HEX", "percent", "json", "header-line"];

    [Fact]
    public async Task A_target_that_echoes_the_credential_in_any_form_and_in_any_pieces_tells_the_agent_nothing()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        foreach (var (form, size) in Forms.SelectMany(f => new[] { 1, 3, 7, 4096 }.Select(s => (f, s))))
        {
            world.Upstream.Answer = async http =>
            {
                http.Response.ContentType = "text/plain";
                var body = Encoding.UTF8.GetBytes($"before {Encode(form, HostileWorld.ReadSecret)} after");
                for (var i = 0; i < body.Length; i += size)
                {
                    await http.Response.Body.WriteAsync(body.AsMemory(i, Math.Min(size, body.Length - i)));
                    await http.Response.Body.FlushAsync();
                }
            };
            var answer = await hostile.CallAsync("list_nodes", "{}");
            Assert.Equal(200, answer.Status);
            Assert.StartsWith("before ", answer.Body, StringComparison.Ordinal);
            Assert.EndsWith(" after", answer.Body, StringComparison.Ordinal);
            HostileWorld.NoSecretIn(answer.Body);
        }
        Assert.All(world.Upstream.Seen, s => Assert.Equal($"Bearer {HostileWorld.ReadSecret}", s.Authorization));
        Assert.All(await world.Host.AuditAsync(), r => HostileWorld.NoSecretIn(AuditJson.Format(r).ToJsonString()));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    public async Task A_compressed_echo_is_looked_into_or_refused(string encoding)
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = async http =>
        {
            http.Response.Headers.ContentEncoding = encoding;
            using var packed = new MemoryStream();
            await using (Stream packer = encoding switch { "br" => new BrotliStream(packed, CompressionLevel.Fastest), "deflate" => new ZLibStream(packed, CompressionLevel.Fastest), _ => new GZipStream(packed, CompressionLevel.Fastest) })
                await packer.WriteAsync(Encoding.UTF8.GetBytes($"token {HostileWorld.ReadSecret}"));
            await http.Response.Body.WriteAsync(packed.ToArray());
        };
        var answer = await hostile.CallAsync("list_nodes", "{}");
        if (encoding is "gzip" or "br" or "deflate")
            Assert.StartsWith("token ", answer.Body, StringComparison.Ordinal);
        else
            Assert.Equal((502, "response_refused"), (answer.Status, answer.Code));
        HostileWorld.NoSecretIn(answer.Body);
    }

    [Fact]
    public async Task The_credential_is_not_in_the_headers_that_come_back_nor_in_the_names_of_headers()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = http =>
        {
            http.Response.Headers["X-Echo"] = HostileWorld.ReadSecret;
            http.Response.Headers["Warning"] = $"199 - \"{HostileWorld.ReadSecret}\"";
            http.Response.Headers.ETag = $"\"{Convert.ToHexString(Encoding.UTF8.GetBytes(HostileWorld.ReadSecret))}\"";
            http.Response.Headers.WWWAuthenticate = $"Bearer realm=\"{HostileWorld.ReadSecret}\"";
            http.Response.ContentType = $"text/plain; x={Uri.EscapeDataString(HostileWorld.ReadSecret)}";
            return http.Response.WriteAsync("ok");
        };
        var answer = await hostile.CallAsync("list_nodes", "{}");
        Assert.Equal(200, answer.Status);
        HostileWorld.NoSecretIn(string.Join('\n', answer.Headers.Select(h => $"{h.Key}: {h.Value}")));
        Assert.False(answer.Headers.ContainsKey("X-Echo") || answer.Headers.ContainsKey("WWW-Authenticate"));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(500)]
    [InlineData(502)]
    public async Task An_error_page_that_quotes_the_request_quotes_no_credential(int status)
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = http =>
        {
            http.Response.StatusCode = status;
            http.Response.ContentType = "text/html";
            return http.Response.WriteAsync($"<pre>{string.Join('\n', http.Request.Headers.Select(h => $"{h.Key}: {h.Value}"))}</pre>");
        };
        var answer = await hostile.CallAsync("list_nodes", "{}");
        Assert.Equal((status, "upstream"), (answer.Status, answer.Source));
        Assert.Contains("Authorization: Bearer", answer.Body, StringComparison.Ordinal);
        HostileWorld.NoSecretIn(answer.Body);
        var rows = await world.Host.AuditAsync(hostile.Investigation);
        Assert.DoesNotContain(rows, r => AuditJson.Format(r).ToJsonString().Contains("<pre>", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_write_that_fails_tells_the_agent_and_the_approvers_no_credential()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = http =>
        {
            http.Response.StatusCode = 422;
            return http.Response.WriteAsync($$"""{"message":"{{http.Request.Headers.Authorization}} is not allowed"}""");
        };
        var answer = await hostile.CallAsync("pod_restart", HostileWorld.Restart);
        Assert.True(answer.Status >= 400);
        HostileWorld.NoSecretIn(answer.Body);
        Assert.All(await world.Host.AuditAsync(), r => HostileWorld.NoSecretIn(AuditJson.Format(r).ToJsonString()));
    }

    [Fact]
    public async Task A_small_answer_that_unpacks_to_a_huge_one_is_cut_off_where_the_limit_is()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var (hostile, neighbour) = (await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync());
        using var bomb = new MemoryStream();
        await using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 64; i++)
                await gzip.WriteAsync(zeros);
        }
        world.Upstream.Answer = async http =>
        {
            http.Response.Headers.ContentEncoding = "gzip";
            await http.Response.Body.WriteAsync(bomb.ToArray());
        };
        var answer = await hostile.CallAsync("search", """{"q":"a"}""");
        Assert.True(answer.Body.Length <= 70_000, $"{answer.Body.Length} bytes came through");
        world.Upstream.Answer = null;
        await world.NeighbourWorksAsync(neighbour);
        Assert.Equal("response_too_large", (string)(await EndedAsync(world, hostile)).Details!["code"]!);
    }

    [Fact]
    public async Task An_answer_without_end_is_cut_off_where_the_limit_is()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        var aborted = new TaskCompletionSource();
        world.Upstream.Answer = async http =>
        {
            http.RequestAborted.Register(() => aborted.TrySetResult());
            var block = new byte[16 * 1024];
            while (!http.RequestAborted.IsCancellationRequested)
                await http.Response.Body.WriteAsync(block, http.RequestAborted);
        };
        var answer = await hostile.CallAsync("search", """{"q":"a"}""");
        Assert.True(answer.Body.Length <= 70_000);
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal("response_too_large", (string)(await EndedAsync(world, hostile)).Details!["code"]!);
    }

    [Fact]
    public async Task Forcing_401s_does_not_make_the_gateway_ask_the_vault_again_and_again()
    {
        await using var world = await HostileWorld.StartAsync(postgres);
        var hostile = await world.Host.OpenCagedAsync();
        world.Upstream.Answer = http =>
        {
            http.Response.StatusCode = 401;
            return http.Response.WriteAsync(HostileWorld.ReadSecret);
        };
        for (var i = 0; i < 25; i++)
        {
            var answer = await hostile.CallAsync("list_nodes", "{}");
            Assert.True(answer.Status >= 400);
            HostileWorld.NoSecretIn(answer.Body);
        }
        Assert.InRange((await world.Host.AuditAsync(type: AuditEventTypes.SecretAccessed)).Count, 1, 3);
    }

    private static string Encode(string form, string secret)
    {
        var bytes = Encoding.UTF8.GetBytes(secret);
        return form switch
        {
            "base64" => Convert.ToBase64String(bytes),
            "base64url" => Convert.ToBase64String(bytes).Replace('+', '-').Replace('/', '_').TrimEnd('='),
            "hex" => Convert.ToHexStringLower(bytes),
            "HEX" => Convert.ToHexString(bytes),
            "percent" => string.Concat(bytes.Select(b => $"%{b:X2}")),
            "json" => string.Concat(secret.Select(c => $"\\u{(int)c:x4}")),
            "header-line" => $"Authorization: Bearer {secret}",
            _ => secret,
        };
    }

    private static async Task<AuditEvent> EndedAsync(HostileWorld world, TestSandbox sandbox)
    {
        AuditEvent? row = null;
        await HostileWorld.UntilAsync("the call's end", async () => (row = (await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ToolExecuted)).LastOrDefault()) is not null);
        return row!;
    }
}
