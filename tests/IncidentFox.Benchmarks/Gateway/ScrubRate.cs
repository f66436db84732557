using System.Buffers;
using System.Diagnostics;
using System.Text;
using IncidentFox.Gateway.Scrubbing;

namespace IncidentFox.Benchmarks.Gateway;

/// <summary>How fast one core looks for the secrets of one call in an answer that has none of them.</summary>
internal static class ScrubRate
{
    private const int Chunk = 16 * 1024;

    public static double MegabytesPerSecond(TimeSpan time)
    {
        var token = Backend.Token;
        var patterns = SecretPatterns.Of([token, Convert.ToBase64String(Encoding.UTF8.GetBytes($"user:{token}"))]);
        var text = Encoding.UTF8.GetBytes(Backend.Json(4 * 1024 * 1024));
        var output = new ArrayBufferWriter<byte>(text.Length + Chunk);
        Once(patterns, text, output);   // compiled by now
        var (bytes, started) = (0L, Stopwatch.GetTimestamp());
        while (Stopwatch.GetElapsedTime(started) < time)
        {
            Once(patterns, text, output);
            bytes += text.Length;
        }
        return bytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static void Once(SecretPatterns patterns, byte[] text, ArrayBufferWriter<byte> output)
    {
        var scrubber = new Scrubber(patterns);
        for (var at = 0; at < text.Length; at += Chunk)
        {
            output.ResetWrittenCount();
            scrubber.Write(text.AsSpan(at, Math.Min(Chunk, text.Length - at)), output);
        }
        scrubber.Complete(output);
    }
}
