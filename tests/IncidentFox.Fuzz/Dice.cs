using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Fuzz;

/// <summary>Chance that can be had again: everything follows from the fuzzer's name, the run's seed and the input's number.</summary>
internal sealed class Dice
{
    // The seeded generator is the same on every machine and version (it is the documented legacy one).
    private readonly Random _random;

    public Dice(string fuzzer, ulong seed, ulong number) =>
        _random = new Random(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{fuzzer}/{seed}/{number}"))));

    public int Below(int limit) => _random.Next(limit);

    public bool OneIn(int n) => _random.Next(n) == 0;

    public T Of<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    public string Text(string alphabet, int most) => string.Concat(Enumerable.Range(0, _random.Next(most + 1)).Select(_ => alphabet[_random.Next(alphabet.Length)]));

    /// <summary>Any text: mostly ASCII, some of the characters that make trouble.</summary>
    public string AnyText(int most) => string.Concat(Enumerable.Range(0, _random.Next(most + 1)).Select(_ => _random.Next(8) switch
    {
        0 => Of(Awkward),
        1 => ((char)_random.Next(0x20)).ToString(),
        2 => char.ConvertFromUtf32(_random.Next(0x80, 0xD000)),
        _ => ((char)_random.Next(' ', 127)).ToString(),
    }));

    private static readonly string[] Awkward =
    [
        "\0", "\r\n", "\u2028", "\u202e", "\ufeff", "\ud800", "\udc00", "\u00e9", "e\u0301", "\uff0e\uff0e\uff0f", "\ud83d\ude00", "../", "..", "%", "%2e", "%2F", "%25", "{", "}",
        "\"", "\\", "'", "<", ">", "&", "=", "?", "#", ";", "/", "//", "\u007f", "\u0085", "@", "null", "true", "1e400", "-0",
    ];
}
