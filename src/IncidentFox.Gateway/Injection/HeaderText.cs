namespace IncidentFox.Gateway.Injection;

// What header fields may hold. A credential with a line break would be a request of its own.
internal static class HeaderText
{
    // RFC 7235, section 2.1: token68.
    public static bool IsToken68(string text)
    {
        var body = text.AsSpan().TrimEnd('=');
        return body.Length > 0 && body.IndexOfAnyExcept(Token68) < 0;
    }

    public static bool IsVisible(string text) => text.Length > 0 && text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;

    public static bool HasControl(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\u001f') >= 0 || text.Contains('\u007f', StringComparison.Ordinal);

    private static readonly System.Buffers.SearchValues<char> Token68 =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");
}
