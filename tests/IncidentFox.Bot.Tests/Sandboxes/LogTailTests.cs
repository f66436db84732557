using System.Text;
using IncidentFox.Bot.Sandboxes.Local;

namespace IncidentFox.Bot.Tests.Sandboxes;

public sealed class LogTailTests
{
    [Fact]
    public async Task Only_the_end_is_kept_however_much_is_printed()
    {
        var log = new LogTail();
        using var flood = new MemoryStream(Encoding.UTF8.GetBytes("first" + new string('x', 3_000_000) + "last"));
        await log.DrainAsync(flood);

        Assert.Equal(LogTail.MaxBytes, log.ToString().Length);
        Assert.EndsWith("xlast", log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\u001b]0;title\u0007\u001b[31mred", "]0;title[31mred")]
    [InlineData("a\0b\rc\bd\u009b31me", "abcd31me")]
    [InlineData("\u202eright to left\u2066\u200b\ufeff", "right to left")]
    [InlineData("one\u2028two\nthree", "onetwo\nthree")]
    [InlineData("größer 🦊", "größer 🦊")]
    public void Control_and_format_characters_are_removed(string printed, string kept)
    {
        var log = new LogTail();
        log.Append(Encoding.UTF8.GetBytes(printed));
        Assert.Equal(kept, log.ToString());
    }

    [Fact]
    public void Bytes_that_are_not_text_do_no_harm()
    {
        var log = new LogTail();
        log.Append([0xff, 0xfe, 0xc3, 0x28, 0xf0, 0x9f]);
        Assert.Equal("\ufffd\ufffd\ufffd(\ufffd", log.ToString());
    }
}
