using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace IncidentFox.EndToEnd.Kit;

/// <summary>
/// The door of the sandbox that is at work: whatever runs in it may ask for more than the shipped agent does. Who asks is known by the socket, so what is
/// sent here is a call of that sandbox.
/// </summary>
internal sealed class SandboxDoor : IDisposable
{
    private readonly HttpClient _http;

    public SandboxDoor(string runtimeDirectory)
    {
        var path = Directory.GetDirectories(runtimeDirectory).Select(d => Path.Combine(d, "gateway.sock")).Single(File.Exists);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://gateway/") };
    }

    public async Task<(int Status, JsonObject Json)> CallAsync(string tool, JsonObject arguments, string reason)
    {
        var body = new JsonObject { ["v"] = 1, ["type"] = "tool_request", ["arguments"] = arguments, ["reason"] = reason };
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync($"tools/{tool}", content, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await ReadAsync(response));
    }

    public async Task<JsonObject> GetAsync(string path)
    {
        using var response = await _http.GetAsync(path, TestContext.Current.CancellationToken);
        return await ReadAsync(response);
    }

    public void Dispose() => _http.Dispose();

    private static async Task<JsonObject> ReadAsync(HttpResponseMessage response) =>
        JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!.AsObject();
}
