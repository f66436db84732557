using System.Runtime.InteropServices;
using IncidentFox.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Gateway.AgentDoor.Proxy;

/// <summary>Has the authority ready before the first sandbox comes: read from where it is kept, or made. Without one the gateway does not start.</summary>
internal sealed class AuthorityKeeper(ProxyOptions options, IServiceProvider services, TimeProvider time, ILogger<AuthorityKeeper> logger) : IHostedService, IDisposable
{
    private const string FileName = "authority.pem";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private ProxyAuthority? _authority;

    /// <summary>The authority.</summary>
    public ProxyAuthority Authority => _authority ?? throw new InvalidOperationException("The proxy door's certificate authority is not there before the gateway has started.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _authority = options.Ca is { } reference ? await FetchAsync(reference, cancellationToken) : FromDirectory();
        logger.LogInformation("The proxy door is open; its certificate authority is good until {NotAfter:u}", _authority.NotAfter);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _authority?.Dispose();

    private async Task<ProxyAuthority> FetchAsync(string reference, CancellationToken cancellationToken)
    {
        if (!SecretReference.TryParse(reference, out var parsed, out var reason))
            throw Unusable(reference, reason);
        var result = await services.GetRequiredService<SecretStore>().GetAsync(parsed, SecretPurpose.Installation, cancellationToken);
        if (!result.TryGet(out var value))
            throw Unusable(reference, result.Reason);
        var (authority, problem) = ProxyAuthority.Read(value.RevealForUse(), time.GetUtcNow());
        return authority ?? throw Unusable(reference, problem!);
    }

    private ProxyAuthority FromDirectory()
    {
        var path = Path.Combine(options.CaDirectory, FileName);
        try
        {
            if (!Directory.Exists(options.CaDirectory))
                Directory.CreateDirectory(options.CaDirectory, Private | UnixFileMode.UserExecute);
            if (Existing(path) is not { } authority)
                return Make(path);
            if (authority.NotAfter - time.GetUtcNow() >= ProxyAuthority.Spare)
                return authority;
            authority.Dispose();
            File.Delete(path);
            return Make(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, $"it can't be read or written ({e.GetType().Name})");
        }
    }

    private ProxyAuthority? Existing(string path)
    {
        if (!File.Exists(path))
            return null;
        if ((File.GetUnixFileMode(path) & ~Private) != UnixFileMode.None)
            throw Unusable(path, "others than its owner may read or write it: chmod 600, or remove it if it may have been read, and a new one is made");
        var (authority, problem) = ProxyAuthority.Read(File.ReadAllText(path), time.GetUtcNow());
        // One that has ended is no loss; anything else is somebody's file.
        return authority ?? (problem!.Contains("ends", StringComparison.Ordinal) ? Ended(path) : throw Unusable(path, problem + "; remove it, and a new one is made"));
    }

    private static ProxyAuthority? Ended(string path)
    {
        File.Delete(path);
        return null;
    }

    // Written aside and put in place whole; of two gateways that start at once, one is first and the other takes its authority.
    private ProxyAuthority Make(string path)
    {
        var (authority, pem) = ProxyAuthority.Create(time.GetUtcNow());
        var aside = path + "." + Path.GetRandomFileName();
        try
        {
            using (var file = new StreamWriter(new FileStream(aside, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private })))
                file.Write(pem);
            if (link(aside, path) == 0)
                return authority;
            authority.Dispose();
            return Existing(path) ?? throw new IOException("It can't be put in place.");
        }
        finally
        {
            File.Delete(aside);
        }
    }

    // Fails when there is one already, in one step, which File.Move does not.
    [DllImport("libc")]
    private static extern int link([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);

    private static InvalidOperationException Unusable(string what, string reason) =>
        new($"The certificate authority of the proxy door ({what}) can't be used: {reason}. See {GatewayOptions.SectionName}:{nameof(GatewayOptions.Proxy)}.");
}
