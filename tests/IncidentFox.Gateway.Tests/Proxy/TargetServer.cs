using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using IncidentFox.Gateway.AgentDoor.Proxy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>A target over https with an authority of its own that answers nobody who does not show exactly this Authorization.</summary>
internal sealed class TargetServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ProxyAuthority _authority;

    private TargetServer(WebApplication app, ProxyAuthority authority)
    {
        (_app, _authority) = (app, authority);
        Port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    public int Port { get; }

    public string AuthorityPem => _authority.CertificatePem;

    /// <summary>What was asked with the right credential: method, target and body length.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public ConcurrentQueue<string> Refused { get; } = new();

    public static async Task<TargetServer> StartAsync(string host, string authorization, Func<HttpContext, Task> answer)
    {
        var (authority, _) = ProxyAuthority.Create(TimeProvider.System.GetUtcNow());
        var certificate = X509CertificateLoader.LoadPkcs12(authority.Issue(host, TimeProvider.System.GetUtcNow()).Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        TargetServer? self = null;
        app.Run(async http =>
        {
            var line = $"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}";
            if (http.Request.Headers.Authorization != authorization)
            {
                self!.Refused.Enqueue(line);
                http.Response.StatusCode = 401;
                return;
            }
            self!.Asked.Enqueue(line);
            await answer(http);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return self = new TargetServer(app, authority);
    }

    /// <summary>git's own server program (https://git-scm.com/docs/git-http-backend) over the repositories of a folder.</summary>
    public static async Task GitAsync(HttpContext http, string folder)
    {
        var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var start = new ProcessStartInfo("git", ["http-backend"]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var (name, value) in new Dictionary<string, string?>
        {
            ["GIT_PROJECT_ROOT"] = folder, ["GIT_HTTP_EXPORT_ALL"] = "1", ["REQUEST_METHOD"] = http.Request.Method, ["PATH_INFO"] = http.Request.Path,
            ["QUERY_STRING"] = http.Request.QueryString.ToString().TrimStart('?'), ["CONTENT_TYPE"] = http.Request.ContentType,
            ["CONTENT_LENGTH"] = body.Length.ToString(CultureInfo.InvariantCulture), ["GIT_PROTOCOL"] = http.Request.Headers["Git-Protocol"].ToString(), ["REMOTE_USER"] = "gateway",
            ["GIT_CONFIG_COUNT"] = "1", ["GIT_CONFIG_KEY_0"] = "safe.directory", ["GIT_CONFIG_VALUE_0"] = "*",
        })
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var reading = ReadAsync(process.StandardOutput.BaseStream);
        await process.StandardInput.BaseStream.WriteAsync(body.ToArray());
        process.StandardInput.Close();
        var all = await reading;
        var end = all.AsSpan().IndexOf("\r\n\r\n"u8);
        foreach (var line in Encoding.ASCII.GetString(all, 0, end).Split("\r\n").Select(l => l.Split(": ", 2)))
        {
            if (line[0] == "Status")
                http.Response.StatusCode = int.Parse(line[1].Split(' ')[0], CultureInfo.InvariantCulture);
            else if (line[0] != "Content-Length")
                http.Response.Headers[line[0]] = line[1];
        }
        await http.Response.Body.WriteAsync(all.AsMemory(end + 4));
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _authority.Dispose();
    }
}
