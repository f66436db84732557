using System.IO.Compression;
using System.Text;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Parsing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules;

/// <summary>Bodies that are passed on as they are: what may be one, and that the call says which it was.</summary>
public sealed class OpaqueBodyTests
{
    private const string Type = "application/x-git-upload-pack-request";

    private static readonly IntegrationCatalog Catalog = Sample.Load(("g.yaml", """
        integration: git
        extends: git
        base_url: https://git.test
        auth: {username: x, read: "file:///etc/incidentfox/secrets/git"}
        """));

    private static readonly byte[] Question = Encoding.ASCII.GetBytes("0014command=ls-refs\n0000");

    [Fact]
    public void Its_digest_is_in_the_call_and_its_bytes_are_what_is_sent()
    {
        var call = Assert.IsType<ParsedCall.Call>(Post("/acme/shop.git/git-upload-pack", Question, Type));
        Assert.Equal("git_fetch", call.ToolCall.Tool);
        Assert.Equal(OpaqueBody.Digest(Question), (string)call.ToolCall.Parameters["body_sha256"]!);
        Assert.Equal(Question.Length, (decimal)call.ToolCall.Parameters["body_bytes"]!);
        var sent = RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, null, null, false, call.Opaque);
        Assert.Equal(Question, sent.Body);
        Assert.Equal((Type, "/acme/shop.git/git-upload-pack"), (sent.ContentType, sent.PathAndQuery));
        Assert.Contains(("Git-Protocol", "version=2"), sent.Headers);
        // Other bytes than those that were called with are never sent.
        Assert.Throws<ArgumentException>(() => RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, null, null, false, [.. Question, 0]));
        Assert.Throws<ArgumentException>(() => RequestBuilder.Build(call.Integration, call.Rule, call.ToolCall, null, null, false));
    }

    [Fact]
    public void One_that_came_compressed_is_the_same_call()
    {
        var plain = Assert.IsType<ParsedCall.Call>(Post("/acme/shop.git/git-upload-pack", Question, Type));
        var packed = Assert.IsType<ParsedCall.Call>(Post("/acme/shop.git/git-upload-pack", Gzip(Question), Type, ("Content-Encoding", "gzip")));
        Sample.Same(plain.ToolCall, packed.ToolCall);
        Assert.Equal(plain.Opaque, packed.Opaque);
    }

    [Theory]
    [InlineData("/acme/shop.git/git-receive-pack", Type, null)]
    [InlineData("/acme/shop.git/git-receive-pack", "application/x-git-receive-pack-request", null)]
    [InlineData("/acme/shop.git/git-upload-pack", "application/x-git-receive-pack-request", null)]
    [InlineData("/acme/shop.git/git-upload-pack", "application/json", null)]
    [InlineData("/acme/shop.git/git-upload-pack", "", null)]
    [InlineData("/git-upload-pack", Type, null)]
    [InlineData("/acme/shop.git/git-upload-pack?service=git-receive-pack", Type, null)]
    [InlineData("/acme/%2E%2E/git-upload-pack", Type, null)]
    [InlineData("/acme/shop.git/git-upload-pack", Type, "Git-Protocol: version=1")]
    [InlineData("/acme/shop.git/git-upload-pack", Type, "Content-Encoding: br")]
    [InlineData("/acme/shop.git/git-upload-pack", Type, "Content-Encoding: gzip")]
    [InlineData("/acme/shop.git/git-upload-pack", Type, "Authorization: Basic x")]
    public void What_is_not_exactly_that_is_refused(string target, string type, string? header)
    {
        var headers = header is null ? [] : new[] { (header.Split(": ")[0], header.Split(": ")[1]) };
        Assert.IsType<ParsedCall.Refused>(Post(target, Question, type, headers));
    }

    [Fact]
    public void An_empty_one_and_one_that_is_too_long_are_refused_compressed_or_not()
    {
        var tooLong = new byte[Contracts.Protocol.MaxMessageBytes + 1];
        Assert.IsType<ParsedCall.Refused>(Post("/acme/shop.git/git-upload-pack", [], Type));
        Assert.IsType<ParsedCall.Refused>(Post("/acme/shop.git/git-upload-pack", tooLong, Type));
        Assert.IsType<ParsedCall.Refused>(Post("/acme/shop.git/git-upload-pack", Gzip(tooLong), Type, ("Content-Encoding", "gzip")));
        // A few kilobytes that would be a gigabyte: no more of it is made than is allowed.
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.IsType<ParsedCall.Refused>(Post("/acme/shop.git/git-upload-pack", Gzip(new byte[64 * 1024 * 1024]), Type, ("Content-Encoding", "gzip")));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 80 * 1024 * 1024);
        Assert.IsType<ParsedCall.Refused>(Post("/acme/shop.git/git-upload-pack", Gzip([]), Type, ("Content-Encoding", "gzip")));
    }

    [Fact]
    public void Arguments_can_not_hold_it_and_it_is_not_offered()
    {
        var refused = Assert.IsType<ParsedCall.Refused>(ToolDoor.Parse(Catalog, Sample.Team, "git_fetch",
            System.Text.Json.JsonDocument.Parse($$"""{"repository":"acme/shop.git","body_sha256":"{{OpaqueBody.Digest(Question)}}","body_bytes":5}""").RootElement));
        Assert.Equal("bad_arguments", refused.Code);
        Assert.Contains("proxy door", refused.Sentence, StringComparison.Ordinal);
        Assert.All(Catalog.All.Single().Rules, r => Assert.False(r.Listed));
    }

    [Fact]
    public void A_push_is_not_even_asked_about()
    {
        Assert.IsType<ParsedCall.Call>(Get("/acme/shop.git/info/refs?service=git-upload-pack"));
        Assert.IsType<ParsedCall.Refused>(Get("/acme/shop.git/info/refs?service=git-receive-pack"));
        Assert.IsType<ParsedCall.Refused>(Get("/acme/shop.git/info/refs?service=git-upload-pack&service=git-receive-pack"));
    }

    [Theory]
    [InlineData("effect: write, preview: {title: x}", "effect: read")]
    [InlineData("effect: read, listed: true", "listed: false")]
    [InlineData("effect: read, content_type: application/octet-stream", "content_type")]
    [InlineData("effect: read, content_type: application/x-git-receive-pack-request", "content_type")]
    [InlineData("effect: read, request: POST /x/git-receive-pack", "git-upload-pack")]
    [InlineData("effect: read, request: \"POST /x/{service}\"", "git-upload-pack")]
    [InlineData("effect: read, request: PUT /x/git-upload-pack", "POST")]
    [InlineData("effect: read, max_body_bytes: 262145", "max_body_bytes")]
    [InlineData("effect: read, form: {a: b}", "form")]
    public void A_rule_for_anything_else_is_an_error(string says, string expected)
    {
        string Or(string key, string otherwise) => says.Contains(key + ":", StringComparison.Ordinal) ? "" : $", {key}: {otherwise}";
        var errors = Sample.Errors(("x.yaml", $$"""
            integration: x
            description: x
            base_url: https://x.test
            auth: {scheme: none}
            tools:
              t: { description: d, data: d, body: opaque, {{says}}{{Or("request", "POST /x/git-upload-pack")}}{{Or("content_type", Type)}}{{Or("listed", "false")}} }
            """));
        Assert.Contains(errors, e => e.Contains(expected, StringComparison.Ordinal));
    }

    private static ParsedCall Post(string target, byte[] body, string type, params (string Name, string Value)[] headers) =>
        BaseUrlDoor.Parse(Catalog, Sample.Team, "git", "POST", target, body,
            [.. (type.Length > 0 ? new[] { ("Content-Type", type) } : []).Concat(headers).Select(h => KeyValuePair.Create(h.Item1, h.Item2))]);

    private static ParsedCall Get(string target) => BaseUrlDoor.Parse(Catalog, Sample.Team, "git", "GET", target, default);

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }
}
