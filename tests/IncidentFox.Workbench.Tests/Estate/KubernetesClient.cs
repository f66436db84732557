using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.Estate;
using Xunit;

namespace IncidentFox.Workbench.Tests.Estate;

internal sealed record KubernetesReply(int Status, string Text, string ContentType, string? RetryAfter)
{
    public JsonObject Json => (JsonObject)JsonNode.Parse(Text)!;
}

/// <summary>Sends requests to the API double exactly as written.</summary>
internal sealed class KubernetesClient : IDisposable
{
    private readonly HttpClient _http;

    public KubernetesClient(DemoEstate estate, string? token)
        : this(estate.KubernetesUrl, token)
    {
    }

    public KubernetesClient(Uri url, string? token)
    {
        _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = url };
        _http.DefaultRequestHeaders.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
    }

    public async Task<JsonObject> GetAsync(string path)
    {
        var reply = await SendAsync("GET", path);
        Assert.True(reply.Status == 200, reply.Text);
        return reply.Json;
    }

    public Task<KubernetesReply> SendAsync(string method, string path, JsonNode? body = null, string contentType = "application/json", string accept = "application/json") =>
        SendTextAsync(method, path, body?.ToJsonString(), contentType, accept);

    public async Task<KubernetesReply> SendTextAsync(string method, string path, string? body, string contentType = "application/json", string accept = "application/json")
    {
        using var request = new HttpRequestMessage(new(method), new Uri(_http.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return new(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            response.Content.Headers.ContentType?.MediaType ?? "",
            response.Headers.RetryAfter?.ToString());
    }

    /// <summary>The lines of a watch or a followed log, as they come.</summary>
    public async IAsyncEnumerable<string> LinesAsync(string path)
    {
        using var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)response.StatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            yield return line;
        }
    }

    public void Dispose() => _http.Dispose();
}
