using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IncidentFox.Gateway.Rules.Files;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>What the tests know of one vendor, from <c>Cases/NAME.yaml</c>: how an installation sets it up, what it accepts, and a case for every tool.</summary>
internal sealed record VendorFile
{
    public required string Name { get; init; }

    /// <summary>The installation's own file. <c>{base_url}</c>, <c>{secrets}</c> (a folder) and <c>{ca_file}</c> are put in.</summary>
    public required string Installation { get; init; }

    /// <summary>What the secret files hold; the double makes up <c>@client_certificate</c> and <c>@client_key</c>.</summary>
    public required IReadOnlyDictionary<string, string> Secrets { get; init; }

    public required VendorCredential Read { get; init; }

    /// <summary>Null: the vendor's rules change nothing.</summary>
    public VendorCredential? Write { get; init; }

    /// <summary>How it refuses whoever shows something else.</summary>
    public required (int Status, string Body) Refusal { get; init; }

    /// <summary>What the gateway then calls it; several where it depends on when the target says so (TLS 1.3).</summary>
    public required IReadOnlyList<string> RefusedCodes { get; init; }

    /// <summary>HTTPS, with an authority of the test's own.</summary>
    public bool Tls { get; init; }

    /// <summary><c>METHOD /path</c> below the base URL that no rule may allow.</summary>
    public required IReadOnlyList<string> NotAllowed { get; init; }

    /// <summary>Calls whose arguments no rule may take: what would step out of what the rule means.</summary>
    public required IReadOnlyList<(string Tool, JsonObject Arguments)> Hostile { get; init; }

    /// <summary>What is asked without the credential: where tokens are minted.</summary>
    public required IReadOnlyList<VendorExchange> Endpoints { get; init; }

    public required IReadOnlyList<VendorCase> Cases { get; init; }

    public static IReadOnlyList<string> Names { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(n => n.StartsWith("cases/", StringComparison.Ordinal)).Select(n => n["cases/".Length..]).Order(StringComparer.Ordinal)];

    public static VendorFile Load(string name)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("cases/" + name)!);
        var problems = new Problems(name);
        var file = YamlFile.Read(reader.ReadToEnd(), problems) is { } root ? VendorFileReader.Read(name, root) : null;
        Assert.Empty(problems.All);
        return file!;
    }
}

/// <summary>What the vendor asks for. <c>{name}</c> stands for a secret of that name.</summary>
/// <param name="Headers">Exactly these values.</param>
/// <param name="Basic">Null, or <c>user:password</c>.</param>
/// <param name="Query">Keys that carry the credential.</param>
/// <param name="Certificate">A client certificate of the double's own authority.</param>
/// <param name="Signature">Region and service of an AWS signature; null: none.</param>
internal sealed record VendorCredential(
    IReadOnlyDictionary<string, string> Headers, string? Basic, IReadOnlyDictionary<string, string> Query, bool Certificate, (string Region, string Service)? Signature);

/// <summary>One request as it must come, and its answer.</summary>
internal sealed record VendorExchange
{
    public required string Method { get; init; }

    /// <summary>As sent: escapes stay.</summary>
    public required string Path { get; init; }

    /// <summary>Decoded, in this order.</summary>
    public required IReadOnlyList<(string Key, string Value)> Query { get; init; }

    public JsonNode? Body { get; init; }

    /// <summary>With a token endpoint: what a signed assertion in the form must say; null: none is asked for.</summary>
    public IReadOnlyDictionary<string, string>? Assertion { get; init; }

    /// <summary>A body that is no JSON, or null.</summary>
    public string? Form { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public required int Status { get; init; }

    public required string Answer { get; init; }

    public required string ContentType { get; init; }

    /// <summary>Null, or what a WebSocket answers: <c>CHANNEL:text</c>, or <c>break</c> for a connection that ends without a word.</summary>
    public IReadOnlyList<string>? Exec { get; init; }

    public override string ToString() =>
        $"{Method} {Path}?{string.Join('&', Query.Select(q => $"{q.Key}={q.Value}"))} {Form ?? Body?.ToJsonString()} {string.Join(", ", Headers.Select(h => $"{h.Key}: {h.Value}"))}";
}

/// <summary>One tool called once.</summary>
/// <param name="Tool">Its name.</param>
/// <param name="Arguments">What an agent gives it.</param>
/// <param name="Exchange">What the vendor is asked, and its answer.</param>
/// <param name="Rows">Expected row count; null: none is told.</param>
/// <param name="Before">With a write: its precondition's reads.</param>
/// <param name="Held">With a write: what is read again right before it runs.</param>
/// <param name="DryRun">With a write: its dry run.</param>
/// <param name="Preview">With a write: what people are shown first.</param>
/// <param name="Proofs">With a write: answers of its proof's read, and what they mean.</param>
internal sealed record VendorCase(
    string Tool, JsonObject Arguments, VendorExchange Exchange, long? Rows, IReadOnlyList<VendorExchange> Before, IReadOnlyList<VendorExchange> Held, VendorExchange? DryRun, string? Preview, IReadOnlyList<(VendorExchange Read, string Verdict)> Proofs);

/// <summary>Reads such a file as strictly as the product reads its own.</summary>
internal static class VendorFileReader
{
    public static VendorFile Read(string name, YamlMap root)
    {
        var accepts = root.Map("accepts", required: true)!;
        var refusal = root.Map("refusal", required: true)!;
        var file = new VendorFile
        {
            Name = name,
            Installation = root.Text("installation", required: true) ?? "",
            Secrets = Pairs(root, "secrets"),
            Tls = root.Boolean("tls") ?? false,
            Read = Credential(accepts.Map("read", required: true)!),
            Write = accepts.Map("write") is { } write ? Credential(write) : null,
            Refusal = ((int)(refusal.Integer("status", 100, 599) ?? 401), Content(refusal, "body")),
            RefusedCodes = root.Has("refused_codes") ? root.Texts("refused_codes") : ["credential_refused"],
            NotAllowed = root.Texts("not_allowed"),
            Hostile = [.. root.Maps("hostile").Select(Call)],
            Endpoints = [.. root.Maps("endpoints").Select(e => Exchange(e, done: true))],
            Cases = [.. root.Maps("cases").Select(Case)],
        };
        accepts.Done();
        refusal.Done();
        root.Done();
        return file;
    }

    private static VendorCase Case(YamlMap map)
    {
        var one = new VendorCase(
            map.Text("tool", required: true) ?? "", map.Json("arguments") as JsonObject ?? [], Exchange(map, done: false), map.Integer("rows", 0, 1_000_000),
            [.. map.Map("before") is { } before ? [Exchange(before, done: true)] : Array.Empty<VendorExchange>(), .. map.Maps("more").Select(m => Exchange(m, done: true))],
            map.Map("held") is { } held ? [Exchange(held, done: true)] : [],
            map.Map("dry_run") is { } dry ? Exchange(dry, done: true) : null,
            map.Text("preview"),
            [.. map.Maps("proofs").Select(p => (Exchange(p, done: false), Verdict(p)))]);
        map.Done();
        return one;
    }

    private static (string Tool, JsonObject Arguments) Call(YamlMap map)
    {
        var call = (map.Text("tool", required: true) ?? "", map.Json("arguments") as JsonObject ?? []);
        map.Done();
        return call;
    }

    private static string Verdict(YamlMap map)
    {
        var verdict = map.Text("verdict", required: true) ?? "";
        map.Done();
        return verdict;
    }

    private static VendorExchange Exchange(YamlMap map, bool done)
    {
        var request = (map.Text("request", required: true) ?? "").Split(' ');
        var exchange = new VendorExchange
        {
            Method = request[0],
            Path = request.ElementAtOrDefault(1) ?? "",
            Query = Query(map),
            Body = !map.Has("body") ? null : map.IsText("body") ? JsonNode.Parse(map.Text("body")!) : map.Json("body"),
            Form = map.Text("form"),
            Assertion = map.Has("assertion") ? Pairs(map, "assertion") : null,
            Headers = Pairs(map, "headers"),
            Status = (int)(map.Integer("status", 100, 599) ?? 200),
            Answer = Content(map, "answer"),
            ContentType = map.Text("content_type") ?? "application/json",
            Exec = map.Has("exec") ? map.Texts("exec") : null,
        };
        if (done)
            map.Done();
        return exchange;
    }

    // A key with several values is sent several times.
    private static List<(string, string)> Query(YamlMap map) => map.Json("query") is not JsonObject query
        ? []
        : [.. query.SelectMany(q => q.Value is JsonArray list ? list.Select(i => (q.Key, Scalar(i))) : [(q.Key, Scalar(q.Value))])];

    private static string Scalar(JsonNode? node) => node switch
    {
        null => "",
        JsonValue v when v.TryGetValue<string>(out var text) => text,
        JsonValue v when v.TryGetValue<long>(out var number) => number.ToString(CultureInfo.InvariantCulture),
        _ => node.ToJsonString(),
    };

    // A text is sent as it stands, anything else as JSON.
    private static string Content(YamlMap map, string key) =>
        !map.Has(key) ? "" : map.IsText(key) ? map.Text(key)! : JsonSerializer.Serialize(map.Json(key));

    private static VendorCredential Credential(YamlMap map)
    {
        var signature = map.Map("aws_sigv4");
        var credential = new VendorCredential(
            Pairs(map, "headers"), map.Text("basic"), Pairs(map, "query"), map.Boolean("certificate") ?? false,
            signature is null ? null : (signature.Text("region", required: true)!, signature.Text("service", required: true)!));
        signature?.Done();
        map.Done();
        return credential;
    }

    private static Dictionary<string, string> Pairs(YamlMap parent, string key)
    {
        var pairs = new Dictionary<string, string>();
        if (parent.Map(key) is { } map)
        {
            foreach (var name in map.Keys())
                pairs[name] = map.Text(name) ?? "";
        }
        return pairs;
    }

    public static string Fill(string text, IReadOnlyDictionary<string, string> values)
    {
        var filled = new StringBuilder(text);
        foreach (var (name, value) in values)
            filled.Replace("{" + name + "}", value);
        return filled.ToString();
    }
}
