using System.Security.Cryptography;
using System.Text;

namespace IncidentFox.Core.Storage;

/// <summary>One cell's place; part of what is authenticated, so that a ciphertext moved to another row, column or table does not open.</summary>
/// <param name="Table">Table name.</param>
/// <param name="Column">Column name.</param>
/// <param name="Row">Primary key.</param>
public readonly record struct Cell(string Table, string Column, Guid Row)
{
    internal byte[] AssociatedData() => Encoding.UTF8.GetBytes($"{Table}/{Column}/{Row:N}");
}

/// <summary>
/// AES-256-GCM for sensitive columns. Layout: 1 byte format (1), 4 bytes key id, 12 bytes nonce, 16 bytes tag, ciphertext.
/// The key id is the start of the key's SHA-256, so that a rotated key is found without being named in configuration.
/// </summary>
public sealed class ColumnCipher
{
    private const int Header = 1 + 4 + 12 + 16;
    private readonly byte[] _currentId;
    private readonly Dictionary<uint, byte[]> _keys = [];

    /// <summary>The first key encrypts; all of them decrypt.</summary>
    /// <param name="keys">Keys of exactly 32 bytes.</param>
    public ColumnCipher(params IReadOnlyList<byte[]> keys)
    {
        if (keys.Count == 0 || keys.Any(k => k.Length != 32))
            throw new ArgumentException("A column key has exactly 32 bytes.", nameof(keys));
        _currentId = KeyId(keys[0]);
        foreach (var key in keys)
            _keys[BitConverter.ToUInt32(KeyId(key))] = key;
    }

    /// <summary>Encrypts text for one cell.</summary>
    public byte[] Encrypt(Cell cell, string text)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var sealed_ = new byte[Header + plain.Length];
        sealed_[0] = 1;
        _currentId.CopyTo(sealed_, 1);
        RandomNumberGenerator.Fill(sealed_.AsSpan(5, 12));
        using var aes = new AesGcm(_keys[BitConverter.ToUInt32(_currentId)], 16);
        aes.Encrypt(sealed_.AsSpan(5, 12), plain, sealed_.AsSpan(Header), sealed_.AsSpan(17, 16), cell.AssociatedData());
        return sealed_;
    }

    /// <summary>Decrypts what <see cref="Encrypt"/> made for the same cell.</summary>
    /// <exception cref="CryptographicException">The key is not there, or the bytes were changed or moved.</exception>
    public string Decrypt(Cell cell, ReadOnlySpan<byte> sealed_)
    {
        if (sealed_.Length < Header || sealed_[0] != 1)
            throw new CryptographicException($"{cell.Table}.{cell.Column}: not an encrypted column value.");
        if (!_keys.TryGetValue(BitConverter.ToUInt32(sealed_[1..5]), out var key))
            throw new CryptographicException($"{cell.Table}.{cell.Column}: encrypted with a key that is not configured.");
        var plain = new byte[sealed_.Length - Header];
        using var aes = new AesGcm(key, 16);
        aes.Decrypt(sealed_[5..17], sealed_[Header..], sealed_[17..33], plain, cell.AssociatedData());
        return Encoding.UTF8.GetString(plain);
    }

    private static byte[] KeyId(byte[] key) => SHA256.HashData(key)[..4];
}
