using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using IncidentFox.Agent.Cage;
using IncidentFox.Agent.Gateway;
using IncidentFox.Agent.Investigating;
using IncidentFox.Agent.Serving;
using IncidentFox.Contracts;
using Xunit;

namespace IncidentFox.Agent.Tests.Serving;

/// <summary>The agent in a pod: whom it trusts, what it shows, and how long it tries.</summary>
public sealed class ServeTests : IDisposable
{
    private const string FirstToken = "eyJhbGciOiJSUzI1NiJ9.first.signature";
    private static readonly Settling QuickSettling = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(10));
    private readonly string _folder = Directory.CreateTempSubdirectory("ifx-serve-").FullName;
    private readonly Authority _authority = new();

    public ServeTests()
    {
        File.WriteAllText(CaFile, _authority.Pem);
        File.WriteAllText(TokenFile, FirstToken + "\n");
    }

    private string CaFile => Path.Combine(_folder, "ca.crt");

    private string TokenFile => Path.Combine(_folder, "token");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task It_investigates_over_TLS_and_shows_its_token_with_every_request()
    {
        await using var gateway = Gateway();
        var ending = await ServeAsync(gateway, _authority.Issue());
        Assert.True(ending.Code == ExitCodes.Done, ending.Said);
        Assert.NotEmpty(gateway.Reports);
        Assert.True(gateway.Authorizations.Count > 5);
        Assert.All(gateway.Authorizations, shown => Assert.Equal("Bearer " + FirstToken, shown));
        Assert.Empty(gateway.Violations);
    }

    [Fact]
    public async Task A_rotated_token_is_shown_from_the_next_request_on()
    {
        await using var gateway = Gateway();
        gateway.Intercept = (_, path) =>
        {
            if (path == Protocol.TaskPath)
                File.WriteAllText(TokenFile, "second.token");
            return null;
        };
        Assert.Equal(ExitCodes.Done, (await ServeAsync(gateway, _authority.Issue())).Code);
        Assert.Equal(["Bearer " + FirstToken, "Bearer " + FirstToken, "Bearer second.token"], gateway.Authorizations.Take(3));
        Assert.Equal("Bearer second.token", gateway.Authorizations[^1]);
    }

    [Fact]
    public async Task A_waiting_pod_asks_again_until_it_has_a_task()
    {
        await using var gateway = Gateway();
        var asked = 0;
        gateway.Intercept = (_, path) => path == Protocol.TaskPath && asked++ < 3 ? FakeGateway.Http(204, []) : null;
        Assert.Equal(ExitCodes.Done, (await ServeAsync(gateway, _authority.Issue())).Code);
        Assert.Equal(4, asked);
    }

    [Fact]
    public async Task A_certificate_of_another_authority_is_refused()
    {
        using var other = new Authority();
        await RefusedAsync(other.Issue(), "not from the mounted authority");
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused() => await RefusedAsync(_authority.Issue("gateway.example"), "not for incidentfox-gateway");

    [Fact]
    public async Task An_expired_certificate_is_refused() => await RefusedAsync(_authority.Issue(fromDays: -5, toDays: -1), "expired");

    [Fact]
    public async Task A_certificate_that_is_not_valid_yet_is_refused() => await RefusedAsync(_authority.Issue(fromDays: 1, toDays: 2), "not valid yet");

    [Fact]
    public async Task A_server_that_speaks_TLS_1_2_only_is_refused() => await RefusedAsync(_authority.Issue(), "does not speak TLS 1.3", SslProtocols.Tls12);

    [Fact]
    public async Task A_rotated_authority_is_taken_up_while_it_tries()
    {
        using var next = new Authority();
        await using var gateway = Gateway();
        using var certificate = next.Issue();
        await using var front = await TlsFront.StartAsync(certificate, gateway);
        var serving = ServeAsync(front.Address, Run.Quick with { GatewayMayBeAwayFor = TimeSpan.FromSeconds(30), LongestRetry = TimeSpan.FromMilliseconds(40) });
        await Task.Delay(200, Stop);
        Assert.False(serving.IsCompleted);
        await File.WriteAllTextAsync(CaFile, next.Pem, Stop);
        Assert.Equal(ExitCodes.Done, (await serving).Code);
    }

    [Theory]
    [InlineData("", "holds no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "is damaged")]
    public async Task An_authority_that_is_none_is_named(string pem, string said)
    {
        await using var gateway = Gateway();
        await File.WriteAllTextAsync(CaFile, pem, Stop);
        var ending = await ServeAsync(gateway, _authority.Issue());
        Assert.Equal(ExitCodes.GatewayGone, ending.Code);
        Assert.Contains(said, ending.Said!, StringComparison.Ordinal);
        Assert.Empty(gateway.Authorizations);
    }

    [Theory]
    [InlineData("")]
    [InlineData("one\r\nX-Evil: yes")]
    [InlineData("ünïcode")]
    public async Task A_token_file_without_a_token_is_named_and_nothing_of_it_is_sent(string content)
    {
        await using var gateway = Gateway();
        await File.WriteAllTextAsync(TokenFile, content, Stop);
        var ending = await ServeAsync(gateway, _authority.Issue());
        Assert.Equal(ExitCodes.GatewayGone, ending.Code);
        Assert.Contains("holds no token", ending.Said!, StringComparison.Ordinal);
        Assert.Null(gateway.Hello);
    }

    [Fact]
    public async Task A_missing_or_huge_token_file_is_named()
    {
        await using var gateway = Gateway();
        await File.WriteAllTextAsync(TokenFile, new string('a', 20_000), Stop);
        Assert.Contains("too large", (await ServeAsync(gateway, _authority.Issue())).Said!, StringComparison.Ordinal);
        File.Delete(TokenFile);
        Assert.Contains("could not be read", (await ServeAsync(gateway, _authority.Issue())).Said!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_that_redirects_is_not_followed()
    {
        using var elsewhere = new TcpListener(IPAddress.Loopback, 0);
        elsewhere.Start();
        await using var gateway = Gateway();
        gateway.Intercept = (_, _) => Encoding.ASCII.GetBytes($"HTTP/1.1 307 X\r\nLocation: http://{elsewhere.LocalEndpoint}/\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal(ExitCodes.Refused, (await ServeAsync(gateway, _authority.Issue())).Code);
        Assert.False(elsewhere.Pending());
    }

    [Theory]
    [InlineData("garbage that is no HTTP\r\n\r\n", ExitCodes.GatewayGone)]
    [InlineData("HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n", ExitCodes.Refused)]
    [InlineData("HTTP/1.1 401 X\r\nContent-Length: 2\r\n\r\n{}", ExitCodes.Refused)]
    [InlineData("HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\n{}", ExitCodes.GatewayGone)]
    public async Task Nonsense_ends_it_with_a_code_and_a_line(string answer, int code)
    {
        await using var gateway = Gateway();
        gateway.Intercept = (_, _) => Encoding.ASCII.GetBytes(answer);
        var ending = await ServeAsync(gateway, _authority.Issue());
        Assert.Equal(code, ending.Code);
        Assert.NotEmpty(ending.Said!);
    }

    [Fact]
    public async Task Nobody_at_the_address_is_tried_for_a_while_and_then_given_up()
    {
        using var once = new TcpListener(IPAddress.Loopback, 0);
        once.Start();
        var closed = (IPEndPoint)once.LocalEndpoint;
        once.Stop();
        var ending = await ServeAsync(closed);
        Assert.Equal(ExitCodes.GatewayGone, ending.Code);
        Assert.Contains("ConnectionRefused", ending.Said!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_says_hello_once_everything_was_out_of_reach_twice_in_a_row()
    {
        var open = new TcpListener(IPAddress.Loopback, 0);
        open.Start();
        var target = new CageTarget("told", (IPEndPoint)open.LocalEndpoint);
        await using var gateway = Gateway();
        using var certificate = _authority.Issue();
        await using var front = await TlsFront.StartAsync(certificate, gateway);
        var serving = ServeAsync(front.Address, cage: [target], settling: new(TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(10)));
        await Task.Delay(300, Stop);
        Assert.Null(gateway.Hello);
        open.Stop();
        Assert.Equal(ExitCodes.Done, (await serving).Code);
        Assert.False(Assert.Single(gateway.Hello!.Cage).Reached);
    }

    [Fact]
    public async Task What_stays_within_reach_is_told_and_it_ends_without_a_task()
    {
        using var open = new TcpListener(IPAddress.Loopback, 0);
        open.Start();
        await using var gateway = Gateway();
        using var certificate = _authority.Issue();
        await using var front = await TlsFront.StartAsync(certificate, gateway);
        var ending = await ServeAsync(front.Address, cage: [new("told", (IPEndPoint)open.LocalEndpoint)]);
        Assert.Equal(ExitCodes.NotCaged, ending.Code);
        Assert.True(Assert.Single(gateway.Hello!.Cage).Reached);
        Assert.Empty(gateway.Events);
    }

    [Fact]
    public void Its_arguments_are_those_that_pods_are_built_with()
    {
        var asked = ServeCommand.Parse("https://10.0.0.7:8443 --ca /id/ca.crt --token /id/token --probe 10.96.0.1:443 --probe [fd00::1]:5432".Split(' '));
        Assert.Equal(new IPEndPoint(IPAddress.Parse("10.0.0.7"), 8443), asked!.Gateway);
        Assert.Equal(("/id/ca.crt", "/id/token"), (asked.Authority, asked.Token));
        Assert.Equal(["10.96.0.1:443", "[fd00::1]:5432"], asked.Probes.Select(p => p.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("https://10.0.0.7:8443")]
    [InlineData("http://10.0.0.7:8443 --ca /a --token /b")]
    [InlineData("https://gateway:8443 --ca /a --token /b")]
    [InlineData("https://10.0.0.7 --ca /a --token /b")]
    [InlineData("https://10.0.0.7:8443 --ca a --token /b")]
    [InlineData("https://10.0.0.7:8443 --ca /a --token")]
    [InlineData("https://10.0.0.7:8443 --ca /a --ca /a --token /b")]
    [InlineData("https://10.0.0.7:8443 --ca /a --token /b --probe example.com:80")]
    [InlineData("https://10.0.0.7:8443 --ca /a --token /b --probe 10.0.0.7:8443")]
    [InlineData("https://10.0.0.7:8443 --ca /a --token /b --insecure yes")]
    public async Task Other_arguments_are_refused(string line)
    {
        var arguments = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        using var says = new StringWriter();
        Assert.Equal(ExitCodes.Usage, await ServeCommand.RunAsync(arguments, says));
        Assert.Contains("usage", says.ToString(), StringComparison.Ordinal);
    }

    private async Task RefusedAsync(X509Certificate2 certificate, string said, SslProtocols protocols = SslProtocols.Tls13)
    {
        await using var gateway = Gateway();
        var ending = await ServeAsync(gateway, certificate, protocols);
        Assert.Equal(ExitCodes.GatewayUntrusted, ending.Code);
        Assert.Contains(said, ending.Said!, StringComparison.Ordinal);
        Assert.Empty(gateway.Authorizations);
        Assert.Null(gateway.Hello);
    }

    private async Task<Ending> ServeAsync(FakeGateway gateway, X509Certificate2 certificate, SslProtocols protocols = SslProtocols.Tls13)
    {
        using (certificate)
        {
            await using var front = await TlsFront.StartAsync(certificate, gateway, protocols);
            return await ServeAsync(front.Address);
        }
    }

    private async Task<Ending> ServeAsync(IPEndPoint address, Pace? pace = null, IReadOnlyList<CageTarget>? cage = null, Settling? settling = null)
    {
        var time = new ClockStartingAt(SmallShop.Now);
        using var client = new GatewayClient(new TlsDialer(address, CaFile, TokenFile), time);
        return await new Session(client, time, cage ?? [], pace ?? Run.Quick, settling ?? QuickSettling).RunAsync(Stop);
    }

    private static FakeGateway Gateway()
    {
        var shop = new SmallShop();
        return new() { Task = shop.Ask(), ToolNames = SmallShop.Tools, Answer = shop.Answer };
    }
}
