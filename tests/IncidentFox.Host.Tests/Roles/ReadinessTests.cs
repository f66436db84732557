using System.Net;
using IncidentFox.Host.Composition;
using IncidentFox.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace IncidentFox.Host.Tests.Roles;

public sealed class ReadinessTests(TestPostgres postgres)
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Ready_needs_this_version_s_schema_and_a_later_one_is_as_good()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var database = await postgres.CreateAsync(ct);
        await using var readiness = new Readiness(NpgsqlDataSource.Create(database.GatewayConnectionString), _time);
        readiness.Begin();
        await database.ExecuteAsync("insert into schemaversions (scriptname, applied) values ('9999_of_a_later_version.sql', now())");

        Assert.Null(await readiness.ProblemAsync(ct));

        await database.ExecuteAsync("delete from schemaversions where scriptname like '%0021_schema_version.sql'");
        Assert.Null(await readiness.ProblemAsync(ct));   // within the second, nobody makes it look again
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("the database's schema is not this version's: run incidentfox migrate", await readiness.ProblemAsync(ct));
    }

    [Fact]
    public async Task A_process_that_starts_or_ends_is_not_ready()
    {
        await using var database = await postgres.CreateAsync(TestContext.Current.CancellationToken);
        await using var readiness = new Readiness(NpgsqlDataSource.Create(database.BotConnectionString), _time);

        Assert.Equal("this process is starting", await readiness.ProblemAsync(TestContext.Current.CancellationToken));
        readiness.Begin();
        Assert.Null(await readiness.ProblemAsync(TestContext.Current.CancellationToken));
        readiness.End();
        Assert.Equal("this process is ending", await readiness.ProblemAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Without_its_database_a_process_lives_but_is_not_ready_and_says_nothing_about_the_database()
    {
        await using var readiness = new Readiness(NpgsqlDataSource.Create("Host=127.0.0.1;Port=9;Username=secret-name"), _time);
        readiness.Begin();
        await using var app = await StartAsync(readiness);
        using var http = Client(app);

        Assert.Equal("ok", await http.GetStringAsync("health/live", TestContext.Current.CancellationToken));
        var ready = await http.GetAsync("health/ready", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("the database does not answer", await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("GET", "/")]
    [InlineData("POST", "/v1/hello")]
    [InlineData("GET", "/v1/task")]
    [InlineData("GET", "/integrations/kubernetes/api")]
    [InlineData("GET", "/health")]
    [InlineData("GET", "/health/ready/../../v1/task")]
    [InlineData("POST", "/health/live")]
    public async Task There_is_nothing_else_at_the_health_address(string method, string path)
    {
        await using var readiness = new Readiness(NpgsqlDataSource.Create("Host=127.0.0.1;Port=9;Username=x"), _time);
        await using var app = await StartAsync(readiness);
        using var http = Client(app);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = method == "POST" ? new StringContent("{}") : null };

        var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.RequestEntityTooLarge, $"{answer.StatusCode}");
        Assert.Empty(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<WebApplication> StartAsync(Readiness readiness)
    {
        var app = HealthApp.Build(new Uri("http://127.0.0.1:0"), readiness, Serilog.Core.Logger.None);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static HttpClient Client(WebApplication app) => new(new SocketsHttpHandler()) { BaseAddress = new Uri(app.Urls.Single()) };
}
