using IncidentFox.Bot.Commands;
using IncidentFox.Bot.Tests.Kit;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Investigations;

namespace IncidentFox.Bot.Tests.Commands;

public sealed class CommandTests(BotPostgres postgres)
{
    [Fact]
    public async Task Investigate_writes_the_question_down_and_enqueues_a_job_with_an_id_and_nothing_else()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        var said = await bot.CommandAsync(TestBot.Operator, "investigate checkout is returning 5xx");

        var id = Assert.Single(bot.Jobs.Jobs).Id;
        var investigation = await bot.InvestigationAsync(new(id));
        Assert.Equal("checkout is returning 5xx", investigation.Question);
        Assert.Equal(InvestigationState.Queued, investigation.State);
        Assert.Contains(investigation.Id.Short, said);
        Assert.Equal("checkout is returning 5xx", Assert.Single(await bot.AuditAsync(AuditEventTypes.InvestigationStarted)).Query);
    }

    [Fact]
    public async Task The_same_delivery_sent_ten_times_at_once_makes_one_investigation()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => bot.CommandAsync(TestBot.Operator, "investigate x", trigger: "once")));

        Assert.Equal(1, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.investigations")));
        Assert.Single(await bot.AuditAsync(AuditEventTypes.InvestigationStarted));
    }

    [Fact]
    public async Task A_job_that_cannot_be_enqueued_does_not_lose_the_investigation()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        bot.Jobs.Broken = true;

        await bot.CommandAsync(TestBot.Operator, "investigate x");

        Assert.Equal(1, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.investigations where status = 'queued'")));
    }

    [Theory]
    [InlineData(TestBot.Viewer, TestBot.Incidents, "needs the role operator")]
    [InlineData(TestBot.Outsider, TestBot.Incidents, "no role here")]
    [InlineData(TestBot.Admin, TestBot.OtherTeam, "you have no role there")]
    public async Task Who_may_not_start_one_is_told_why_and_it_is_audited(string user, string channel, string reason)
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        Assert.Contains(reason, await bot.CommandAsync(user, "investigate x", channel));

        Assert.Empty(bot.Jobs.Jobs);
        Assert.Contains(reason, Assert.Single(await bot.AuditAsync(AuditEventTypes.AccessDenied)).Details!["reason"]!.ToString());
        Assert.Equal(0, Assert.Single(await bot.Database.QueryAsync<int>("select count(*)::int from app.investigations")));
    }

    [Fact]
    public async Task The_same_user_id_in_another_workspace_is_nobody()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        Assert.Contains("belongs to no team", await bot.CommandAsync(TestBot.Operator, "investigate x", workspace: "T9"));

        Assert.Empty(bot.Jobs.Jobs);
    }

    [Fact]
    public async Task A_channel_without_a_team_says_what_to_do()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        var said = await bot.CommandAsync(TestBot.Operator, "investigate x", TestBot.NoTeam);

        Assert.Contains("belongs to no team", said);
        Assert.Contains(TestBot.NoTeam, said);
    }

    [Theory]
    [InlineData("investigate", "/incidentfox investigate")]
    [InlineData("", "/incidentfox status")]
    [InlineData("help", "/incidentfox stop")]
    [InlineData("  HELP  ", "/incidentfox list")]
    [InlineData("investgate x", "Did you mean \\u0022investigate\\u0022")]
    [InlineData("sto", "Did you mean \\u0022stop\\u0022")]
    [InlineData("qqqqqqqq", "I don")]
    public async Task What_is_not_understood_gets_help(string text, string expected)
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        Assert.Contains(expected, await bot.CommandAsync(TestBot.Operator, text));

        Assert.Empty(bot.Jobs.Jobs);
    }

    [Fact]
    public async Task A_question_that_is_too_long_is_refused_and_the_longest_is_not()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        Assert.Contains("at most 4000", await bot.CommandAsync(TestBot.Operator, "investigate " + new string('x', 4_001)));
        Assert.Contains("On it", await bot.CommandAsync(TestBot.Operator, "investigate " + new string('x', 4_000)));

        Assert.Single(bot.Jobs.Jobs);
    }

    [Fact]
    public async Task An_unknown_word_that_is_hostile_comes_back_inert()
    {
        await using var bot = await TestBot.CreateAsync(postgres);

        var said = await bot.CommandAsync(TestBot.Viewer, "<!channel>\u202E<https://evil.example|x>" + new string('a', 100_000));

        Assert.DoesNotContain("<!channel>", said.Split('\n', 2)[1]);
        Assert.True(said.Length < 4_000, $"{said.Length} characters");
    }

    [Fact]
    public async Task Status_and_list_show_only_the_channels_team()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await bot.InvestigateAsync("shop's own question");

        Assert.Contains("shop", await bot.CommandAsync(TestBot.Viewer, "status"));
        Assert.Contains(id.Short, await bot.CommandAsync(TestBot.Viewer, "list"));
        Assert.Contains(id.Short, await bot.CommandAsync(TestBot.Viewer, $"status {id.Short}"));
        Assert.Contains(id.Short, await bot.CommandAsync(TestBot.Viewer, $"status {id}"));
        var elsewhere = await bot.CommandAsync(TestBot.Operator, $"status {id}", TestBot.OtherTeam);
        Assert.DoesNotContain("question", elsewhere);
        Assert.Contains("no recent investigation", elsewhere);
        Assert.Contains("no investigation yet", await bot.CommandAsync(TestBot.Operator, "list", TestBot.OtherTeam));
    }

    [Fact]
    public async Task Stop_ends_it_and_withdraws_what_it_asked_for()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        var id = await bot.InvestigateAsync();
        var approval = await bot.AskAsync(id);

        Assert.Contains("withdrawn", await bot.CommandAsync(TestBot.Operator, "stop"));

        Assert.Equal(InvestigationState.Stopped, (await bot.InvestigationAsync(id)).State);
        Assert.Equal(ApprovalState.Cancelled, (await bot.ApprovalAsync(approval)).State);
        Assert.Single(await bot.AuditAsync(AuditEventTypes.ApprovalCancelled));
        Assert.Contains("over already", await bot.CommandAsync(TestBot.Operator, $"stop {id.Short}"));
    }

    [Fact]
    public async Task Stop_without_an_id_refuses_to_guess_between_two()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        Assert.Contains("Nothing of this team", await bot.CommandAsync(TestBot.Operator, "stop"));
        var first = await bot.InvestigateAsync();
        await bot.InvestigateAsync();

        Assert.Contains("Say which", await bot.CommandAsync(TestBot.Operator, "stop"));
        Assert.Contains("needs the role operator", await bot.CommandAsync(TestBot.Viewer, $"stop {first.Short}"));

        Assert.Equal(InvestigationState.Queued, (await bot.InvestigationAsync(first)).State);
    }

    [Fact]
    public async Task The_audit_is_for_admins_of_the_team_and_never_shows_what_was_asked()
    {
        await using var bot = await TestBot.CreateAsync(postgres);
        await bot.InvestigateAsync("something confidential");

        Assert.Contains("needs the role admin", await bot.CommandAsync(TestBot.Operator, "audit", command: "/incidentfox-admin"));
        var said = await bot.CommandAsync(TestBot.Admin, "audit", command: "/incidentfox-admin");

        Assert.Contains("investigation_started", said);
        Assert.DoesNotContain("confidential", said);
        Assert.Contains("1 to 30", await bot.CommandAsync(TestBot.Admin, "audit 31", command: "/incidentfox-admin"));
        Assert.Contains("/incidentfox-admin audit", await bot.CommandAsync(TestBot.Admin, "help", command: "/incidentfox-admin"));
    }

    [Theory]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("", "abc", 3)]
    [InlineData("stop", "stop", 0)]
    public void Edit_distance_is_the_number_of_edits(string a, string b, int distance) => Assert.Equal(distance, Nearest.Distance(a, b));
}
