using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Gateway.AgentDoor;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace IncidentFox.Gateway.Tests.AgentDoor;

/// <summary>Every way into the gateway, with what it answers to who shows too little: measured, not stated.</summary>
public sealed class EntryPointTests(TestPostgres postgres)
{
    [Fact]
    [Trait("kind", "check")]
    public async Task Every_route_is_on_file_with_its_answer_to_who_showed_no_cage_and_to_who_is_done()
    {
        await using var host = await GatewayHost.StartAsync(postgres);
        var routes = host.Services.GetRequiredService<AgentDispatcher>().Routes.ToList();
        var (fresh, done) = (await host.OpenAsync(), await host.OpenCagedAsync());
        await host.Database.ExecuteAsync("update app.investigations set status = 'stopped', ended_at = app.clock() where id = @Value", new { done.Investigation.Value });
        var lines = new List<string>();
        foreach (var (method, path) in routes)
            lines.Add($"{$"{method ?? "any"} {path}",-50} no cage: {await AnswerAsync(fresh, method, path),-20} over: {await AnswerAsync(done, method, path)}");
        Assert.Equal(EntryPoints.OnFile("gateway", lines), EntryPoints.Of(lines));
        Assert.Empty(host.Sender.Sent);
    }

    private static async Task<string> AnswerAsync(TestSandbox sandbox, string? method, string path)
    {
        var target = path switch
        {
            Protocol.ToolPathPrefix => path + "list_nodes",
            Protocol.ApprovalPathPrefix => path + ApprovalId.New(),
            Protocol.IntegrationPathPrefix => path + "kubernetes/api/v1/nodes",
            _ => path,
        };
        // A hello that shows nothing.
        var body = method != "POST" ? null : path == Protocol.HelloPath ? TestSandbox.Hello(false, "loopback") : TestSandbox.ToolRequest("{}");
        var answer = await sandbox.SendAsync(method ?? "GET", target, body);
        return $"{answer.Status} {answer.Code}".TrimEnd();
    }
}
