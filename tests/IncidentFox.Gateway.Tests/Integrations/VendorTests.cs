using System.Text.Json.Nodes;
using IncidentFox.Contracts;
using IncidentFox.Core;
using IncidentFox.Core.Approvals;
using IncidentFox.Core.Audit;
using IncidentFox.Core.Tools;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using Xunit;

namespace IncidentFox.Gateway.Tests.Integrations;

/// <summary>Every shipped integration against a double of its vendor. What the vendor asks for and answers is data: <c>Cases/*.yaml</c>.</summary>
public sealed class VendorTests(TestPostgres postgres)
{
    public static TheoryData<string> All => [.. VendorFile.Names];

    [Fact]
    public void Every_shipped_integration_has_cases_and_every_rule_has_one()
    {
        var errors = new List<string>();
        Assert.Equal(ShippedIntegrations.Read(errors).Keys.Order(StringComparer.Ordinal), VendorFile.Names);
        Assert.Empty(errors);
        foreach (var file in VendorFile.Names.Select(VendorFile.Load))
        {
            var integration = Loaded([file]).All.Single();
            Assert.Equal(integration.Rules.Select(r => r.Tool).Order(StringComparer.Ordinal), file.Cases.Select(c => c.Tool).Distinct().Order(StringComparer.Ordinal));
            Assert.NotEmpty(file.NotAllowed);
            foreach (var one in file.Cases)
            {
                var rule = integration.FindRule(one.Tool)!;
                Assert.True(rule.Effect == ToolEffect.Read || one.Preview is not null, $"{one.Tool}: what people are shown is missing");
                Assert.True(rule.Proof is null == (one.Proofs.Count == 0), $"{one.Tool}: its proof needs cases");
            }
        }
    }

    [Fact]
    public void A_team_may_use_all_of_them_at_once()
    {
        var catalog = Loaded([.. VendorFile.Names.Select(VendorFile.Load)]);
        Assert.Equal(VendorFile.Names.Count, catalog.All.Count);
        Assert.All(catalog.Tools(new TeamId("sre")), t => Assert.True(t.HasCredential, t.Rule.Tool));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Its_reads_are_what_the_vendor_documents_and_their_rows_are_counted(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name);
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var one in Cases(world, write: false))
        {
            world.Vendor.Expect(one.Exchange);
            var answer = await CallAsync(world, sandbox, one);
            Assert.Empty(world.Vendor.Unexpected);
            Assert.True(answer is { Source: "upstream" } && answer.Status == one.Exchange.Status, $"{one.Tool}: {answer.Status} {answer.Body}");
            Assert.Equal(VendorFileReader.Fill(one.Exchange.Answer, world.Right), answer.Body);
            var row = await AccessedAsync(world, sandbox, answer);
            Assert.True(row.Tool == one.Tool && (long?)row.Details!["row_count"] == one.Rows, $"{one.Tool}: counted {row.Details["row_count"]} and not {one.Rows}");
            world.Vendor.AssertDone();
            await world.AssertNothingLeakedAsync(answer.Body);
        }
        Assert.Equal(0, world.Vendor.Refused);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_credential_that_it_refuses_is_told_as_such_and_shows_nowhere(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name, wrong: true);
        if (world.File.Secrets.Count == 0)
            return;   // whoever asks for none refuses nobody
        Assert.NotEqual(world.Right.Values, world.Given.Values);
        var sandbox = await world.Host.OpenCagedAsync();
        var one = Cases(world, write: false).First();
        world.Vendor.Expect(one.Exchange);
        var answer = await sandbox.CallAsync(one.Tool, one.Arguments.ToJsonString());
        Assert.Equal("gateway", answer.Source);
        Assert.Contains(answer.Code, world.File.RefusedCodes);
        Assert.Equal(0, world.Vendor.Answered);
        Assert.Empty(world.Vendor.Unexpected);
        await world.AssertNothingLeakedAsync(answer.Body);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_no_rule_names_never_reaches_it(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name);
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var (method, path) in world.File.NotAllowed.Concat(Twisted(world)).Select(r => r.Split(' ')).Select(r => (r[0], r[1])))
        {
            var answer = await sandbox.SendAsync(method, $"/i/{world.Integration.Name}{path}", method is "GET" or "DELETE" ? null : "{}", "Content-Type: application/json");
            Assert.True(answer is { Source: "gateway", Status: 400 or 403 }, $"{method} {path}: {answer.Status} {answer.Body}");
        }
        foreach (var (tool, arguments) in world.File.Hostile)
        {
            var answer = await sandbox.CallAsync(tool, arguments.ToJsonString());
            Assert.True(answer is { Source: "gateway", Status: 400 } && answer.Code == "bad_arguments", $"{tool} {arguments.ToJsonString()}: {answer.Status} {answer.Body}");
        }
        Assert.Equal(0, world.Vendor.Received);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Its_writes_need_a_credential_of_their_own(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name, writable: false);
        var sandbox = await world.Host.OpenCagedAsync();
        var offered = (await sandbox.SendAsync("GET", Protocol.ToolsPath)).Body;
        foreach (var one in Cases(world, write: true))
        {
            if (world.Integration.Auth.Scheme == AuthScheme.None)
                continue;
            Assert.DoesNotContain($"\"{one.Tool}\"", offered, StringComparison.Ordinal);
            Assert.Equal((403, "no_credential"), (await sandbox.CallAsync(one.Tool, one.Arguments.ToJsonString())) is var a ? (a.Status, a.Code) : default);
        }
        Assert.Equal(0, world.Vendor.Received);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Its_writes_are_shown_to_people_and_run_as_they_were_shown(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name);
        foreach (var one in Cases(world, write: true))
        {
            var (sandbox, id) = await AskAsync(world, one);
            foreach (var held in one.Held)
                world.Vendor.Expect(held);
            world.Vendor.Expect(WithApproval(one.Exchange, id), write: true);
            var outcome = await world.ApproveAndRunAsync(sandbox, id);
            Assert.Empty(world.Vendor.Unexpected);
            Assert.True(outcome.State == ApprovalState.Executed, $"{one.Tool}: {outcome.Sentence}");
            world.Vendor.AssertDone();
        }
        await world.AssertNothingLeakedAsync();
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Its_proofs_tell_what_ran_from_what_did_not(string name)
    {
        await using var world = await VendorWorld.StartAsync(postgres, name);
        foreach (var (one, proof) in Cases(world, write: true).SelectMany(c => c.Proofs.Select(p => (c, p))))
        {
            var (sandbox, id) = await AskAsync(world, one);
            world.Vendor.Expect(WithApproval(proof.Read, id));
            // The second try: the gateway was lost during the first. What is proven not to have run is sent.
            foreach (var held in proof.Verdict == "not_done" ? one.Held : [])
                world.Vendor.Expect(held);
            if (proof.Verdict == "not_done")
                world.Vendor.Expect(WithApproval(one.Exchange, id), write: true);
            var outcome = await world.ApproveAndRunAsync(sandbox, id, attempt: 2);
            var expected = proof.Verdict == "unknown" ? ApprovalState.Unknown : ApprovalState.Executed;
            Assert.True(outcome.State == expected, $"{one.Tool}, {proof.Verdict}: {outcome.Sentence} {string.Join("; ", world.Vendor.Unexpected)}");
            world.Vendor.AssertDone();
        }
    }

    private static async Task<(TestSandbox Sandbox, ApprovalId Id)> AskAsync(VendorWorld world, VendorCase one)
    {
        var sandbox = await world.Host.OpenCagedAsync();
        foreach (var before in one.Before)
            world.Vendor.Expect(before);
        if (one.DryRun is { } dryRun)
            world.Vendor.Expect(dryRun, write: true);
        var answer = await sandbox.CallAsync(one.Tool, one.Arguments.ToJsonString());
        Assert.Empty(world.Vendor.Unexpected);
        Assert.True(answer.Status == 202, $"{one.Tool}: {answer.Status} {answer.Body}");
        world.Vendor.AssertDone();
        Assert.True(ApprovalId.TryParse((string)answer.Json["approval_id"]!, out var id));
        var shown = (await new ApprovalReader(world.Host.Database.Bot, world.Host.Database.SharedCipher).FindAsync(id, TestContext.Current.CancellationToken))!;
        Assert.Equal(one.Preview, shown.Effect.Title);
        return (sandbox, id);
    }

    // What arguments can't hold comes as an ordinary client would send it.
    private static Task<Answer> CallAsync(VendorWorld world, TestSandbox sandbox, VendorCase one) => world.Integration.FindRule(one.Tool)!.OpaqueBytes is null
        ? sandbox.CallAsync(one.Tool, one.Arguments.ToJsonString())
        : sandbox.SendAsync(one.Exchange.Method, $"/i/{world.Integration.Name}{one.Exchange.Path}", one.Exchange.Form, [.. one.Exchange.Headers.Select(h => $"{h.Key}: {h.Value}")]);

    // Where a rule writes its approval into the request or looks for it in an answer, the case says {approval.id}.
    private static VendorExchange WithApproval(VendorExchange exchange, ApprovalId id) => exchange with
    {
        Query = [.. exchange.Query.Select(q => (q.Key, q.Value.Replace("{approval.id}", id.ToString(), StringComparison.Ordinal)))],
        Body = exchange.Body is null ? null : JsonNode.Parse(exchange.Body.ToJsonString().Replace("{approval.id}", id.ToString(), StringComparison.Ordinal)),
        Form = exchange.Form?.Replace("{approval.id}", id.ToString(), StringComparison.Ordinal),
        Answer = exchange.Answer.Replace("{approval.id}", id.ToString(), StringComparison.Ordinal),
    };

    private static async Task<AuditEvent> AccessedAsync(VendorWorld world, TestSandbox sandbox, Answer answer)
    {
        for (var i = 0; i < 200; i++)
        {
            var rows = await world.Host.AuditAsync(sandbox.Investigation, AuditEventTypes.DataAccessed);
            if (rows.FirstOrDefault(r => r.CorrelationId == answer.Headers["x-incidentfox-correlation-id"]) is { } row)
                return row;
            await Task.Delay(25, TestContext.Current.CancellationToken);
        }
        throw new TimeoutException($"No audit row says what was read: {answer.Body}");
    }

    private static IEnumerable<VendorCase> Cases(VendorWorld world, bool write) =>
        world.File.Cases.Where(c => world.Integration.FindRule(c.Tool)!.Effect == ToolEffect.Read != write);

    // Every case's own request, made into one that its rule does not mean.
    private static IEnumerable<string> Twisted(VendorWorld world)
    {
        var below = world.Integration.BaseUrl.AbsolutePath.TrimEnd('/');
        foreach (var one in world.File.Cases.Select(c => c.Exchange))
        {
            var path = one.Path[below.Length..];
            yield return $"TRACE {path}";
            yield return $"{one.Method} {path}/%2E%2E/incidentfox";
            yield return $"{one.Method} {path.TrimEnd('/')}//incidentfox";
            yield return $"{one.Method} {path}?incidentfox=1";
        }
    }

    private static IntegrationCatalog Loaded(IReadOnlyList<VendorFile> files)
    {
        var load = IntegrationLoader.Parse([.. files.Select(f => (f.Name, VendorWorld.Installed(f, $"https://{f.Name}.example")))]);
        Assert.Empty(load.Errors);
        return load.Catalog!;
    }
}
