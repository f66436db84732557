using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.SlackWorkspace;
using IncidentFox.Workbench.Stack;
using Npgsql;

namespace IncidentFox.EndToEnd;

public sealed class CanaryTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task No_secret_of_this_run_is_in_the_log_the_messages_or_the_database()
    {
        var ct = TestContext.Current.CancellationToken;
        await product.BreakAsync(DemoFaults.StuckPool);
        var (card, approval) = await product.ProposeAsync();
        await product.Slack.ClickAsync(DemoPeople.Ada, approval.Channel, approval.Ts, WorkspaceSession.Approve, ct: ct);
        await product.People.WaitForTextAsync(approval, "the execution on the card", t => t.Contains("Done", StringComparison.Ordinal), ct);
        await product.People.WaitForReplyAsync(card, "the agent's word that it helped", t => t.Contains("was executed and worked", StringComparison.Ordinal), ct);

        var secrets = Secrets();
        Assert.Contains(secrets, s => s.Name == "kubernetes-write");
        Assert.Contains(secrets, s => s.Name == "prometheus-password");
        var log = await ReadSharedAsync(product.Stack.Files.LogFile);
        var messages = Messages();
        var database = await product.Ledger.DumpAsync();
        // Each of them was really looked at.
        Assert.Contains("ready on", log, StringComparison.Ordinal);
        Assert.Contains(Installation.Question, messages, StringComparison.Ordinal);
        Assert.Contains("pod_restart", database, StringComparison.Ordinal);
        Assert.All(secrets, s =>
        {
            Assert.True(s.FoundIn(log) is null, $"{s.Name} is in the log");
            Assert.True(s.FoundIn(messages) is null, $"{s.Name} is in Slack's messages");
            Assert.True(s.FoundIn(database) is null, $"{s.Name} is in the database");
        });
    }

    [Theory]
    [InlineData("convert_to(@secret, 'UTF8')", "bytea")]
    [InlineData("to_jsonb(encode(convert_to('user:' || @secret || '!', 'UTF8'), 'base64'))", "jsonb")]
    [InlineData("'a' || encode(convert_to(@secret, 'UTF8'), 'hex')", "text")]
    [InlineData("convert_to(replace(encode(convert_to('ab' || @secret, 'UTF8'), 'base64'), E'\\n', ''), 'UTF8')", "bytea")]
    public async Task The_scan_finds_a_planted_secret(string expression, string type)
    {
        const string Secret = "s3cr3t-0123456789-of-this-test";
        await product.Ledger.ExecuteAsync($"create table public.planted (v {type}); insert into public.planted select {expression}", new { secret = Secret });
        try
        {
            Assert.NotNull(new SecretForms("planted", Secret).FoundIn(await product.Ledger.DumpAsync()));
        }
        finally
        {
            await product.Ledger.ExecuteAsync("drop table public.planted");
        }
    }

    private List<SecretForms> Secrets()
    {
        var files = Directory.GetFiles(Path.Combine(product.Stack.Files.RunDirectory, "secrets")).Select(f => new SecretForms(Path.GetFileName(f), File.ReadAllText(f)));
        var logins = product.Stack.Database.Logins.Select(l => new SecretForms(l.Setting, new NpgsqlConnectionStringBuilder(l.ConnectionString).Password!));
        return [.. files, .. logins];
    }

    private string Messages() => string.Join('\n', DemoPeople.Channels.SelectMany(c => product.Slack.State.Messages(c.Id))
        .Concat(DemoPeople.All.SelectMany(p => product.Slack.State.Ephemerals(p.Id)))
        .Select(m => $"{m.Text} {m.Blocks?.ToJsonString()} {m.Metadata?.ToJsonString()}"));

    // The product still writes to it.
    private static async Task<string> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return await reader.ReadToEndAsync();
    }
}
