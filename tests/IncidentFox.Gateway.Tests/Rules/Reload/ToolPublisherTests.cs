using IncidentFox.Core;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Rules.Reload;
using IncidentFox.TestKit;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace IncidentFox.Gateway.Tests.Rules.Reload;

public sealed class ToolPublisherTests(TestPostgres postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task People_see_the_tools_of_the_rules_in_force_and_a_new_set_replaces_them()
    {
        await using var database = await postgres.CreateAsync(Ct);
        var source = new IntegrationSource(Catalog(Sample.Kubernetes));
        var publisher = new ToolPublisher(source, new ToolDirectory(database.Gateway), TimeProvider.System, NullLogger<ToolPublisher>.Instance);
        var people = new ToolDirectory(database.Bot);

        await publisher.PublishAsync(Ct);
        var listed = await people.OfAsync(new TeamId("any"), Ct);
        Assert.Equal(source.Current.All.Single().Rules.Select(r => r.Tool).Order(StringComparer.Ordinal), listed.Select(t => t.Tool).Order(StringComparer.Ordinal));
        Assert.All(listed, t => Assert.Equal(("kubernetes", null), (t.Integration, t.Team)));

        source.Replace(Catalog(Sample.Prometheus));
        await publisher.PublishAsync(Ct);
        Assert.Equal(["prometheus"], (await people.OfAsync(new TeamId("any"), Ct)).Select(t => t.Integration).Distinct());
    }

    private static IntegrationCatalog Catalog(string yaml)
    {
        var load = IntegrationLoader.Parse([("i.yaml", yaml)], null);
        Assert.Empty(load.Errors);
        return load.Catalog!;
    }
}
