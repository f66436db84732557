using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace IncidentFox.Contracts.Tests;

/// <summary>The wire as both sides rely on it. A change here breaks sandboxes that are running: raise the protocol version instead.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string> Types => [.. Samples.All.Select(s => s.Type)];

    [Theory, MemberData(nameof(Types))]
    public void A_message_is_on_the_wire_exactly_as_its_golden_file(string type)
    {
        var written = Encoding.UTF8.GetString(Samples.All.Single(s => s.Type == type).Utf8);
        Assert.Equal(File.ReadAllText(GoldenPath(type)).TrimEnd('\n'), written);
    }

    [Theory, MemberData(nameof(Types))]
    public void Version_and_type_come_first(string type) =>
        Assert.StartsWith($$"""{"v":1,"type":"{{type}}",""", File.ReadAllText(GoldenPath(type)), StringComparison.Ordinal);

    [Theory, MemberData(nameof(Types))]
    public void What_was_written_reads_back_to_the_same(string type)
    {
        var sample = Samples.All.Single(s => s.Type == type);
        var (again, error) = sample.ReadAndWrite(sample.Utf8);
        Assert.Null(error);
        Assert.Equal(Encoding.UTF8.GetString(sample.Utf8), Encoding.UTF8.GetString(again!));
    }

    [Fact]
    public void Every_known_type_has_a_golden_file() =>
        Assert.Equal(MessageCodec.KnownTypes.Order(), Samples.All.Select(s => s.Type).Order());

    private static string GoldenPath(string type, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Golden", type + ".golden.json");
}
