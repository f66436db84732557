using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using IncidentFox.Slack;
using Microsoft.Extensions.Configuration;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>The settings in the manifests are read by the program's own start-up: what it doesn't know or accept fails here.</summary>
[Trait("kind", "check")]
public sealed class ManifestSettingsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("incidentfox-manifests-");

    public static TheoryData<string> Folders => [.. Rendered.All];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_setting_is_one_that_the_role_reads_and_accepts(string folder)
    {
        var objects = Rendered.Of(folder);
        Assert.Empty(Errors(objects, HostRole.Gateway));
        Assert.Empty(Errors(objects, HostRole.Bot));
        foreach (var role in new[] { "bot", "gateway", "migrate" })
        {
            var settings = Settings(objects, role);
            var known = ConfigurationFiles.Load(Path.Combine(Rendered.Repository, "appsettings.example.json")).GetChildren().Select(s => s.Key);
            Assert.Empty(settings.GetChildren().Select(s => s.Key).Except(known));
            Assert.Empty(settings.GetSection("Slack").GetChildren().Select(s => s.Key).Except(typeof(SlackOptions).GetProperties().Select(p => p.Name)));
            Assert.Empty(settings.GetSection("Logging").GetChildren().Select(s => s.Key).Except(["Level", "Format"]));
            Assert.Empty(settings.GetSection("Http").GetChildren().Select(s => s.Key).Except(["Url"]));
        }
        var owner = Settings(objects, "migrate").GetSection("Database").Get<DatabaseOptions>(o => o.ErrorOnUnknownConfiguration = true)!;
        Assert.NotNull(owner.Owner);
        Assert.True(SecretReference.TryParse(owner.OwnerPassword, out _, out var reason), reason);
    }

    [Fact]
    public void A_setting_that_nobody_reads_is_found()
    {
        var objects = Rendered.Of(Rendered.Base).Select(o => o.DeepClone().AsObject()).ToList();
        var map = objects.OfKind("ConfigMap").Single(m => m.Name().StartsWith("incidentfox-gateway-", StringComparison.Ordinal));
        map["data"]!["appsettings.json"] = map["data"]!["appsettings.json"]!.ToString().Replace("\"RuntimeDirectory\"", "\"RuntimeFolder\"", StringComparison.Ordinal);

        Assert.Contains(Errors(objects, HostRole.Gateway), e => e.Contains("'RuntimeFolder'", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void The_bot_names_no_secret_of_the_gateway(string folder)
    {
        var objects = Rendered.Of(folder);
        var bot = Settings(objects, "bot").GetSection("Database").GetChildren().Select(s => s.Key).Order();
        var gateway = Settings(objects, "gateway").GetSection("Database").GetChildren().Select(s => s.Key).Order();

        Assert.Equal(["Bot", "BotPassword", "ColumnKey"], bot);
        Assert.Equal(["ColumnKey", "FrozenCallKey", "Gateway", "GatewayPassword"], gateway);
        Assert.Empty(Settings(objects, "gateway").GetSection("Slack").GetChildren());
    }

    private IReadOnlyList<string> Errors(IReadOnlyList<JsonObject> objects, HostRole role)
    {
        var settings = Settings(objects, role == HostRole.Bot ? "bot" : "gateway");
        return HostSettings.Read(settings, role).Errors;
    }

    /// <summary>A container's settings as it finds them: its files under this test's folder instead of <c>/etc/incidentfox</c>, then its environment.</summary>
    private IConfigurationRoot Settings(IReadOnlyList<JsonObject> objects, string component)
    {
        var pod = objects.Workloads().Single(w => w.Name() == $"incidentfox-{component}").PodSpec();
        var container = pod["containers"]![0]!;
        foreach (var mount in container["volumeMounts"].Items())
        {
            var map = (string?)pod["volumes"].Items().Single(v => (string?)v["name"] == (string?)mount["name"])["configMap"]?["name"];
            var path = ((string)mount["mountPath"]!).Replace("/etc/incidentfox", _folder.FullName, StringComparison.Ordinal);
            if (map == "incidentfox-site-ca")
                Write(path, "ca.crt", Authority());
            else if (map is not null)
            {
                foreach (var (name, text) in objects.OfKind("ConfigMap").Single(m => m.Name() == map)["data"]!.AsObject())
                    Write(path, name, text!.ToString());
            }
        }
        var file = ((string)container["args"]!.AsArray()[^1]!).Replace("/etc/incidentfox", _folder.FullName, StringComparison.Ordinal);
        const string Prefix = ConfigurationFiles.EnvironmentPrefix;
        return new ConfigurationBuilder().AddJsonFile(file).AddInMemoryCollection(container["env"].Items()
            .Where(e => ((string)e["name"]!).StartsWith(Prefix, StringComparison.Ordinal))
            .Select(e => KeyValuePair.Create(((string)e["name"]!)[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal), Expanded((string?)e["value"])))).Build();
    }

    // Of each Service in its namespace a container has the address in its environment.
    private static string? Expanded(string? value) => value?.Replace("$(INCIDENTFOX_GATEWAY_SERVICE_HOST)", "10.96.0.40", StringComparison.Ordinal);

    private static string Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=site", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        return certificate.ExportCertificatePem();
    }

    private void Write(string folder, string name, string text)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name), text.Replace("/etc/incidentfox", _folder.FullName, StringComparison.Ordinal));
    }
}
