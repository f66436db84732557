using System.Text;

namespace IncidentFox.Secrets.Http;

/// <summary>A token that the platform mounts and renews, such as a service account's: read anew each time it is needed.</summary>
internal static class TokenFile
{
    private const int Largest = 16 * 1024;

    /// <summary>Null, with a reason, when there is none.</summary>
    public static async Task<(string? Token, string? Problem)> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[Largest + 1];
            await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = await file.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            var text = Encoding.ASCII.GetString(buffer, 0, length).Trim();
            return length > Largest ? (null, $"{path} is larger than {Largest / 1024} KiB, which no token is")
                : text.Length == 0 ? (null, $"{path} is empty")
                : (text, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, $"{path} can't be read ({e.GetType().Name})");
        }
    }
}
