using IncidentFox.Host.Configuration;
using IncidentFox.Secrets;
using Microsoft.Extensions.Options;

namespace IncidentFox.Host.Cli;

/// <summary>What every command begins with, and how it says at once all that is wrong.</summary>
public static class Start
{
    /// <summary>The configuration; null after the error was printed.</summary>
    public static IConfigurationRoot? Load(FileInfo? named)
    {
        var (path, error) = ConfigurationFiles.Find(named);
        if (path is null)
            return Refuse<IConfigurationRoot>([error!]);
        try
        {
            return ConfigurationFiles.Load(path);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException)
        {
            return Refuse<IConfigurationRoot>([$"{path} can't be read: {e.InnerException?.Message ?? e.Message}"]);
        }
    }

    /// <summary>A container with nothing but secrets, for commands.</summary>
    public static ServiceProvider? Secrets(IConfiguration configuration, List<string> errors)
    {
        try
        {
            var options = configuration.GetSection(SecretsOptions.SectionName).Get<SecretsOptions>() ?? new SecretsOptions();
            return new ServiceCollection().AddSecrets(options).BuildServiceProvider();
        }
        catch (OptionsValidationException e)
        {
            errors.AddRange(e.Failures);
            return null;
        }
    }

    /// <summary>Prints every error and returns null.</summary>
    public static T? Refuse<T>(IReadOnlyList<string> errors) where T : class
    {
        Console.Error.WriteLine(errors.Count == 1 ? "This can't start:" : $"This can't start, for {errors.Count} reasons:");
        foreach (var error in errors)
            Console.Error.WriteLine($"  - {error}");
        return null;
    }
}
