using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using IncidentFox.Host.Cli;
using IncidentFox.Host.Configuration;
using IncidentFox.Host.Tests.Kit;
using IncidentFox.Workbench.Estate.Cluster;
using Microsoft.Extensions.Configuration;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>docs/operations.md, done as it says: its commands in their order, kubectl's against the double.</summary>
public sealed partial class OperationsGuideTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("incidentfox-guide-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Every_command_works_in_the_guides_order()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/kubectl") && File.Exists("/usr/bin/openssl"), "kubectl and openssl are needed.");
        await using var cluster = await KubernetesCluster.StartAsync(new() { Https = true, RuntimeClasses = [] }, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "config"), cluster.Kubeconfig(cluster.AdminToken), TestContext.Current.CancellationToken);
        Copy(Path.Combine(Rendered.Repository, "manifests"), Path.Combine(_folder.FullName, "manifests"));
        var commands = Commands();
        Assert.True(commands.Count > 25, $"only {commands.Count} commands were found");

        foreach (var command in commands)
            Do(command);

        // What it led to.
        Assert.Contains("BEGIN CERTIFICATE", (string?)cluster.Find("ConfigMap", "incidentfox-sandboxes", "incidentfox-gateway-ca")!["data"]!["ca.crt"], StringComparison.Ordinal);
        Assert.Equal("incidentfox-gateway", Door());
        Assert.Equal(0, (int)cluster.Find("Deployment", "incidentfox", "incidentfox-bot")!["spec"]!["replicas"]!); // stopped for the restore
        foreach (var component in new[] { "bot", "gateway", "migrate" })
            Assert.NotNull(cluster.Find("Secret", "incidentfox", $"incidentfox-{component}"));
    }

    [Fact]
    public void What_it_builds_from_is_there()
    {
        var guide = Guide();
        foreach (Match file in Dockerfile().Matches(guide))
            Assert.True(File.Exists(Path.Combine(Rendered.Repository, file.Groups[1].Value)), file.Value);
        Assert.Equal(2, Dockerfile().Count(guide));
        Assert.Equal(5, Mentioned().Matches(guide).Select(m => m.Value).Distinct().Count(p => Path.Exists(Path.Combine(Rendered.Repository, p))));
        Assert.Equal(["manifests/overlays/production"], Mentioned().Matches(guide).Select(m => m.Value).Distinct().Where(p => !Path.Exists(Path.Combine(Rendered.Repository, p))));
    }

    [Fact]
    public void Its_clusters_are_integrations_that_stand_side_by_side()
    {
        using var here = new Installation();
        var folder = (string)here["Gateway"]["IntegrationsPaths"]![0]!;
        here["Secrets"]["File"]!["MountedDirectories"] = new JsonArray("/run/secrets/cluster");
        var files = Integration().Matches(Guide()).Select(m => m.Groups["yaml"].Value).ToList();
        Assert.Equal(3, files.Count);
        foreach (var (file, i) in files.Select((f, i) => (f, i)))
            File.WriteAllText(Path.Combine(folder, $"{i}.yaml"), file);
        IReadOnlyList<string> Errors() => HostSettings.Read(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(here.Configuration.ToJsonString()))).Build(), HostRole.Gateway).Errors;
        Assert.Empty(Errors());

        // Two with the same tools, or the same name, are not side by side.
        File.WriteAllText(Path.Combine(folder, "1.yaml"), files[1].Replace("us_", "eu_", StringComparison.Ordinal));
        Assert.NotEmpty(Errors());
        File.WriteAllText(Path.Combine(folder, "1.yaml"), files[1].Replace("cluster-us\n", "cluster-eu\n", StringComparison.Ordinal));
        Assert.NotEmpty(Errors());
    }

    private void Do(string command)
    {
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words[0])
        {
            case "incidentfox":
                Assert.True(CommandTree.Create().Parse(words[1..]).Errors.Count == 0, command);
                break;
            case "kubectl" or "openssl" or "mkdir":
                // Tokens and passwords are the reader's; what the guide makes itself must be there.
                foreach (var file in FromFile().Matches(command).Select(m => Path.Combine(_folder.FullName, m.Groups[1].Value)).Where(f => !File.Exists(f)))
                {
                    Assert.Contains($"`{Path.GetFileName(file)}`", Guide(), StringComparison.Ordinal);
                    Assert.DoesNotContain(Path.GetFileName(file), "column-key frozen-call-key door-key door-certificate ca.crt".Split(' '));
                    File.WriteAllText(file, "of this test");
                }
                string? piped = null;
                foreach (var part in command.Split(" | "))
                {
                    words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    var (exitCode, output, error) = Rendered.Run(words[0], words[1..], _folder.FullName, Path.Combine(_folder.FullName, "config"), piped);
                    Assert.True(exitCode == 0, $"{part}\n{output}\n{error}");
                    piped = output;
                }
                break;
            case "pg_dump" or "pg_restore":
                var help = Rendered.Run(words[0], ["--help"], _folder.FullName).Output;
                foreach (var option in words.Where(w => w.StartsWith("--", StringComparison.Ordinal)))
                    Assert.Contains(option.Split('=')[0], help, StringComparison.Ordinal);
                break;
            default:
                Assert.Fail($"the guide has a command that no test runs: {command}");
                break;
        }
    }

    // The certificate is what a sandbox will ask for: signed by the authority, with the one name.
    private string Door()
    {
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_folder.FullName, "secrets", "ca.crt"));
        using var door = X509Certificate2.CreateFromPemFile(Path.Combine(_folder.FullName, "secrets", "door-certificate"), Path.Combine(_folder.FullName, "secrets", "door-key"));
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        Assert.True(chain.Build(door), string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation)));
        return door.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames().Single();
    }

    private static string Guide() => File.ReadAllText(Path.Combine(Rendered.Repository, "docs", "operations.md"));

    private static List<string> Commands() =>
        [.. Block().Matches(Guide()).SelectMany(b => b.Groups["commands"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    [GeneratedRegex("```sh\n(?<commands>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("```yaml\n(?<yaml>integration: .*?)```", RegexOptions.Singleline)]
    private static partial Regex Integration();

    [GeneratedRegex(@"docker build -f (\S+)")]
    private static partial Regex Dockerfile();

    [GeneratedRegex(@"--from-file=(\S+)")]
    private static partial Regex FromFile();

    [GeneratedRegex(@"(manifests|eng)/[a-z/-]+[a-z](\.yaml)?", RegexOptions.ExplicitCapture)]
    private static partial Regex Mentioned();
}
