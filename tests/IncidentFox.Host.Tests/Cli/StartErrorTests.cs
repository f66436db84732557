using IncidentFox.Host.Tests.Kit;
using IncidentFox.TestKit;

namespace IncidentFox.Host.Tests.Cli;

public sealed class StartErrorTests(TestPostgres postgres) : IDisposable
{
    private readonly Installation _here = new();

    [Fact]
    public async Task Ten_mistakes_are_named_at_once_with_how_to_mend_them_and_no_secret_is_repeated()
    {
        _here["Http"]["Url"] = "https://bot.example.com/slack";
        _here["Slack"]["BotToken"] = "xoxb-pasted-by-mistake";
        _here["Slack"].Remove("SigningSecret");
        _here["Database"]["Bot"] = "";
        _here["Database"]["Gateway"] = "Host=db.internal;Username=gateway;Password=hunter2hunter2";
        _here["Database"]["ColumnKey"] = "cGFzdGVkIGJ5IG1pc3Rha2U=";
        _here["Organization"]["SlackWorkspace"] = "Acme Shop";
        _here.Configuration["Bot"] = new System.Text.Json.Nodes.JsonObject { ["MaxSandboxes"] = 0 };
        _here["Gateway"]["ParkAfterSeconds"] = 0;
        _here["Sandbox"]["Local"]!["Driver"] = "docker";

        var (exitCode, output, error) = await _here.RunAsync("serve");

        Assert.Equal(2, exitCode);
        var mistakes = error.Split('\n').Where(l => l.StartsWith("  - ", StringComparison.Ordinal)).Select(l => l[4..]).ToList();
        string[] wanted =
        [
            "Http:Url", "Slack:BotToken", "Slack: give SigningSecret", "Database:Bot is empty", "Database:Gateway holds a password", "Database:ColumnKey",
            "Organization:SlackWorkspace", "Bot:MaxSandboxes", "Gateway:ParkAfterSeconds", "Sandbox:Local:Driver",
        ];
        Assert.All(wanted, w => Assert.Single(mistakes, m => m.StartsWith(w, StringComparison.Ordinal)));
        Assert.Equal(wanted.Length, mistakes.Count);
        Assert.Contains("for 10 reasons", error, StringComparison.Ordinal);
        foreach (var secret in new[] { "pasted-by-mistake", "hunter2", "cGFzdGVkIGJ5IG1pc3Rha2U=" })
            Assert.DoesNotContain(secret, error + output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    public async Task A_signing_secret_that_is_empty_or_too_short_is_refused(string secret)
    {
        _here.Secret("signing-secret", secret);

        var (exitCode, _, error) = await _here.RunAsync("serve");

        Assert.Equal(2, exitCode);
        Assert.Contains("Slack:SigningSecret", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_this_version_s_schema_is_refused_with_the_command_that_makes_it()
    {
        await using var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        await database.ExecuteAsync("drop schema app cascade");
        _here.Use(database);

        var (exitCode, output, error) = await _here.RunAsync("serve");

        Assert.Equal(1, exitCode);
        Assert.Contains("run incidentfox migrate", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_an_error_in_one_sentence()
    {
        var (exitCode, output, error) = await _here.RunAsync("serve");

        Assert.Equal(1, exitCode);
        Assert.Contains("The database does not answer", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    public void Dispose() => _here.Dispose();
}
