using System.Runtime.InteropServices;

namespace IncidentFox.SandboxProbe;

internal static partial class Libc
{
    public const int SigTerm = 15;
    public const nint Ignore = 1;

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fork();

    [LibraryImport("libc")]
    public static partial int pause();

    [LibraryImport("libc")]
    public static partial nint signal(int signal, nint handler);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string source, string target, string type, nuint flags, nint data);
}
