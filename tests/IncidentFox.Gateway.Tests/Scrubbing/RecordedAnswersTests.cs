using System.Buffers;
using System.IO.Compression;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Gateway.Scrubbing.Foreign;
using Xunit;

namespace IncidentFox.Gateway.Tests.Scrubbing;

public sealed class RecordedAnswersTests
{
    [Fact]
    public void What_real_clusters_answered_is_passed_on_byte_for_byte()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Estates"), "*.json.gz");
        Assert.NotEmpty(files);
        var patterns = SecretPatterns.Of(["canary-4fK29sLq0Zr7TnXy", "hunter2-hunter2"]);
        foreach (var file in files)
        {
            var text = Read(file);
            var (own, foreign) = (new Scrubber(patterns), new ForeignScrubber());
            var (between, output) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
            foreach (var piece in text.Chunk(5_003))
                own.Write(piece, between);
            own.Complete(between);
            foreach (var piece in between.WrittenSpan.ToArray().Chunk(4_001))
                foreign.Write(piece, output);
            foreign.Complete(output);
            Assert.True(text.AsSpan().SequenceEqual(output.WrittenSpan), Path.GetFileName(file));
        }
    }

    private static byte[] Read(string file)
    {
        using var stream = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        using var buffer = new MemoryStream();
        stream.CopyTo(buffer);
        return buffer.ToArray();
    }
}
