namespace IncidentFox.Host.Configuration;

/// <summary>Finds the configuration: the file named on the command line, else <c>appsettings.json</c> here, else what <c>make run</c> wrote.</summary>
public static class ConfigurationFiles
{
    /// <summary>What <c>make run</c> writes, relative to the repository.</summary>
    public const string WorkbenchFile = ".data/run/appsettings.json";

    /// <summary>Environment variables with this prefix override the file: <c>INCIDENTFOX__Slack__ApiBaseUrl</c> is <c>Slack:ApiBaseUrl</c>.</summary>
    public const string EnvironmentPrefix = "INCIDENTFOX__";

    /// <summary>The file that would be used, or a sentence that says what to do when there is none.</summary>
    public static (string? Path, string? Error) Find(FileInfo? named)
    {
        if (named is not null)
        {
            return named.Exists
                ? (named.FullName, null)
                : (null, $"The configuration file {named.FullName} does not exist.");
        }
        foreach (var candidate in new[] { "appsettings.json", WorkbenchFile })
        {
            if (File.Exists(candidate))
                return (Path.GetFullPath(candidate), null);
        }
        return (null, $"No configuration: neither appsettings.json nor {WorkbenchFile} is here. Name one with --config FILE (appsettings.example.json shows all settings), or start the one-machine mode with make run.");
    }

    /// <summary>The file and the environment's overrides.</summary>
    public static IConfigurationRoot Load(string path) =>
        new ConfigurationBuilder().AddJsonFile(path, optional: false).AddEnvironmentVariables(EnvironmentPrefix).Build();
}
