using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace IncidentFox.Gateway.AgentDoor.Sockets;

/// <summary>
/// One directory with one socket, for one sandbox. Closed to everybody until owner and mode are right, and never writable for the sandbox:
/// it is bound into it, and must not become a place to leave files. Beside the socket only the proxy door's certificate may stand, which is no secret.
/// </summary>
internal sealed class SocketDirectory
{
    private const string SocketName = "gateway.sock";

    /// <summary>The certificate authority that programs in the sandbox are to believe; there only with the proxy door.</summary>
    public const string AuthorityName = "ca.pem";

    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Enter = UnixFileMode.UserRead | UnixFileMode.UserExecute;

    private readonly string _path;

    private SocketDirectory(string path) => _path = path;

    public string SocketPath => Path.Combine(_path, SocketName);

    public static (SocketDirectory Directory, Socket Listener) Create(GatewayOptions options, string? authorityPem)
    {
        Prepare(options.RuntimeDirectory);
        var directory = new SocketDirectory(NewPath(options.RuntimeDirectory));
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(directory.SocketPath));
            File.SetUnixFileMode(directory.SocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            if (authorityPem is not null)
                WriteAuthority(Path.Combine(directory._path, AuthorityName), authorityPem);
            if (options is { SandboxUid: { } uid, SandboxGid: { } gid })
            {
                Own(directory.SocketPath, uid, gid);
                Own(directory._path, -1, gid);
                File.SetUnixFileMode(directory._path, Enter | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
            }
            else
                File.SetUnixFileMode(directory._path, Enter);
            listener.Listen(64);
            return (directory, listener);
        }
        catch
        {
            listener.Dispose();
            directory.Remove();
            throw;
        }
    }

    public void Remove() => Remove(_path);

    /// <summary>Removes what a gateway that was killed left behind: directories of ours whose socket nobody listens on any more.</summary>
    public static void RemoveDead(string runtimeDirectory)
    {
        if (!Directory.Exists(runtimeDirectory))
            return;
        foreach (var path in Directory.EnumerateDirectories(runtimeDirectory).Where(p => IsOurs(Path.GetFileName(p))))
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(Path.Combine(path, SocketName)));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
            {
                Remove(path);
            }
            catch (SocketException)
            {
                // Somebody's who may not be asked, or not a door: left alone.
            }
        }
    }

    // Others may pass through to a directory of theirs, not look around.
    private static void Prepare(string runtimeDirectory)
    {
        if (!Directory.Exists(runtimeDirectory))
            Directory.CreateDirectory(runtimeDirectory, Closed | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    private static string NewPath(string runtimeDirectory)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var path = Path.Combine(runtimeDirectory, RandomNumberGenerator.GetHexString(8, lowercase: true));
            if (mkdir(path, 0b111_000_000) == 0)
                return path;
            var error = Marshal.GetLastPInvokeError();
            const int Exists = 17;
            if (error != Exists)
                throw new IOException($"A directory for a sandbox's socket can't be made in {runtimeDirectory}.", new Win32Exception(error));
        }
        throw new IOException($"No free name for a sandbox's socket in {runtimeDirectory}.");
    }

    private static bool IsOurs(string name) => name.Length == 8 && name.All(char.IsAsciiHexDigitLower);

    private static void Remove(string path)
    {
        try
        {
            File.SetUnixFileMode(path, Closed);
            File.Delete(Path.Combine(path, SocketName));
            File.Delete(Path.Combine(path, AuthorityName));
            // Not recursive: nothing else belongs here.
            Directory.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone already.
        }
        catch (FileNotFoundException)
        {
            // Gone already.
        }
    }

    private static void WriteAuthority(string path, string pem)
    {
        File.WriteAllText(path, pem);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private static void Own(string path, int uid, int gid)
    {
        if (chown(path, uid, gid) != 0)
            throw new IOException($"{path} can't be given to user {uid}, group {gid}: the gateway needs CAP_CHOWN, or unset SandboxUid and SandboxGid.",
                new Win32Exception(Marshal.GetLastPInvokeError()));
    }

    // Fails when the name is taken, which Directory.CreateDirectory does not.
    [DllImport("libc", SetLastError = true)]
    private static extern int mkdir([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int chown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int owner, int group);
}
