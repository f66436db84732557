using IncidentFox.Workbench.Processes;

namespace IncidentFox.Benchmarks.Gateway.Contestants;

/// <summary>Somebody who adds a credential to requests on their way to the backend.</summary>
internal interface IContestant : IAsyncDisposable
{
    string Name { get; }

    Doors Doors { get; }

    /// <summary>The last lines that it wrote.</summary>
    string Tail { get; }

    /// <summary>The path at which it serves a file of the backend.</summary>
    string PathOf(string file);
}

/// <summary>nginx, with the header set by its configuration; with a question to a checker first, if wanted.</summary>
internal sealed class NginxContestant : IContestant
{
    private readonly ChildProcess _nginx;

    public NginxContestant(string folder, Backend backend, bool withAuthRequest)
    {
        Name = withAuthRequest ? "nginx_auth_request" : "nginx";
        var (door, checker) = (Path.Combine(folder, $"{Name}.sock"), Path.Combine(folder, "checker.sock"));
        var check = withAuthRequest
            ? """
              auth_request /check; } location = /check { internal; proxy_pass http://checker; proxy_http_version 1.1; proxy_set_header Connection "";
              proxy_pass_request_body off; proxy_set_header Content-Length "";
              """
            : "";
        _nginx = Nginx.Start(folder, Name,
            $$"""
            upstream backend { server 127.0.0.1:{{backend.Port}}; keepalive 128; keepalive_requests 100000000; }
            server {
              listen unix:{{door}};
              location / {
                proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {{Backend.Token}}";
                {{check}}
              }
            }
            {{(withAuthRequest ? $$"""
            upstream checker { server unix:{{checker}}; keepalive 128; keepalive_requests 100000000; }
            server { listen unix:{{checker}}; location / { return 204; } }
            """ : "")}}
            """);
        Doors = Doors.At(door);
    }

    public string Name { get; }

    public Doors Doors { get; }

    public string Tail => _nginx.Tail;

    public string PathOf(string file) => $"/data/{file}";

    public ValueTask DisposeAsync() => _nginx.DisposeAsync();
}

/// <summary>mitmproxy as a reverse proxy, with an add-on that sets the header. It listens on TCP only.</summary>
internal sealed class MitmproxyContestant : IContestant
{
    private readonly ChildProcess _mitmdump;

    public MitmproxyContestant(string folder, Backend backend)
    {
        var addon = Path.Combine(folder, "addon.py");
        File.WriteAllText(addon, $"def request(flow):\n    flow.request.headers[\"authorization\"] = \"Bearer {Backend.Token}\"\n");
        var port = Backend.FreePort();
        _mitmdump = ChildProcess.Start(new ChildProcessOptions
        {
            Program = "/usr/bin/mitmdump",
            Arguments =
            [
                "--quiet", "--mode", $"reverse:http://127.0.0.1:{backend.Port}", "--listen-host", "127.0.0.1", "--listen-port", $"{port}",
                "--set", $"confdir={Path.Combine(folder, "mitmproxy")}", "--scripts", addon,
            ],
            WorkingDirectory = folder,
        });
        Doors = new Doors([], port);
    }

    public string Name => "mitmproxy";

    public Doors Doors { get; }

    public string Tail => _mitmdump.Tail;

    public string PathOf(string file) => $"/data/{file}";

    public ValueTask DisposeAsync() => _mitmdump.DisposeAsync();
}
