using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace IncidentFox.Secrets.Sources;

/// <summary>
/// Secrets in files: mounted by Kubernetes, systemd or Docker, or written by an operator. The file is judged by what was opened,
/// not by its name, so that swapping it between the check and the read gains nothing:
/// <list type="bullet">
/// <item>it must lie, links followed, below one of the configured directories;</item>
/// <item>it must not be writable by its group or by others;</item>
/// <item>it must not be readable by others, nor lie in a directory that others may write to, unless it is in one mounted into
/// this container alone.</item>
/// </list>
/// Reading by the group is accepted: root:incidentfox 0440 is how a service is usually given its secrets.
/// Kubernetes replaces a mounted Secret by pointing the link <c>..data</c> at a new directory, which changes both the path reached
/// and the time written; either makes a cached value count as changed.
/// </summary>
internal sealed class FileSource(FileSecretsOptions options, TimeProvider time) : ISecretSource
{
    private const UnixFileMode WritableByMore = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode OpenToOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public SecretScheme Scheme => SecretScheme.File;

    // On the pool, so that the store's time limit holds for a file system that does not answer.
    public ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken) =>
        new(Task.Run(() => Read(reference), cancellationToken));

    public bool IsStillCurrent(SecretReference reference, SecretValue value)
    {
        try
        {
            using var file = File.OpenHandle(reference.Name);
            return VersionOf(file, PathOf(file)) == value.Version;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // fetching again gives the reason
        }
    }

    private SecretResult Read(SecretReference reference)
    {
        var path = reference.Name;
        if (!OperatingSystem.IsLinux())
        {
            return SecretResult.Denied("file:// secrets are read on Linux only, where it can be told which file was opened.");
        }

        try
        {
            // Before opening as well: opening a device has an effect, and opening a pipe waits. Neither has a length.
            if (RealPath.Of(path) is not { } expected || !IsAllowed(expected))
            {
                return Outside(path);
            }

            if (new FileInfo(expected).Length == 0)
            {
                return SecretResult.NotFound($"{path} is empty, or not an ordinary file.");
            }

            using var file = File.OpenHandle(path);
            var opened = PathOf(file);
            return !IsAllowed(opened) ? Outside(path) : RefuseMode(path, File.GetUnixFileMode(file), opened) ?? Read(path, file, opened);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return SecretResult.NotFound($"There is no file {path}: create it, or mount the secret there.");
        }
        catch (UnauthorizedAccessException)
        {
            return SecretResult.Denied($"{path} cannot be opened by this process: it must be a file that the gateway's user may read.");
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            return SecretResult.Unavailable($"Reading {path} failed ({e.GetType().Name}): check the volume it is on.");
        }
    }

    [UnsupportedOSPlatform("windows")]
    private SecretResult? RefuseMode(string path, UnixFileMode mode, string opened)
    {
        if ((mode & WritableByMore) != UnixFileMode.None)
        {
            return SecretResult.Denied($"{path} can be written by its group or by others, who could swap the credential: chmod 0400 or 0440.");
        }

        if (options.Mounted.Any(d => RealPath.IsBelow(opened, d)))
        {
            return null;
        }

        if ((mode & OpenToOthers) != UnixFileMode.None)
        {
            return SecretResult.Denied($"{path} is open to every user of this machine: chmod 0400 or 0440.");
        }

        // In a directory that others may write to, they may put another file in this one's place.
        for (var directory = Path.GetDirectoryName(opened); directory is not null && IsAllowed(directory + "/"); directory = Path.GetDirectoryName(directory))
        {
            if ((File.GetUnixFileMode(directory) & (UnixFileMode.OtherWrite | UnixFileMode.StickyBit)) == UnixFileMode.OtherWrite)
            {
                return SecretResult.Denied($"The directory {directory} can be written by every user of this machine, who could swap the credential: chmod o-w.");
            }
        }

        return null;
    }

    private SecretResult Read(string path, SafeFileHandle file, string opened)
    {
        var version = VersionOf(file, opened);
        var buffer = new byte[SecretValue.MaxBytes + 3];   // room for a newline and one byte too many
        try
        {
            var length = 0;
            for (int read; (read = RandomAccess.Read(file, buffer.AsSpan(length), length)) > 0;)
            {
                length += read;
            }

            if (VersionOf(file, opened) != version)
            {
                return SecretResult.Unavailable($"{path} changed while it was read: replace it by renaming a finished file over it.");
            }

            var content = TrimOneNewline(buffer.AsSpan(0, length));
            return content.Length switch
            {
                0 => SecretResult.NotFound($"{path} is empty."),
                > SecretValue.MaxBytes => SecretResult.Denied($"{path} is larger than {SecretValue.MaxBytes / 1024} KiB, which no credential needs: check that it is the right file."),
                _ => SecretResult.Found(new SecretValue(StrictUtf8.GetString(content), version, time.GetUtcNow())),
            };
        }
        catch (DecoderFallbackException)
        {
            return SecretResult.Denied($"{path} is not UTF-8 text: store binary credentials as base64.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    private bool IsAllowed(string path) => options.Closed.Concat(options.Mounted).Any(directory => RealPath.IsBelow(path, directory));

    private SecretResult Outside(string path) => SecretResult.Denied(
        $"{path} is not, or links out of, a directory for secrets ({string.Join(", ", options.Closed.Concat(options.Mounted))}): "
        + $"move it there, or add its directory to {SecretsOptions.SectionName}:File:{nameof(FileSecretsOptions.Directories)}.");

    // Editors end a file with a newline that is not part of the secret; a second one would be.
    private static Span<byte> TrimOneNewline(Span<byte> content) => content switch
    {
        [.. var rest, (byte)'\r', (byte)'\n'] => rest,
        [.. var rest, (byte)'\n'] => rest,
        _ => content,
    };

    private static string PathOf(SafeFileHandle file) =>
        new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget ?? throw new IOException("The opened file has no path.");

    private static string VersionOf(SafeFileHandle file, string path) => string.Create(
        CultureInfo.InvariantCulture,
        $"{File.GetLastWriteTimeUtc(file):yyyyMMdd'T'HHmmss.fffffff'Z'}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..8]}");
}
