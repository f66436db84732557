using IncidentFox.Core.Audit;
using IncidentFox.Gateway.Models;
using IncidentFox.Gateway.Tests.Injection;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Models;

public sealed class ModelBudgetTests(TestPostgres postgres)
{
    // A turn of these tests can take 500 tokens out and fewer than 3,000 in; it takes 150.
    private static readonly string Turn = ModelWorld.Turn(tools: null);

    [Fact]
    public async Task An_investigation_ends_at_its_budget_and_another_of_the_team_has_its_own()
    {
        await using var world = await ModelWorld.StartAsync(postgres, budgets: new ModelBudgetOptions { InvestigationTokens = 3_500 });
        var sandbox = await world.Host.OpenCagedAsync();
        var answered = 0;
        var last = await ModelWorld.AskAsync(sandbox, Turn);
        for (; last.Status == 200 && answered < 100; answered++)
            last = await ModelWorld.AskAsync(sandbox, Turn);
        Assert.InRange(answered, 1, 23);
        Assert.Equal((429, "budget_exceeded"), (last.Status, last.Code));
        Assert.Contains("of 3500 tokens", last.Message, StringComparison.Ordinal);
        Assert.Equal(answered, world.Provider.Requests.Count);
        Assert.InRange((await world.CountedAsync()).Sum(c => c.Tokens), 150, 3_500);
        Assert.Equal("budget_exceeded", (string?)Assert.Single(await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.ModelRefused)).Details!["code"]);
        Assert.Equal(200, (await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), Turn)).Status);
    }

    [Fact]
    public async Task A_teams_day_is_a_budget_of_all_its_investigations_and_the_next_day_has_another()
    {
        await using var world = await ModelWorld.StartAsync(postgres, budgets: new ModelBudgetOptions { TeamTokensPerDay = 2_000 });
        await world.Host.Database.FreezeClockAsync(new DateTimeOffset(2031, 5, 6, 23, 0, 0, TimeSpan.Zero));
        Assert.Equal(200, (await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), Turn)).Status);
        await world.Host.Database.ExecuteAsync("update app.model_turns set tokens = 1900");
        var refused = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), Turn);
        Assert.Equal("budget_exceeded", refused.Code);
        Assert.Contains("Today the team", refused.Message, StringComparison.Ordinal);
        Assert.Equal(200, (await ModelWorld.AskAsync(await world.Host.OpenCagedAsync("web"), Turn)).Status);
        await world.Host.Database.FreezeClockAsync(new DateTimeOffset(2031, 5, 7, 0, 0, 1, TimeSpan.Zero));
        Assert.Equal(200, (await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), Turn)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cost_is_a_budget_too(bool ofInvestigation)
    {
        // 810 millionths were used, and one more turn may cost more than the 1,000 that there are.
        await using var world = await ModelWorld.StartAsync(postgres, budgets: ofInvestigation
            ? new ModelBudgetOptions { InvestigationCost = 0.020m } : new ModelBudgetOptions { TeamCostPerDay = 0.020m });
        var sandbox = await world.Host.OpenCagedAsync();
        Assert.Equal(200, (await ModelWorld.AskAsync(sandbox, Turn)).Status);
        await world.Host.Database.ExecuteAsync("update app.model_turns set cost_micros = 19999");
        var refused = await ModelWorld.AskAsync(sandbox, Turn);
        Assert.Equal("budget_exceeded", refused.Code);
        Assert.Contains("0.02 of cost", refused.Message, StringComparison.Ordinal);
        Assert.Single(world.Provider.Requests);
    }

    [Fact]
    public async Task Turns_at_once_stay_together_within_what_is_left()
    {
        await using var world = await ModelWorld.StartAsync(postgres, budgets: new ModelBudgetOptions { TeamTokensPerDay = 5_000 });
        var hold = new TaskCompletionSource();
        world.Provider.Answer = async seen =>
        {
            await hold.Task;
            return ModelDouble.Answer("anthropic", seen);
        };
        var sandboxes = new[] { await world.Host.OpenCagedAsync(), await world.Host.OpenCagedAsync() };
        var asking = Enumerable.Range(0, 12).Select(i => ModelWorld.AskAsync(sandboxes[i % 2], Turn)).ToList();
        // Those that are refused are answered while the others wait.
        var refused = 0;
        var open = asking.ToList();
        while (open.Count > world.Provider.Requests.Count)
        {
            var done = await Task.WhenAny(open);
            Assert.Equal("budget_exceeded", (await done).Code);
            open.Remove(done);
            refused++;
        }
        Assert.InRange((await world.CountedAsync()).Sum(c => c.Tokens), 1_500, 5_000);
        hold.SetResult();
        Assert.All(await Task.WhenAll(open), a => Assert.Equal(200, a.Status));
        Assert.Equal(12, refused + open.Count);
        Assert.InRange(open.Count, 1, 3);
        Assert.Equal(open.Count * 150, (await world.CountedAsync()).Sum(c => c.Tokens));
    }

    [Fact]
    public async Task A_server_that_does_not_count_has_taken_the_most_that_it_can()
    {
        await using var world = await ModelWorld.StartAsync(postgres, "openai_compatible");
        world.Provider.Answer = seen => Task.FromResult(ModelDouble.Answer("openai_compatible", seen) is var good
            ? good with { Body = good.Body.Replace("\"usage\"", "\"other\"", StringComparison.Ordinal) } : null!);
        var answer = await ModelWorld.AskAsync(await world.Host.OpenCagedAsync(), Turn);
        Assert.Equal(200, answer.Status);
        var counted = Assert.Single(await world.CountedAsync());
        Assert.Equal("unknown", counted.State);
        Assert.Equal(counted.Tokens, (long)answer.Json["usage"]!["input_tokens"]!);
    }
}
