using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Workbench.SlackWorkspace;
using Xunit;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

public sealed partial class PageTests
{
    private const string Chromium = "/usr/bin/chromium";

    [Fact]
    public async Task The_page_may_load_nothing_from_elsewhere_and_turn_no_string_into_markup()
    {
        await using var given = await Given.WorkspaceAsync();
        using var http = Http(given);
        var page = await http.GetAsync("/");
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("require-trusted-types-for 'script'", policy);
        Assert.DoesNotContain("unsafe", policy);
        Assert.DoesNotContain("http", policy);
        var scripts = new Queue<string>(["app.js"]);
        var seen = new HashSet<string>();
        while (scripts.TryDequeue(out var name))
        {
            if (!seen.Add(name)) continue;
            var text = await http.GetStringAsync($"/page/{name}");
            Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function|srcdoc|DOMParser", text);
            Assert.DoesNotMatch("""(import|from|src=|href=)\s*['"]https?:""", text);
            foreach (Match import in Import().Matches(text)) scripts.Enqueue(import.Groups[1].Value);
        }

        Assert.True(seen.Count > 10, "the modules were not followed");
    }

    [Theory]
    [InlineData("evil.example", null, 403)]
    [InlineData("127.0.0.1", "http://evil.example", 403)]
    [InlineData("127.0.0.1", "null", 403)]
    [InlineData("localhost", null, 200)]
    public async Task Only_a_browser_on_this_machine_may_act_as_people(string host, string? origin, int status)
    {
        await using var given = await Given.WorkspaceAsync();
        using var http = Http(given);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/_workspace/state");
        request.Headers.Host = host;
        if (origin is not null) request.Headers.Add("Origin", origin);
        Assert.Equal(status, (int)(await http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task The_control_API_shows_no_secret()
    {
        await using var given = await Given.WorkspaceAsync();
        await given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = "x", token = given.Slack.Options.BotToken });
        await given.Slack.RunCommandAsync(DemoPeople.Omar, "incidents", "/incidentfox help");
        using var http = Http(given);
        foreach (var path in (string[])["state", "record/api-calls", "record/deliveries"])
        {
            var text = await http.GetStringAsync($"/_workspace/{path}");
            foreach (var secret in (string[])[given.Slack.Options.BotToken, given.Slack.Options.AppToken, given.Slack.Options.SigningSecret]) Assert.DoesNotContain(secret, text);
        }
    }

    [Fact]
    public async Task What_people_do_can_be_done_over_HTTP()
    {
        await using var given = await Given.WorkspaceAsync();
        using var http = Http(given);
        var command = await PostAsync(http, "act/command", new { user = DemoPeople.Omar, channel = "incidents", text = "/incidentfox help" });
        Assert.Equal("answered", command["outcome"]!.ToString());
        var ts = (await given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = "card", blocks = Cards.Approval }))["ts"]!.ToString();
        Assert.Equal("answered", (await PostAsync(http, "act/click", new { user = DemoPeople.Ada, channel = "incidents", ts, actionId = "approve" }))["outcome"]!.ToString());
        Assert.Equal("hello", (await PostAsync(http, "act/say", new { user = DemoPeople.Ada, channel = "incidents", text = "hello", threadTs = ts }))["text"]!.ToString());
        Assert.Equal("not_sent", (await PostAsync(http, "act/say", new { user = "U0NOBODY", channel = "incidents", text = "hello" }))["outcome"]!.ToString());
        await PostAsync(http, "faults/fail-next", new { method = "auth.test", error = "fatal_error" });
        Assert.Equal("fatal_error", (await given.App.CallAsync(given.Slack, "auth.test", new { }))["error"]!.ToString());
        var messages = JsonNode.Parse(await http.GetStringAsync("/_workspace/channels/incidents/messages"))!.AsArray();
        Assert.Equal(2, messages.Count);
    }

    [Fact]
    public async Task Changes_are_streamed()
    {
        await using var given = await Given.WorkspaceAsync();
        using var http = Http(given);
        using var reader = new StreamReader(await http.GetStreamAsync("/_workspace/changes"));
        Assert.Equal("retry: 1000", await reader.ReadLineAsync());
        await given.Slack.SayAsync(DemoPeople.Omar, "incidents", "hello");
        string? line;
        do line = await reader.ReadLineAsync();
        while (line?.StartsWith("data:", StringComparison.Ordinal) == false);
        Assert.Equal(("message", DemoPeople.Incidents), (JsonNode.Parse(line![5..])!["kind"]!.ToString(), JsonNode.Parse(line[5..])!["channel"]!.ToString()));
    }

    [Fact]
    public async Task Hostile_text_is_only_text_on_the_page()
    {
        Assert.True(File.Exists(Chromium), "chromium is not installed: run eng/setup --test");
        await using var given = await Given.WorkspaceAsync();
        const string evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>\"'><svg onload=document.title='owned'>";
        const string links = "<javascript:alert(1)|click> <data:text/html,<b>x|me> [md](javascript:alert(2)) <!evil|x> <@U<b>x>";
        var blocks = new JsonArray
        {
            new JsonObject { ["type"] = "header", ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = evil } },
            new JsonObject { ["type"] = "section", ["text"] = new JsonObject { ["type"] = "mrkdwn", ["text"] = evil + links } },
            new JsonObject { ["type"] = "markdown", ["text"] = $"# {evil}\n\n{links}\n\n| {evil} |\n|---|\n| {evil} |\n\n```{evil}\n{evil}\n```" },
            new JsonObject { ["type"] = "table", ["rows"] = new JsonArray(new JsonArray(new JsonObject { ["type"] = "raw_text", ["text"] = evil })) },
        };
        var post = await given.App.CallAsync(given.Slack, "chat.postMessage", new { channel = "#incidents", text = evil, blocks });
        Assert.True(post["ok"]!.GetValue<bool>(), post.ToJsonString());
        await given.Slack.SayAsync(DemoPeople.Xeno, "incidents", evil + links);

        var shown = await BrowseAsync(new Uri(given.Slack.Url, "/?still&as=omar&channel=incidents"));
        Assert.Equal(2, Regex.Count(shown, "data-testid=\"message\""));
        Assert.Contains("&lt;script&gt;document.title", shown);
        Assert.DoesNotContain("<script>document", shown);
        Assert.DoesNotMatch("<img[^>]+onerror|<svg|href=\"(javascript|data):", shown);
        Assert.DoesNotContain("<title>owned", shown);
    }

    /// <summary>The page as a browser without a screen has it after a moment.</summary>
    private static async Task<string> BrowseAsync(Uri url)
    {
        var profile = Directory.CreateTempSubdirectory("workbench-page-");
        var start = new ProcessStartInfo(Chromium)
        {
            ArgumentList =
            {
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", $"--user-data-dir={profile.FullName}", "--virtual-time-budget=5000", "--dump-dom", url.ToString(),
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var browser = Process.Start(start)!;
        try
        {
            var errors = browser.StandardError.ReadToEndAsync();
            var shown = await browser.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
            await browser.WaitForExitAsync();
            await errors;
            return shown;
        }
        finally
        {
            if (!browser.HasExited) browser.Kill(entireProcessTree: true);
            profile.Delete(recursive: true);
        }
    }

    private static HttpClient Http(Given given) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = given.Slack.Url };

    private static async Task<JsonObject> PostAsync(HttpClient http, string path, object body)
    {
        using var content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        var response = await http.PostAsync($"/_workspace/{path}", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        return text.StartsWith('{') ? JsonNode.Parse(text)!.AsObject() : [];
    }

    [GeneratedRegex("""from '\./([a-z]+\.js)'""")]
    private static partial Regex Import();
}
