using IncidentFox.Agent.Conformance;
using Xunit;

namespace IncidentFox.Agent.Tests.Conformance;

/// <summary>What can be told to an agent under test, and what not. What the acts do is tested in sandboxes, by the suite.</summary>
public sealed class ConformCommandTests
{
    [Theory]
    [InlineData]
    [InlineData("/s")]
    [InlineData("s", "look")]
    [InlineData("/s", "look", "nonsense")]
    [InlineData("/s", "look=1")]
    [InlineData("/s", "reach=example.com:80")]
    [InlineData("/s", "reach=10.0.0.1")]
    [InlineData("/s", "memory=-1")]
    [InlineData("/s", "memory=99999999999")]
    [InlineData("/s", "memory=1e3")]
    [InlineData("/s", "disk=16")]
    [InlineData("/s", "dial=relative")]
    [InlineData("/s", "listen=70000")]
    [InlineData("/s", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look", "look")]
    public async Task What_it_does_not_know_it_does_not_begin(params string[] arguments)
    {
        var (report, says) = (new StringWriter(), new StringWriter());
        Assert.Equal(ExitCodes.Usage, await ConformCommand.RunAsync(arguments, report, says));
        Assert.Equal("", report.ToString());
        Assert.StartsWith("usage:", says.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_act_is_one_line_of_ascii_however_strange_the_names_are()
    {
        var (report, says) = (new StringWriter(), new StringWriter());
        var strange = "/nowhere/\u202e" + new string('ü', 300);
        Assert.Equal(ExitCodes.Done, await ConformCommand.RunAsync(["/nowhere.sock", "write=/nowhere/x," + strange, "dial=/nowhere.sock"], report, says));
        Assert.Equal("{\"act\":\"write\",\"tried\":2,\"written\":[]}\n{\"act\":\"dial\",\"outcome\":\"AddressNotAvailable\"}\n", report.ToString());
    }

    [Fact]
    public async Task Secrets_are_named_and_never_printed()
    {
        var folder = Directory.CreateTempSubdirectory("conform-").FullName;
        var (name, secret) = ($"CONFORM_{Guid.NewGuid():N}_TOKEN", Guid.NewGuid().ToString("N"));
        Environment.SetEnvironmentVariable(name, secret);
        try
        {
            var (report, says) = (new StringWriter(), new StringWriter());
            var file = Path.Combine(folder, "key.pem");
            File.WriteAllText(file, $"-----BEGIN PRIVATE KEY-----\n{secret}\n");
            Assert.Equal([file], Looking.SecretFiles(folder).Secrets);
            Looking.Look(new ActReport(report), folder);
            Assert.Contains(name, report.ToString(), StringComparison.Ordinal);
            Assert.Contains(file, report.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, report.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, null);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("/var/run/incidentfox/token", true)]
    [InlineData("/run/incidentfox/token", true)]
    [InlineData("/run/incidentfox/..2026_11_23_06_00_00.1/token", true)]
    [InlineData("/var/run/incidentfox/..data/token", true)]
    [InlineData("/var/run/incidentfox/..data/key.pem", false)]
    [InlineData("/var/run/secrets/kubernetes.io/serviceaccount/token", false)]
    [InlineData("/tmp/token", false)]
    public void Only_its_own_token_is_no_find(string path, bool isOwn) => Assert.Equal(isOwn, Looking.IsOwnToken(path));
}
