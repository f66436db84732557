using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Processes;
using Npgsql;

namespace IncidentFox.Host.Tests.Kit;

/// <summary>A folder with a configuration and its secrets, and the program run against it as a process of its own.</summary>
internal sealed class Installation : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("incidentfox-host-").FullName;

    public Installation()
    {
        Configuration = new JsonObject
        {
            ["Http"] = new JsonObject { ["Url"] = "http://127.0.0.1:0" },
            ["Slack"] = new JsonObject
            {
                ["ApiBaseUrl"] = "http://127.0.0.1:9/api/",
                ["BotToken"] = Secret("bot-token", "xoxb-of-this-test"),
                ["SigningSecret"] = Secret("signing-secret", RandomNumberGenerator.GetHexString(32, lowercase: true)),
            },
            ["Database"] = new JsonObject
            {
                ["Bot"] = "Host=127.0.0.1;Port=9;Username=bot",
                ["Gateway"] = "Host=127.0.0.1;Port=9;Username=gateway",
                ["ColumnKey"] = Secret("column-key", Key(1)),
                ["FrozenCallKey"] = Secret("frozen-call-key", Key(2)),
            },
            ["Secrets"] = new JsonObject { ["File"] = new JsonObject { ["Directories"] = new JsonArray(_folder) } },
            ["Organization"] = new JsonObject
            {
                ["Id"] = "acme",
                ["Name"] = "Acme",
                ["SlackWorkspace"] = "T0ACME0001",
                ["Teams"] = new JsonArray(new JsonObject { ["Id"] = "sre", ["Name"] = "SRE", ["Channels"] = new JsonArray("C0INCIDENT") }),
            },
            ["Gateway"] = new JsonObject { ["IntegrationsPaths"] = new JsonArray(Folder("integrations")), ["RuntimeDirectory"] = Folder("r") },
            ["Sandbox"] = new JsonObject { ["Local"] = new JsonObject { ["AgentPath"] = "/bin/true", ["RuntimeDirectory"] = Folder("r") } },
            ["Logging"] = new JsonObject { ["Format"] = "text" },
        };
    }

    /// <summary>A configuration without a mistake, to be changed.</summary>
    public JsonObject Configuration { get; }

    public JsonObject this[string section] => Configuration[section]!.AsObject();

    /// <summary>Environment variables of the process, besides those of this one.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Writes a secret and returns its reference.</summary>
    public string Secret(string name, string value)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, value);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return $"file://{path}";
    }

    public void Use(TestDatabase database)
    {
        Login("Bot", database.BotConnectionString);
        Login("Gateway", database.GatewayConnectionString);
    }

    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params IReadOnlyList<string> arguments)
    {
        var file = Path.Combine(_folder, "appsettings.json");
        await File.WriteAllTextAsync(file, Configuration.ToJsonString());
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "incidentfox.dll"), .. arguments, "--config", file])
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"incidentfox {string.Join(' ', arguments)} did not end:\n{await output}\n{await error}");
        }
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts the program as it is started by a supervisor, with some sections only; it is ended by SIGTERM when disposed.</summary>
    public ChildProcess Start(string name, string role, params string[] sections)
    {
        var file = Path.Combine(_folder, $"{name}.json");
        File.WriteAllText(file, new JsonObject(Configuration.Where(s => sections.Contains(s.Key)).Select(s => KeyValuePair.Create(s.Key, s.Value?.DeepClone()))).ToJsonString());
        return ChildProcess.Start(new ChildProcessOptions
        {
            Program = "dotnet",
            Arguments = [Path.Combine(AppContext.BaseDirectory, "incidentfox.dll"), "serve", "--role", role, "--config", file],
            WorkingDirectory = _folder,
        });
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Login(string name, string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        this["Database"][$"{name}Password"] = Secret($"password-{name}", builder.Password!);
        builder.Password = null;
        this["Database"][name] = builder.ConnectionString;
    }

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    private static string Key(byte fill) => Convert.ToBase64String([.. Enumerable.Repeat(fill, 32)]);
}
