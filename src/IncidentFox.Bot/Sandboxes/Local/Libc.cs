using System.Globalization;
using System.Runtime.InteropServices;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>The few calls of Linux that .NET does not have.</summary>
internal static partial class Libc
{
    private const nint PidfdSendSignal = 424; // the numbers of these two are the same on every architecture
    private const nint PidfdOpen = 434;
    private const int SigKill = 9;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;

    public static void ChangeOwner(string path, uint user)
    {
        if (lchown(path, user, user) != 0)
        {
            throw new IOException($"Changing the owner of {path} failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>Kills exactly that process: the handle is taken before the start time is compared, so the number cannot pass to another in between.</summary>
    public static void Kill(ProcessIdentity process)
    {
        var handle = (int)syscall(PidfdOpen, process.Pid, 0, 0, 0);
        if (handle < 0)
        {
            return;
        }

        try
        {
            if (process.IsAlive)
            {
                _ = syscall(PidfdSendSignal, handle, SigKill, 0, 0);
            }
        }
        finally
        {
            _ = close(handle);
        }
    }

    /// <summary>
    /// Marks every descriptor but the standard three as not for children. .NET's own are marked already; those that a library opened or that
    /// this process was given at its start are not, and would be a way out of a sandbox.
    /// </summary>
    public static void KeepDescriptorsFromChildren()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            if (int.Parse(Path.GetFileName(path.AsSpan()), CultureInfo.InvariantCulture) is > 2 and var descriptor)
            {
                _ = fcntl(descriptor, SetDescriptorFlags, CloseOnExec); // fails for one that was closed meanwhile, which is as good
            }
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint user, uint group);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
