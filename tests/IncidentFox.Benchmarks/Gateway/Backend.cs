using System.Net;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Workbench.Processes;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>The target of every contestant: an nginx that serves two files to whoever shows the right token, and 401 to everybody else.</summary>
internal sealed class Backend : IAsyncDisposable
{
    /// <summary>What every contestant has to add.</summary>
    public const string Token = "bench-token-0f6c3a9d5b7e41c88e2a";

    private readonly ChildProcess _nginx;

    private Backend(ChildProcess nginx, int port, Doors direct) => (_nginx, Port, Direct) = (nginx, port, direct);

    public int Port { get; }

    /// <summary>For measuring without a contestant in between; knows its visitors without a token.</summary>
    public Doors Direct { get; }

    public static Task<Backend> StartAsync(string folder, CancellationToken cancellationToken)
    {
        var data = Directory.CreateDirectory(Path.Combine(folder, "www", "data"));
        File.WriteAllText(Path.Combine(data.FullName, "1k"), Json(1_024));
        File.WriteAllText(Path.Combine(data.FullName, "64k"), Json(64 * 1_024));
        var (port, socket) = (FreePort(), Path.Combine(folder, "backend.sock"));
        var files = $"root {Path.Combine(folder, "www")}; default_type application/json;";
        var nginx = Nginx.Start(folder, "backend",
            $$"""
            server { listen 127.0.0.1:{{port}}; location / { if ($http_authorization != "Bearer {{Token}}") { return 401; } {{files}} } }
            server { listen unix:{{socket}}; location / { {{files}} } }
            """);
        return Task.FromResult(new Backend(nginx, port, Doors.At(socket)));
    }

    public ValueTask DisposeAsync() => _nginx.DisposeAsync();

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A list as an API would answer it, of exactly this size.</summary>
    public static string Json(int size)
    {
        var text = new StringBuilder("{\"items\":[");
        for (var i = 0; text.Length < size - 160; i++)
            text.Append($$$"""{"name":"checkout-{{{i:x4}}}","status":"Running","restarts":{{{i % 7}}},"node":"node-{{{i % 5}}}","image":"registry/shop:{{{i}}}"},""");
        text.Append("{\"name\":\"last\"}],\"pad\":\"");
        return text.Append('x', size - text.Length - 2).Append("\"}").ToString();
    }
}

/// <summary>An nginx of our own, in the foreground, with nothing but these servers.</summary>
internal static class Nginx
{
    public static ChildProcess Start(string folder, string name, string servers)
    {
        var home = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        var file = Path.Combine(home, "nginx.conf");
        File.WriteAllText(file,
            $$"""
            daemon off; worker_processes auto; pid {{home}}/pid; error_log stderr error; user {{Environment.UserName}};
            events { worker_connections 2048; }
            http {
              access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
              client_body_temp_path {{home}}/body; proxy_temp_path {{home}}/proxy; fastcgi_temp_path {{home}}/f; uwsgi_temp_path {{home}}/u; scgi_temp_path {{home}}/s;
              {{servers}}
            }
            """);
        var program = new[] { "/usr/sbin/nginx", "/usr/bin/nginx" }.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException("nginx is not installed: run eng/setup --bench.");
        return ChildProcess.Start(new ChildProcessOptions { Program = program, Arguments = ["-p", home, "-c", file], WorkingDirectory = home });
    }
}
