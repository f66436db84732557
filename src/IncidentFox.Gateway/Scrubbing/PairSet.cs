using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Finds where one of many short texts may begin, at the speed of one look at every other byte: whatever the parity of its place, its
/// first two bytes or the two from its second on are looked at together.
/// </summary>
internal sealed class PairSet
{
    /// <summary>How many bytes of a text must be there for <see cref="Next"/> to judge a place.</summary>
    public const int Window = 4;

    private readonly uint[] _pairs = new uint[65_536 / 32];
    private readonly uint[] _prefixes = new uint[65_536 / 32];

    /// <summary>Memory of one, in bytes.</summary>
    public const long Size = 2 * 65_536 / 8;

    /// <summary>Texts with this beginning, of <see cref="Window"/> bytes.</summary>
    public void Add(ReadOnlySpan<byte> prefix)
    {
        Set(_pairs, MemoryMarshal.Read<ushort>(prefix));
        Set(_pairs, MemoryMarshal.Read<ushort>(prefix[1..]));
        Set(_prefixes, Hash(MemoryMarshal.Read<uint>(prefix)));
    }

    /// <summary>Texts that begin with these three bytes.</summary>
    public void AddShort(ReadOnlySpan<byte> beginning)
    {
        for (var b = 0; b < 256; b++)
            Add([beginning[0], beginning[1], beginning[2], (byte)b]);
    }

    /// <summary>A byte that is always stopped at.</summary>
    public void AddMarker(byte marker)
    {
        for (var b = 0; b < 256; b++)
        {
            Set(_pairs, MemoryMarshal.Read<ushort>([(byte)b, marker]));
            Set(_pairs, MemoryMarshal.Read<ushort>([marker, (byte)b]));
        }
    }

    /// <summary>The next pair to look at; one past what can be judged when there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next(ReadOnlySpan<byte> text, int from)
    {
        ref var first = ref MemoryMarshal.GetReference(text);
        ref var pairs = ref MemoryMarshal.GetArrayDataReference(_pairs);
        var end = text.Length - Window + 1;
        var i = from;
        // Four pairs with one branch: there is seldom anything among them.
        for (; i <= text.Length - 10; i += 8)
        {
            var eight = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, i));
            var found = Bit(ref pairs, (ushort)eight) | Bit(ref pairs, (ushort)(eight >> 16)) | Bit(ref pairs, (ushort)(eight >> 32)) | Bit(ref pairs, (ushort)(eight >> 48));
            if ((found & 1) != 0)
                break;
        }
        while (i < end)
        {
            if ((Bit(ref pairs, Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref first, i))) & 1) != 0)
                break;
            i += 2;
        }
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bit(ref uint bits, uint at) => Unsafe.Add(ref bits, at >> 5) >> (int)(at & 31);

    /// <summary>Whether one of the texts may begin there; rarely wrong, and never when it does.</summary>
    public bool MayBegin(ReadOnlySpan<byte> text, int at)
    {
        var hash = Hash(MemoryMarshal.Read<uint>(text[at..]));
        return (_prefixes[hash >> 5] & (1u << (hash & 31))) != 0;
    }

    private static int Hash(uint prefix) => (int)((prefix * 0x9E3779B1u) >> 16);

    private static void Set(uint[] bits, int at) => bits[at >> 5] |= 1u << (at & 31);
}
