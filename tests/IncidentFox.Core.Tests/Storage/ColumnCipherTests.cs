using System.Security.Cryptography;

namespace IncidentFox.Core.Tests.Storage;

public sealed class ColumnCipherTests
{
    private static readonly byte[] First = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Second = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];
    private static readonly Cell Place = new("investigations", "question", Guid.Parse("00000000-0000-0000-0000-000000000001"));

    [Fact]
    public void What_was_encrypted_for_a_cell_opens_in_that_cell()
    {
        var cipher = new ColumnCipher(First);
        foreach (var text in new[] { "", "checkout ist kaputt ✓", new string('x', 100_000) })
            Assert.Equal(text, cipher.Decrypt(Place, cipher.Encrypt(Place, text)));
    }

    [Fact]
    public void The_same_text_twice_looks_different_and_shows_nothing_of_itself()
    {
        var cipher = new ColumnCipher(First);
        var one = cipher.Encrypt(Place, "secret question");
        Assert.NotEqual(one, cipher.Encrypt(Place, "secret question"));
        Assert.True(one.AsSpan().IndexOf("question"u8) < 0);
    }

    [Fact]
    public void It_does_not_open_in_another_row_column_or_table()
    {
        var cipher = new ColumnCipher(First);
        var bytes = cipher.Encrypt(Place, "text");
        foreach (var other in new[] { Place with { Row = Guid.NewGuid() }, Place with { Column = "report" }, Place with { Table = "approvals" } })
            Assert.ThrowsAny<CryptographicException>(() => cipher.Decrypt(other, bytes));
    }

    [Fact]
    public void Every_changed_byte_and_every_missing_one_is_noticed()
    {
        var cipher = new ColumnCipher(First);
        var bytes = cipher.Encrypt(Place, "text");
        for (var i = 0; i < bytes.Length; i++)
        {
            var changed = (byte[])bytes.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => cipher.Decrypt(Place, changed));
            var cut = bytes[..i];
            Assert.ThrowsAny<CryptographicException>(() => cipher.Decrypt(Place, cut));
        }
        Assert.ThrowsAny<CryptographicException>(() => cipher.Decrypt(Place, [.. bytes, 0]));
    }

    [Fact]
    public void After_a_rotation_old_values_open_and_new_ones_use_the_new_key()
    {
        var old = new ColumnCipher(First).Encrypt(Place, "old");
        var rotated = new ColumnCipher(Second, First);
        Assert.Equal("old", rotated.Decrypt(Place, old));
        Assert.Equal("new", new ColumnCipher(Second).Decrypt(Place, rotated.Encrypt(Place, "new")));
        Assert.Throws<CryptographicException>(() => new ColumnCipher(Second).Decrypt(Place, old));
    }

    [Fact]
    public void A_key_of_another_length_and_no_key_at_all_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new ColumnCipher());
        Assert.Throws<ArgumentException>(() => new ColumnCipher(new byte[16]));
        Assert.Throws<ArgumentException>(() => new ColumnCipher(First, new byte[33]));
    }
}
