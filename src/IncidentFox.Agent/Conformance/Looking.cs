using System.Collections;
using System.Text;
using System.Text.Json;
using IncidentFox.Agent.Cage;

namespace IncidentFox.Agent.Conformance;

/// <summary>What a program sees that merely looks around: who it is, and everything that could be a secret.</summary>
internal static class Looking
{
    /// <summary>Where Kubernetes puts a token for its API, if it is not told otherwise.</summary>
    private const string ApiToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    /// <summary>Its own: only good at the gateway, and the suite looks at what it says.</summary>
    private const string OwnToken = "/var/run/incidentfox/token";

    private const int MostFiles = 20_000, MostBytes = 256 * 1024;

    private static readonly string[] SecretNames = ["TOKEN", "SECRET", "PASSW", "CREDENTIAL", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE", "CONNECTION"];

    // Put together here, so that the program's own file does not hold them. What a secret begins with, or has in it.
    private static readonly byte[][] SecretContents = [.. new[]
    {
        "PRIVATE " + "KEY---", "eyJhbG" + "ciOi", "client-" + "key-data", "aws_secret_" + "access_key", "xoxb" + "-", "xapp" + "-", "AGE-SECRET" + "-KEY",
    }.Select(Encoding.ASCII.GetBytes)];

    public static void Look(ActReport report, string root = "/")
    {
        var status = Status("/proc/self/status");
        var (files, secrets) = SecretFiles(root);
        report.Line("look", json =>
        {
            foreach (var (property, name) in (ReadOnlySpan<(string, string)>)[("uid", "Uid"), ("gid", "Gid"), ("capabilities", "CapEff")])
                json.WriteString(property, status.GetValueOrDefault(name, "").Split('\t', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "");
            json.WriteBoolean("no_new_privileges", ProcessLimits.CanGainNoPrivileges); // asked, because not every kernel shows it in its status
            json.WriteNumber("most_processes", ProcessLimits.MostProcesses);
            json.WriteString("pids_max", FirstLine("/sys/fs/cgroup/pids.max"));
            json.WriteNumber("files", files);
            ActReport.Names(json, "secret_files", secrets);
            ActReport.Names(json, "secret_variables", SecretVariables());
            json.WriteNumber("variables", Environment.GetEnvironmentVariables().Count);
            json.WriteBoolean("api_token", File.Exists(ApiToken));
            Claims(json);
        });
    }

    private static List<string> SecretVariables()
    {
        var found = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var (name, value) = ((string)variable.Key, (string?)variable.Value ?? "");
            if (SecretNames.Any(s => name.Contains(s, StringComparison.OrdinalIgnoreCase)) || Holds(Encoding.UTF8.GetBytes(value)))
                found.Add(name);
        }
        return found;
    }

    // All but what kernels make up and the program itself.
    internal static (int Files, List<string> Secrets) SecretFiles(string root)
    {
        var (count, secrets, folders, own) = (0, new List<string>(), new Stack<string>([root]), Environment.ProcessPath);
        while (folders.TryPop(out var folder) && count < MostFiles)
        {
            try
            {
                foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
                {
                    if (entry.FullName is "/proc" or "/sys" or "/dev")
                        continue;
                    if (entry is DirectoryInfo && entry.LinkTarget is null)
                        folders.Push(entry.FullName);
                    else if (entry is FileInfo && entry.FullName != own && !IsOwnToken(entry.FullName))
                    {
                        count++;
                        if (Holds(Beginning(entry.FullName)))
                            secrets.Add(entry.FullName);
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Closed to it: that is no secret of its.
            }
        }
        return (count, secrets);
    }

    // Also where /var/run is a link to /run, and the folder that Kubernetes links to: ..2026_11_23/token.
    internal static bool IsOwnToken(string path)
    {
        var place = path.StartsWith("/var/", StringComparison.Ordinal) ? path[4..] : path;
        return place == "/run/incidentfox/token" || (place.StartsWith("/run/incidentfox/..", StringComparison.Ordinal) && place.EndsWith("/token", StringComparison.Ordinal));
    }

    private static bool Holds(ReadOnlySpan<byte> text)
    {
        foreach (var secret in SecretContents)
        {
            if (text.IndexOf(secret) >= 0)
                return true;
        }
        return false;
    }

    private static byte[] Beginning(string path)
    {
        try
        {
            // A socket or a pipe would wait for somebody; those are no files of this kind.
            if (File.GetAttributes(path).HasFlag(FileAttributes.Device))
                return [];
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            if (!file.CanSeek)
                return [];
            var bytes = new byte[Math.Min(file.Length, MostBytes)];
            return bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    // What its token says of itself; the signature is not looked at here: the gateway has that done.
    private static void Claims(Utf8JsonWriter json)
    {
        try
        {
            if (!File.Exists(OwnToken))
                return;
            var part = File.ReadAllText(OwnToken).Split('.')[1].Replace('-', '+').Replace('_', '/');
            using var claims = JsonDocument.Parse(Convert.FromBase64String(part + new string('=', (4 - part.Length % 4) % 4)));
            var root = claims.RootElement;
            json.WriteString("token_audience", root.GetProperty("aud") is { ValueKind: JsonValueKind.Array } many ? string.Join(' ', many.EnumerateArray()) : root.GetProperty("aud").ToString());
            json.WriteNumber("token_seconds", root.GetProperty("exp").GetInt64() - root.GetProperty("iat").GetInt64());
            json.WriteString("token_pod", root.GetProperty("kubernetes.io").GetProperty("pod").GetProperty("uid").GetString());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException or IndexOutOfRangeException or KeyNotFoundException or InvalidOperationException)
        {
            json.WriteString("token_problem", e.GetType().Name);
        }
    }

    private static Dictionary<string, string> Status(string path)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var line in File.ReadLines(path).Take(200))
            {
                if (line.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
                    found[line[..colon]] = line[(colon + 1)..].Trim();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not shown here.
        }
        return found;
    }

    private static string FirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault()?.Trim() is { Length: < 20 } line ? line : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
