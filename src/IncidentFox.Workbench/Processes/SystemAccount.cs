using System.Runtime.InteropServices;

namespace IncidentFox.Workbench.Processes;

/// <summary>An unprivileged account of this machine, for the servers that refuse (or should refuse) to run as root.</summary>
public sealed record SystemAccount(string Name, uint UserId, uint GroupId)
{
    public static bool WeAreRoot => geteuid() == 0;

    /// <summary>The first of the named accounts that exists.</summary>
    public static SystemAccount Find(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            foreach (var line in File.ReadLines("/etc/passwd"))
            {
                var fields = line.Split(':');
                if (fields.Length >= 4 && fields[0] == name
                    && uint.TryParse(fields[2], out var user) && uint.TryParse(fields[3], out var group) && user != 0)
                {
                    return new(name, user, group);
                }
            }
        }

        throw new InvalidOperationException(
            $"None of the accounts {string.Join(", ", names!)} exists on this machine: create one, or do not start as root.");
    }

    /// <summary>Makes a file or folder this account's own.</summary>
    public void Own(string path)
    {
        if (lchown(path, UserId, GroupId) != 0)
        {
            throw new IOException($"Cannot give {path} to {Name}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
        }
    }

    /// <summary>Makes a file or folder the own of a user who may have no account.</summary>
    public static void Own(string path, uint user) => new SystemAccount($"user {user}", user, user).Own(path);

    [DllImport("libc", SetLastError = true)]
    private static extern int lchown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint owner, uint group);

    [DllImport("libc")]
    private static extern uint geteuid();
}
