using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace IncidentFox.SandboxProbe;

/// <summary>
/// An agent that speaks the gateway's protocol, calls everything it is offered, keeps every byte it gets, and then looks for secrets in all that a program
/// in a sandbox can see. Chosen by a word behind the executable: a sandbox has neither arguments of its own nor an environment.
/// </summary>
internal static class CanaryAgent
{
    private const string Word = "\ncanary-agent\n";
    private static readonly List<byte[]> Answers = [];

    public static bool IsAskedFor()
    {
        try
        {
            using var self = new FileStream("/proc/self/exe", FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            self.Seek(-Word.Length, SeekOrigin.End);
            var end = new byte[Word.Length];
            self.ReadExactly(end);
            return Encoding.ASCII.GetString(end) == Word;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public static int Run(string socket)
    {
        var probes = string.Join(',', ((string[])["loopback", "metadata", "outside", "dns", "private", "ipv6"])
            .Select(kind => $$"""{"kind":"{{kind}}","target":"192.0.2.1:1","reached":false,"detail":"NetworkUnreachable"}"""));
        Ask(socket, "POST", "/v1/agent/hello", $$"""{"v":1,"type":"hello","agent_version":"canary","cage":[{{probes}}]}""");
        Ask(socket, "GET", "/v1/agent/task", null);
        var tools = Values(Ask(socket, "GET", "/v1/agent/tools", null), "\"name\":\"");
        var needles = Values(Ask(socket, "GET", "/i/needles/needles", null), "\"needle\":\"");
        foreach (var tool in tools.Where(t => t.StartsWith("read_", StringComparison.Ordinal)))
        {
            Ask(socket, "POST", "/tools/" + tool, """{"v":1,"type":"tool_request","arguments":{}}""");
            Ask(socket, "GET", $"/i/{tool["read_".Length..]}/orders", null);
            // What fails says something too.
            Ask(socket, "GET", $"/i/{tool["read_".Length..]}/failure", null);
        }
        Ask(socket, "POST", "/tools/pod_restart", """{"v":1,"type":"tool_request","arguments":{"namespace":"shop","pod":"checkout-1"},"reason":"canary"}""");
        Ask(socket, "GET", "/i/payments/planted-in-the-log", null);
        File.WriteAllBytes("/tmp/answers", [.. Answers.SelectMany(a => a)]);

        var seen = Scanning.Scan("/", "*", [.. needles]).Concat(Looking.Environment().Select(v => "environment " + v)).ToList();
        var found = seen.Where(s => s.StartsWith("found ", StringComparison.Ordinal)).Select(s => $"{(s.Contains(" memory ", StringComparison.Ordinal) ? "memory" : s.Split(' ')[1])}:{s[(s.LastIndexOf(' ') + 1)..]}").Distinct();
        var text = string.Create(CultureInfo.InvariantCulture,
            $"tools={tools.Count} needles={needles.Count} answers={Answers.Count} bytes={Answers.Sum(a => a.Length)} {seen.First(s => s.StartsWith("scanned", StringComparison.Ordinal))} found={string.Join(',', found)}");
        Ask(socket, "POST", "/v1/agent/events", $$"""{"v":1,"type":"events","events":[{"event":"notice","sequence":1,"at":"2026-11-22T16:00:00Z","text":"{{text}}"}]}""");
        return 0;
    }

    private static string Ask(string path, string method, string target, string? body)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        var head = $"{method} {target} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{(body is null ? "" : $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n")}\r\n{body}";
        socket.Send(Encoding.UTF8.GetBytes(head));
        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = socket.Receive(buffer)) > 0)
                answer.Write(buffer, 0, read);
        }
        catch (SocketException)
        {
            // Cut off: what came is kept.
        }
        Answers.Add(answer.ToArray());
        return Encoding.UTF8.GetString(Answers[^1]);
    }

    private static List<string> Values(string text, string before)
    {
        var values = new List<string>();
        for (var at = text.IndexOf(before, StringComparison.Ordinal); at >= 0; at = text.IndexOf(before, at + 1, StringComparison.Ordinal))
        {
            var start = at + before.Length;
            values.Add(text[start..text.IndexOf('"', start)]);
        }
        return values;
    }
}
