using System.Globalization;
using System.Net;
using IncidentFox.Agent.Gateway;

namespace IncidentFox.Agent.Conformance;

/// <summary>
/// <c>incidentfox-agent conform DOOR ACT...</c>: does what an agent must not be able to do, as told, and prints for each act one line of JSON with how it went.
/// For the conformance suite of the sandbox drivers. It gets no task and knows no secret; what looks like one is named, never printed.
/// </summary>
internal static class ConformCommand
{
    public const string Usage = "usage: incidentfox-agent conform SOCKET|https://ADDRESS:PORT --ca FILE --token FILE ACT...  (acts: look reach=ADDRESS:PORT,... write=PATH,... dial=SOCKET knock cpu=SECONDS disk=PATH:MIB memory=MIB processes=COUNT listen=PORT wait)";

    private const int MostActs = 16;
    private const string Https = "https://";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter report, TextWriter says)
    {
        if (Door(arguments) is not var (door, words) || Parse(words) is not { Count: > 0 and <= MostActs } acts)
        {
            await says.WriteLineAsync(Usage);
            return ExitCodes.Usage;
        }
        // The runtime looks for certificates in the user's folder, and fails where there is neither user nor folder: an empty image.
        Environment.SetEnvironmentVariable("HOME", "/nonexistent");
        using (door)
        {
            foreach (var act in acts)
            {
                if (!await act(door, new ActReport(report)))
                    break;
            }
        }
        return ExitCodes.Done;
    }

    // The door comes first, as when it serves.
    private static (GatewayClient Door, IReadOnlyList<string> Acts)? Door(IReadOnlyList<string> arguments) => arguments switch
    {
        [var socket, ..] when socket.StartsWith('/') => (new GatewayClient(socket, TimeProvider.System), [.. arguments.Skip(1)]),
        [var url, "--ca", var authority, "--token", var token, ..] when url.StartsWith(Https, StringComparison.Ordinal) && IPEndPoint.TryParse(url[Https.Length..], out var gateway) && gateway.Port > 0
            => (new GatewayClient(new TlsDialer(gateway, authority, token), TimeProvider.System), [.. arguments.Skip(5)]),
        _ => null,
    };

    // An act is followed by the next one if it says so.
    private static List<Func<GatewayClient, ActReport, Task<bool>>>? Parse(IReadOnlyList<string> words)
    {
        var acts = new List<Func<GatewayClient, ActReport, Task<bool>>>();
        foreach (var word in words)
        {
            var (name, value) = word.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (word[..at], word[(at + 1)..]) : (word, "");
            if (Act(name, value) is not { } act)
                return null;
            acts.Add(act);
        }
        return acts;
    }

    private static Func<GatewayClient, ActReport, Task<bool>>? Act(string name, string value) => name switch
    {
        "look" when value.Length == 0 => (_, report) => Run(() => Looking.Look(report)),
        "reach" when Targets(value) is { } targets => (_, report) => Run(Reaching.TryAsync(targets, report)),
        "write" when value.Length > 0 => (_, report) => Run(() => Using.Write(value.Split(','), report)),
        "dial" when value.StartsWith('/') => (_, report) => Run(Reaching.DialAsync(value, report)),
        "knock" when value.Length == 0 => (door, report) => Run(Reaching.KnockAsync(door, report)),
        "cpu" when Number(value, 60) is { } seconds => (_, report) => Run(() => Using.Processors(TimeSpan.FromSeconds(seconds), report)),
        "disk" when value.LastIndexOf(':') is > 0 and var colon && Number(value[(colon + 1)..], 100_000) is { } size => (_, report) => Task.FromResult(Using.Disk(value[..colon], size, report)),
        "memory" when Number(value, 100_000) is { } size => (_, report) => Run(() => Using.Memory(size, report)),
        "processes" when Number(value, 100_000) is { } count => (_, report) => Run(() => Using.Processes(count, report)),
        "listen" when Number(value, 65_535) is { } port => (_, report) => Run(() => Reaching.Listen(port, report)),
        "wait" when value.Length == 0 => (_, report) => Run(Waiting.ForeverAsync(report)),
        _ => null,
    };

    private static Task<bool> Run(Action act)
    {
        act();
        return Task.FromResult(true);
    }

    private static async Task<bool> Run(Task act)
    {
        await act;
        return true;
    }

    private static int? Number(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most ? number : null;

    private static List<IPEndPoint>? Targets(string text)
    {
        var targets = new List<IPEndPoint>();
        foreach (var word in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IPEndPoint.TryParse(word, out var target) || target.Port == 0)
                return null;
            targets.Add(target);
        }
        return targets;
    }
}
