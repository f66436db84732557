using System.Reflection;

namespace IncidentFox.Workbench.SlackWorkspace.Control;

/// <summary>The page, from files embedded in this assembly. Nothing on it may load from elsewhere, and no string may become markup.</summary>
internal static class PageFiles
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private static readonly Dictionary<string, string> Types = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    public static void Map(IEndpointRouteBuilder routes)
    {
        var assembly = typeof(PageFiles).Assembly;
        var files = assembly.GetManifestResourceNames().Where(n => n.StartsWith("page/", StringComparison.Ordinal)).ToDictionary(n => n["page/".Length..], n => Read(assembly, n));
        routes.MapGet("/", (HttpContext context) => Send(context, files, "index.html"));
        routes.MapGet("/archives/{channel}/{message}", (HttpContext context) => Send(context, files, "index.html"));
        routes.MapGet("/page/{name}", (HttpContext context, string name) => Send(context, files, name));
    }

    private static IResult Send(HttpContext context, Dictionary<string, byte[]> files, string name)
    {
        if (!files.TryGetValue(name, out var content)) return Results.NotFound();
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-cache";
        return Results.Bytes(content, Types[Path.GetExtension(name)]);
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
