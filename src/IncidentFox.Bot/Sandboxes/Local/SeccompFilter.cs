using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace IncidentFox.Bot.Sandboxes.Local;

/// <summary>
/// The calls that bubblewrap's sandboxes may not make of this machine's kernel, as a classic BPF program (seccomp(2)). Sockets of any kind but Unix and
/// IP are refused, because not all of them are kept in by a network namespace: AF_VSOCK reaches the hypervisor. So is io_uring, which opens sockets
/// without asking, and what an agent has no use for and exploits have much.
/// </summary>
internal static class SeccompFilter
{
    private const uint Allow = 0x7fff_0000, KillProcess = 0x8000_0000, Errno = 0x0005_0000;
    private const uint NotPermitted = 1, NoSuchCall = 38, NoSuchFamily = 97;
    private const uint FamilyUnix = 1, FamilyInternet = 2, FamilyInternet6 = 10;
    private const uint NumberOffset = 0, ArchitectureOffset = 4, FirstArgumentOffset = 16;
    private const uint X32Calls = 0x4000_0000;
    private const uint None = uint.MaxValue;

    // Name, number on x86-64 (asm/unistd_64.h), number on arm64 (asm-generic/unistd.h).
    private static readonly (string Name, uint X64, uint Arm64)[] Refused =
    [
        ("ptrace", 101, 117),
        ("syslog", 103, 116),
        ("personality", 135, 92),
        ("mount", 165, 40),
        ("umount2", 166, 39),
        ("pivot_root", 155, 41),
        ("chroot", 161, 51),
        ("swapon", 167, 224),
        ("swapoff", 168, 225),
        ("reboot", 169, 142),
        ("init_module", 175, 105),
        ("finit_module", 313, 273),
        ("delete_module", 176, 106),
        ("quotactl", 179, 60),
        ("quotactl_fd", 443, 443),
        ("acct", 163, 89),
        ("kexec_load", 246, 104),
        ("kexec_file_load", 320, 294),
        ("add_key", 248, 217),
        ("request_key", 249, 218),
        ("keyctl", 250, 219),
        ("mbind", 237, 235),
        ("set_mempolicy", 238, 237),
        ("migrate_pages", 256, 238),
        ("move_pages", 279, 239),
        ("unshare", 272, 97),
        ("setns", 308, 268),
        ("vmsplice", 278, 75),
        ("perf_event_open", 298, 241),
        ("fanotify_init", 300, 262),
        ("name_to_handle_at", 303, 264),
        ("open_by_handle_at", 304, 265),
        ("process_vm_readv", 310, 270),
        ("process_vm_writev", 311, 271),
        ("bpf", 321, 280),
        ("userfaultfd", 323, 282),
        ("io_uring_setup", 425, 425),
        ("io_uring_enter", 426, 426),
        ("io_uring_register", 427, 427),
        ("open_tree", 428, 428),
        ("move_mount", 429, 429),
        ("fsopen", 430, 430),
        ("fsconfig", 431, 431),
        ("fsmount", 432, 432),
        ("fspick", 433, 433),
        ("mount_setattr", 442, 442),
        ("pidfd_getfd", 438, 438),
        ("memfd_secret", 447, 447),
        ("iopl", 172, None),
        ("ioperm", 173, None),
        ("modify_ldt", 154, None),
    ];

    /// <summary>The program for this machine, or null for an architecture whose numbers are not known here.</summary>
    public static byte[]? ForThisMachine() => For(RuntimeInformation.OSArchitecture);

    public static byte[]? For(Architecture architecture) => architecture switch
    {
        Architecture.X64 => Build(0xc000_003e, socket: 41, [.. Refused.Select(call => call.X64)]),
        Architecture.Arm64 => Build(0xc000_00b7, socket: 198, [.. Refused.Select(call => call.Arm64).Where(number => number != None)]),
        _ => null,
    };

    private static byte[] Build(uint architecture, uint socket, uint[] refused)
    {
        List<Instruction> program =
        [
            Load(ArchitectureOffset),
            JumpIfEqual(architecture, yes: 1, no: 0),
            Return(KillProcess),
            Load(NumberOffset),
            JumpIfAtLeast(X32Calls, yes: 0, no: 1), // the same kernel's other calling convention on x86-64
            Return(Errno | NoSuchCall),
            JumpIfEqual(socket, yes: 0, no: 6),
            Load(FirstArgumentOffset),
            JumpIfEqual(FamilyUnix, yes: 3, no: 0),
            JumpIfEqual(FamilyInternet, yes: 2, no: 0),
            JumpIfEqual(FamilyInternet6, yes: 1, no: 0),
            Return(Errno | NoSuchFamily),
            Return(Allow),
        ];

        // Each looks at the number and, when it is its own, jumps behind the Allow at the end.
        program.AddRange(refused.Select((number, index) => JumpIfEqual(number, yes: (byte)(refused.Length - index), no: 0)));
        program.Add(Return(Allow));
        program.Add(Return(Errno | NotPermitted));
        return Encode(program);
    }

    private static byte[] Encode(List<Instruction> program)
    {
        var bytes = new byte[program.Count * 8];
        for (var i = 0; i < program.Count; i++)
        {
            var target = bytes.AsSpan(i * 8, 8);
            BinaryPrimitives.WriteUInt16LittleEndian(target, program[i].Code);
            target[2] = program[i].Yes;
            target[3] = program[i].No;
            BinaryPrimitives.WriteUInt32LittleEndian(target[4..], program[i].Value);
        }

        return bytes;
    }

    private static Instruction Load(uint offset) => new(0x20, 0, 0, offset);

    private static Instruction JumpIfEqual(uint value, byte yes, byte no) => new(0x15, yes, no, value);

    private static Instruction JumpIfAtLeast(uint value, byte yes, byte no) => new(0x35, yes, no, value);

    private static Instruction Return(uint verdict) => new(0x06, 0, 0, verdict);

    private sealed record Instruction(ushort Code, byte Yes, byte No, uint Value);
}
