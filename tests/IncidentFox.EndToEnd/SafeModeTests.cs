using System.Text.Json.Nodes;
using IncidentFox.EndToEnd.Kit;
using IncidentFox.Workbench.SlackWorkspace;

namespace IncidentFox.EndToEnd;

public sealed class SafeModeTests(HttpInstallation product) : IClassFixture<HttpInstallation>
{
    [Fact]
    public async Task With_a_database_that_is_behind_the_audit_head_nothing_starts_until_an_org_admin_has_looked()
    {
        var ct = TestContext.Current.CancellationToken;
        var file = Path.Combine(product.Stack.Files.RunDirectory, "audit-head.json");
        await product.Stack.Product.DisposeAsync();
        // As after a restore: the file had seen more than the database has.
        var head = JsonNode.Parse(await File.ReadAllTextAsync(file, ct))!;
        head["sequence"] = (long)head["sequence"]! + 1_000;
        await File.WriteAllTextAsync(file, head.ToJsonString(), ct);
        await product.Stack.StartProductAsync(ct);

        Assert.Contains("safe mode", await product.AskAsync(DemoPeople.Omar, $"/incidentfox investigate {Installation.Question}"), StringComparison.Ordinal);
        Assert.Equal(0, await product.Ledger.ReadAsync<long>("select count(*) from app.investigations"));
        Assert.DoesNotContain("is lifted", await product.AskAsync(DemoPeople.Ada, "/incidentfox-admin unfreeze org I am only an admin"), StringComparison.Ordinal);
        Assert.Equal(1, await product.Ledger.ReadAsync<long>("select count(*) from app.stops where kind = 'safe_mode' and lifted_at is null"));

        var (exitCode, output) = await product.Stack.RunCommandAsync(ct, "unfreeze", "restored on purpose, looked through");
        Assert.True(exitCode == 0, output);
        await product.People.InvestigateAsync(DemoPeople.Omar, Installation.Question, ct);
    }
}
