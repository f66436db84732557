using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class ConnectionTests : IDisposable
{
    private readonly SenderFixture _fixture = new();
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose()
    {
        _fixture.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("2130706433")]   // 127.0.0.1 as one number
    public async Task A_target_on_this_machine_is_refused_unless_its_range_is_declared(string host)
    {
        await using var server = new WireServer(WireServer.Ok("inside"));
        var failed = await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(server.Port, host: host, allowed: "")));
        Assert.Equal("address_refused", failed.Code);
        Assert.False(failed.MayHaveRun);
        Assert.DoesNotContain("127.0.0.1", failed.Sentence);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task A_name_that_changes_its_answer_is_judged_by_the_address_connected_to()
    {
        await using var server = new WireServer(r => r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        var target = SenderFixture.Target(server.Port, host: "metrics.example", allowed: "127.0.0.2/32");
        var answers = new Queue<IPAddress>([IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.1")]);
        _fixture.Names = _ => [answers.Dequeue()];

        // The first answer is allowed (nobody listens there), the second is the rebinding.
        Assert.Equal("upstream_unreachable", (await _fixture.FailureAsync(SenderFixture.Get(target))).Code);
        Assert.Equal("address_refused", (await _fixture.FailureAsync(SenderFixture.Get(target))).Code);
        Assert.Empty(answers);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task Of_several_addresses_only_allowed_ones_are_connected_to()
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        _fixture.Names = _ => [IPAddress.Parse("169.254.169.254"), IPAddress.IPv6Loopback, IPAddress.Parse("127.0.0.9"), IPAddress.Loopback];
        var (_, body) = await _fixture.AnswerAsync(SenderFixture.Get(SenderFixture.Target(server.Port, host: "metrics.example")));
        Assert.Equal("fine", body);   // 127.0.0.9 is tried and does not answer
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task A_name_that_nobody_knows_is_unreachable()
    {
        _fixture.Names = _ => throw new SocketException((int)SocketError.HostNotFound);
        var failed = await _fixture.FailureAsync(SenderFixture.Delete(SenderFixture.Target(1, host: "gone.example")));
        Assert.Equal("upstream_unreachable", failed.Code);
        Assert.False(failed.MayHaveRun);
    }

    [Fact]
    public async Task A_credential_does_not_cross_public_networks_in_the_clear()
    {
        _fixture.Names = _ => [IPAddress.Parse("192.88.100.1")];
        var failed = await _fixture.FailureAsync(SenderFixture.Get(SenderFixture.Target(9, host: "public.example", allowed: "")));
        Assert.Equal("address_refused", failed.Code);
        Assert.Contains("https", failed.Sentence);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_target_that_takes_no_connection_has_not_run_anything(bool write)
    {
        int port;
        await using (var server = new WireServer(""))
            port = server.Port;
        var target = SenderFixture.Target(port);
        var failed = await _fixture.FailureAsync(write ? SenderFixture.Delete(target) : SenderFixture.Get(target));
        Assert.Equal("upstream_unreachable", failed.Code);
        Assert.False(failed.MayHaveRun);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(null, true)]
    [InlineData("{}", false)]
    [InlineData("{}", true)]
    public async Task A_write_whose_connection_ends_without_an_answer_may_have_run_and_is_not_sent_again(string? body, bool reset)
    {
        await using var server = new WireServer(r => r.HangUpAsync(reset));
        var failed = await _fixture.FailureAsync(SenderFixture.Delete(SenderFixture.Target(server.Port), body));
        Assert.Equal("upstream_unreachable", failed.Code);
        Assert.True(failed.MayHaveRun);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_write_does_not_ride_on_a_connection_that_may_be_about_to_end()
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        var target = SenderFixture.Target(server.Port);
        await _fixture.AnswerAsync(SenderFixture.Get(target));
        await _fixture.AnswerAsync(SenderFixture.Get(target));
        Assert.Equal(1, server.Connections);   // reads share
        await _fixture.AnswerAsync(SenderFixture.Delete(target));
        await _fixture.AnswerAsync(SenderFixture.Delete(target));
        Assert.Equal(3, server.Connections);
    }

    [Fact]
    public async Task However_many_calls_the_limits_let_through_none_waits_for_anothers_connection()
    {
        const int Calls = 100;
        var (asked, all) = (0, new TaskCompletionSource());
        await using var server = new WireServer(async r =>
        {
            if (Interlocked.Increment(ref asked) == Calls)
                all.SetResult();
            await all.Task;   // nobody is answered before everybody has asked
            await r.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        var target = SenderFixture.Target(server.Port);

        var answers = await Task.WhenAll(Enumerable.Range(0, Calls).Select(_ => _fixture.AnswerAsync(SenderFixture.Get(target)))).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.All(answers, a => Assert.Equal((200, "ok"), a));
    }

    [Fact]
    public async Task Concurrent_reads_all_get_their_own_answer()
    {
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok(r.Text.Split(' ')[1])));
        var target = SenderFixture.Target(server.Port);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => _fixture.AnswerAsync(SenderFixture.Get(target, $"/n/{i}"))));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"/n/{i}"), answers.Select(a => a.Body));
    }

    [Fact]
    public async Task Tls_is_spoken_with_a_target_whose_authority_is_in_the_file()
    {
        var (authority, certificate) = Certificates("metrics.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate);
        var (_, body) = await _fixture.AnswerAsync(SenderFixture.Get(Tls(server, "metrics.example", authority)));
        Assert.Equal("fine", body);
    }

    [Fact]
    public async Task A_declared_server_name_is_asked_for_and_must_be_on_the_certificate_for_reads_and_writes()
    {
        var (authority, certificate) = Certificates("inside.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate);
        var target = Tls(server, "127.0.0.1", authority);
        await UntrustedAsync(server, target);
        var named = target with { Network = target.Network with { ServerName = "inside.example" } };
        Assert.Equal("fine", (await _fixture.AnswerAsync(SenderFixture.Get(named))).Body);
        Assert.Equal("fine", (await _fixture.AnswerAsync(SenderFixture.Delete(named))).Body);
        Assert.All(server.Requests, r => Assert.Contains($"Host: 127.0.0.1:{server.Port}\r\n", r));
        var other = target with { Network = target.Network with { ServerName = "other.example" } };
        Assert.Equal("upstream_untrusted", (await _fixture.FailureAsync(SenderFixture.Get(other))).Code);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_target_whose_tls_is_older_than_declared_is_refused()
    {
        var (authority, certificate) = Certificates("metrics.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate) { Protocols = System.Security.Authentication.SslProtocols.Tls12 };
        var target = Tls(server, "metrics.example", authority);
        Assert.Equal("fine", (await _fixture.AnswerAsync(SenderFixture.Get(target))).Body);
        var failed = await _fixture.FailureAsync(SenderFixture.Get(target with { Network = target.Network with { MinTls = MinTls.Tls13 } }));
        Assert.Equal(("upstream_untrusted", false), (failed.Code, failed.MayHaveRun));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        var (authority, certificate) = Certificates("other.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate);
        await UntrustedAsync(server, Tls(server, "metrics.example", authority));
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused()
    {
        var (_, certificate) = Certificates("metrics.example");
        var (another, _) = Certificates("metrics.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate);
        await UntrustedAsync(server, Tls(server, "metrics.example", another));
        await UntrustedAsync(server, Tls(server, "metrics.example", null));
    }

    [Fact]
    public async Task A_new_authority_file_counts_at_once()
    {
        var (authority, certificate) = Certificates("metrics.example");
        var (another, _) = Certificates("metrics.example");
        await using var server = new WireServer(r => r.SendAsync(WireServer.Ok("fine")), certificate);
        var target = Tls(server, "metrics.example", another);
        await UntrustedAsync(server, target);
        File.WriteAllText(target.Network.CaFile!, authority.ExportCertificatePem());
        File.SetLastWriteTimeUtc(target.Network.CaFile!, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal("fine", (await _fixture.AnswerAsync(SenderFixture.Get(target))).Body);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("not a certificate")]
    public async Task Without_a_good_authority_file_nothing_is_sent(string? content)
    {
        var file = Path.Combine(_folder, "ca.pem");
        if (content is not null)
            File.WriteAllText(file, content);
        await using var server = new WireServer(WireServer.Ok("fine"));
        await UntrustedAsync(server, SenderFixture.Target(server.Port, transport: "https", caFile: file));
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task Connections_of_integrations_that_are_gone_are_closed_after_a_while()
    {
        await using var server = new WireServer(WireServer.Ok("fine"));
        using var pools = new UpstreamPools(_fixture, _fixture.Time);
        var old = pools.Rent(SenderFixture.Target(server.Port), SenderFixture.Context.Team, null);
        pools.Rent(SenderFixture.Target(server.Port), SenderFixture.Context.Team, null).Dispose();
        Assert.Equal(1, pools.Count);
        using var renewed = pools.Rent(SenderFixture.Target(server.Port, allowed: "127.0.0.1/32"), SenderFixture.Context.Team, null);
        Assert.Equal(2, pools.Count);
        _fixture.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(2, pools.Count);   // both in use
        old.Dispose();
        old.Dispose();                  // twice does no harm
        _fixture.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(1, pools.Count);
    }

    private async Task UntrustedAsync(WireServer server, Integration target)
    {
        foreach (var request in new[] { SenderFixture.Get(target), SenderFixture.Delete(target) })
        {
            var failed = await _fixture.FailureAsync(request);
            Assert.Equal("upstream_untrusted", failed.Code);
            Assert.False(failed.MayHaveRun);
        }
        Assert.Empty(server.Requests);
    }

    private Integration Tls(WireServer server, string host, X509Certificate2? authority)
    {
        var file = authority is null ? null : Path.Combine(_folder, $"{authority.Thumbprint}.pem");
        if (file is not null)
            File.WriteAllText(file, authority!.ExportCertificatePem());
        return SenderFixture.Target(server.Port, host: host, transport: "https", caFile: file);
    }

    private static (X509Certificate2 Authority, X509Certificate2 Server) Certificates(string host)
    {
        var (from, until) = (new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2045, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest($"CN=Test authority {Guid.NewGuid()}", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var authority = authorityRequest.CreateSelfSigned(from, until);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));
        using var both = signed.CopyWithPrivateKey(key);
        return (authority, X509CertificateLoader.LoadPkcs12(both.Export(X509ContentType.Pkcs12), null));
    }
}
