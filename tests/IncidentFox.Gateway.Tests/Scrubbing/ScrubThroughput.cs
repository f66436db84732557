using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using IncidentFox.Gateway.Scrubbing;
using IncidentFox.Gateway.Scrubbing.Foreign;

namespace IncidentFox.Gateway.Tests.Scrubbing;

/// <summary>How fast answers are scrubbed on one core: what <c>scrub_mb_per_s</c> says in the benchmarks.</summary>
public static class ScrubThroughput
{
    private const int Piece = 32 * 1024;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly string[] Secrets = ["canary-4fK29sLq0Zr7TnXy", "Y2FuYXJ5OmNhbmFyeS00Zksy"];

    /// <summary>Megabytes (10^6 bytes) per second of answers without secrets, as Prometheus, Kubernetes and logs give them.</summary>
    /// <param name="duration">How long to measure.</param>
    /// <param name="foreign">Also look for other people's secrets, as is the default.</param>
    public static double Measure(TimeSpan duration, bool foreign)
    {
        var text = Encoding.UTF8.GetBytes(Answer());
        var patterns = SecretPatterns.Of(Secrets);
        var (between, output) = (new ArrayBufferWriter<byte>(2 * Piece), new ArrayBufferWriter<byte>(2 * Piece));
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < WarmUp)   // what is run often is compiled anew, in the background
            Run(text, patterns, foreign, between, output);
        started = Stopwatch.GetTimestamp();
        long bytes = 0;
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            Run(text, patterns, foreign, between, output);
            bytes += text.Length;
        }
        return bytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static void Run(byte[] text, SecretPatterns patterns, bool foreign, ArrayBufferWriter<byte> between, ArrayBufferWriter<byte> output)
    {
        var own = new Scrubber(patterns);
        var others = foreign ? new ForeignScrubber() : null;
        for (var at = 0; at < text.Length; at += Piece)
        {
            between.ResetWrittenCount();
            own.Write(text.AsSpan(at, Math.Min(Piece, text.Length - at)), between);
            output.ResetWrittenCount();
            others?.Write(between.WrittenSpan, output);
        }
        own.Complete(output);
        others?.Complete(output);
    }

    // 4 MB of the three kinds that agents ask for most.
    private static string Answer()
    {
        var dice = new Random(1);
        var text = new StringBuilder(4_200_000);
        while (text.Length < 4_000_000)
        {
            var n = dice.Next(1_000_000);
            text.Append(CultureInfo.InvariantCulture,
                $$"""{"metric":{"__name__":"http_requests_total","instance":"10.0.{{n % 256}}.7:8080","pod":"checkout-7d9f{{n % 97}}","code":"500"},"value":[17{{n}}.123,"{{n * 7}}"]},""");
            text.Append(CultureInfo.InvariantCulture,
                $$"""{"name":"checkout-{{n}}","namespace":"shop","uid":"{{n:x8}}-7c1e-4a1f-9b1d-{{n:x12}}","labels":{"app":"checkout","pod-template-hash":"{{n:x6}}"},"image":"registry.example/shop/checkout@sha256:{{n:x16}}"},""").Append('\n');
            text.Append(CultureInfo.InvariantCulture,
                $"2026-01-02T03:04:05.{n:000000}Z ERROR checkout.orders order={n} could not reserve \"blue shirt\": pool exhausted after 3000 ms, 20 of 20 connections in use\n");
        }
        return text.ToString();
    }
}
