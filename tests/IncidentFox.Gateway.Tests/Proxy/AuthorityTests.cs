using System.Security.Cryptography.X509Certificates;
using IncidentFox.Gateway.AgentDoor.Proxy;
using IncidentFox.Secrets;
using IncidentFox.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace IncidentFox.Gateway.Tests.Proxy;

/// <summary>The installation's authority and the certificates that it makes.</summary>
public sealed class AuthorityTests(TestPostgres postgres) : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ifa");
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public async Task Only_the_certificate_reaches_a_sandbox_and_only_the_gateway_may_read_the_key()
    {
        await using var world = await ProxyWorld.StartAsync(postgres);
        var sandbox = await world.Host.OpenAsync();
        var given = await File.ReadAllTextAsync(ProxyWorld.CaFile(sandbox), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("PRIVATE", given, StringComparison.Ordinal);
        Assert.Contains("PRIVATE", await File.ReadAllTextAsync(world.AuthorityFile, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(world.AuthorityFile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(world.AuthorityFile)!));
        Assert.Equal(["ca.pem", "gateway.sock"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(sandbox.SocketPath)!).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        using var authority = X509Certificate2.CreateFromPem(given);
        var constraints = authority.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(constraints is { Critical: true, CertificateAuthority: true, HasPathLengthConstraint: true, PathLengthConstraint: 0 });
        Assert.Equal(X509KeyUsageFlags.KeyCertSign, authority.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
    }

    [Fact]
    public async Task It_is_made_once_and_kept()
    {
        using var first = await KeepAsync();
        using var second = await KeepAsync();
        Assert.Equal(first.Authority.CertificatePem, second.Authority.CertificatePem);
        Assert.Equal(["authority.pem"], Directory.EnumerateFiles(Ca).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Two_gateways_that_start_at_once_have_the_same_one()
    {
        var keepers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => KeepAsync())));
        Assert.Single(keepers.Select(k => k.Authority.CertificatePem).Distinct());
        Assert.Single(Directory.EnumerateFiles(Ca));
        Array.ForEach(keepers, k => k.Dispose());
    }

    [Fact]
    public async Task One_that_ends_soon_is_replaced_at_the_next_start()
    {
        using var old = await KeepAsync();
        _time.Advance(TimeSpan.FromDays(5 * 365 - 89));
        using var next = await KeepAsync();
        Assert.NotEqual(old.Authority.CertificatePem, next.Authority.CertificatePem);
        _time.Advance(TimeSpan.FromDays(6 * 365));
        using var last = await KeepAsync();
        Assert.NotEqual(next.Authority.CertificatePem, last.Authority.CertificatePem);
        Assert.True(last.Authority.NotAfter > _time.GetUtcNow().AddYears(4));
    }

    [Theory]
    [InlineData("chmod 600", true, null)]
    [InlineData("certificate and its private key", false, "this is no PEM")]
    [InlineData("certificate and its private key", false, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task One_that_others_may_have_read_or_that_is_none_stops_the_start(string says, bool readable, string? content)
    {
        (await KeepAsync()).Dispose();
        var path = Path.Combine(Ca, "authority.pem");
        var before = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        if (content is not null)
            await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        if (readable)
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => KeepAsync());
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(before.Split('\n').First(l => l.Length == 64), error.ToString(), StringComparison.Ordinal);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public async Task It_may_be_a_secret_of_the_installations_own()
    {
        var (made, pem) = ProxyAuthority.Create(_time.GetUtcNow());
        var secret = Path.Combine(_directory.FullName, "ca");
        await File.WriteAllTextAsync(secret, pem, TestContext.Current.CancellationToken);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        using var keeper = await KeepAsync(new ProxyOptions { Enabled = true, Ca = "file://" + secret });
        Assert.Equal(made.CertificatePem, keeper.Authority.CertificatePem);
        Assert.False(Directory.Exists(Ca));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => KeepAsync(new ProxyOptions { Enabled = true, Ca = "file://" + secret + "-missing" }));
        Assert.Contains("Gateway:Proxy", error.Message, StringComparison.Ordinal);
        made.Dispose();
    }

    [Fact]
    public async Task A_hosts_certificate_is_good_for_a_day_and_made_anew_before_it_ends()
    {
        using var keeper = await KeepAsync();
        var leaves = new LeafCertificates(keeper, _time);
        var first = leaves.For("kube.test");
        Assert.Same(first, leaves.For("kube.test"));
        var leaf = first.TargetCertificate;
        Assert.Equal(_time.GetUtcNow().UtcDateTime.AddHours(24), leaf.NotAfter.ToUniversalTime(), TimeSpan.FromSeconds(1));
        Assert.True(leaf.MatchesHostname("kube.test"));
        Assert.False(leaf.MatchesHostname("obs.test"));
        Assert.Equal("1.3.6.1.5.5.7.3.1", leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages[0].Value);
        Assert.False(leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(Believed(keeper, leaf));

        _time.Advance(TimeSpan.FromHours(15));
        Assert.Same(first, leaves.For("kube.test"));
        _time.Advance(TimeSpan.FromHours(2));
        var second = leaves.For("kube.test");
        Assert.NotSame(first, second);
        Assert.NotEqual(leaf.SerialNumber, second.TargetCertificate.SerialNumber);
        Assert.Equal(1, leaves.Count);
    }

    [Fact]
    public async Task An_address_is_certified_as_an_address()
    {
        using var keeper = await KeepAsync();
        var leaves = new LeafCertificates(keeper, _time);
        foreach (var address in new[] { "10.0.0.1", "2001:db8::1" })
        {
            var leaf = leaves.For(address).TargetCertificate;
            Assert.Equal(address, leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateIPAddresses().Single().ToString());
            Assert.Empty(leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
        }
    }

    [Fact]
    public async Task However_many_hosts_there_are_so_many_certificates_are_kept()
    {
        using var keeper = await KeepAsync();
        var leaves = new LeafCertificates(keeper, _time);
        for (var i = 0; i < 300; i++)
            leaves.For($"h{i}.test");
        Assert.Equal(256, leaves.Count);
    }

    [Theory]
    [InlineData("Ca", "not-a-reference", "", 10)]
    [InlineData("CaDirectory", null, "relative", 10)]
    [InlineData("CaDirectory", null, "/a/../b", 10)]
    [InlineData("HandshakeSeconds", null, "/var/lib/incidentfox/proxy", 0)]
    public void Every_mistake_in_its_settings_is_named(string name, string? ca, string directory, int seconds)
    {
        var wrong = new ProxyOptions { Enabled = true, Ca = ca, CaDirectory = directory, HandshakeSeconds = seconds };
        Assert.Contains(name, Assert.Single(wrong.Validate("Gateway:Proxy")), StringComparison.Ordinal);
        Assert.Empty(new ProxyOptions().Validate("Gateway:Proxy"));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private string Ca => Path.Combine(_directory.FullName, "kept");

    private async Task<AuthorityKeeper> KeepAsync(ProxyOptions? options = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(_time);
        services.AddSecrets(new SecretsOptions { File = new FileSecretsOptions { Directories = [_directory.FullName] } });
        var provider = services.BuildServiceProvider();
        var keeper = new AuthorityKeeper(options ?? new ProxyOptions { Enabled = true, CaDirectory = Ca }, provider, _time, NullLogger<AuthorityKeeper>.Instance);
        try
        {
            await keeper.StartAsync(TestContext.Current.CancellationToken);
            return keeper;
        }
        catch
        {
            keeper.Dispose();
            throw;
        }
    }

    private bool Believed(AuthorityKeeper keeper, X509Certificate2 leaf)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(keeper.Authority.CertificatePem);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().LocalDateTime;
        return chain.Build(leaf);
    }
}
