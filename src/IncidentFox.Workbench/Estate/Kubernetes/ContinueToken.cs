using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Where a list with `limit` goes on: the version it began at (-1: the present one) and the last object given.</summary>
internal sealed record ContinueToken(long Version, string After)
{
    private const string Format = "meta.k8s.io/v1";

    public static ContinueToken Parse(string text)
    {
        try
        {
            var json = JsonNode.Parse(WebEncoders.Base64UrlDecode(text));
            if (json.Text("v") == Format && json.Number("rv") is { } version && json.Text("start") is { } start)
            {
                return new(version, start.TrimEnd('\0').TrimStart('/'));
            }
        }
        catch (Exception error) when (error is JsonException or FormatException)
        {
            throw Bad();
        }

        throw Bad();
    }

    public override string ToString() => WebEncoders.Base64UrlEncode(Encoding.UTF8.GetBytes(
        new JsonObject { ["v"] = Format, ["rv"] = Version, ["start"] = After + "\0" }.ToJsonString()));

    private static ApiException Bad() => ApiException.BadRequest("invalid continue token: continue key is not valid");
}
