using System.Text;
using System.Text.Json;
using IncidentFox.Secrets.Http;

namespace IncidentFox.Secrets.Kubernetes;

/// <summary>
/// Kubernetes Secrets from the API server: https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/.
/// As with files, one newline at the end is not part of the secret: the same Secret gives the same credential mounted and read.
/// </summary>
internal sealed class KubernetesSource(KubernetesOptions options, TimeProvider time) : ISecretSource, IDisposable
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly KubernetesConnection _connection = new(options);

    public SecretScheme Scheme => SecretScheme.Kubernetes;

    public async ValueTask<SecretResult> FetchAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        var (ns, name) = (reference.Place, reference.Name);
        var answer = await _connection.SendAsync(HttpMethod.Get, $"api/v1/namespaces/{ns}/secrets/{name}", null, cancellationToken);
        return answer.Status switch
        {
            0 => SecretResult.Unavailable($"The Kubernetes API server did not answer: {answer.Problem}."),
            200 => Read(answer.Body, reference),
            401 => SecretResult.Denied("The Kubernetes API server refuses the gateway's own token or certificate: check the service account, or the kubeconfig."),
            403 => SecretResult.Denied($"Kubernetes does not let the gateway read {name} in {ns}: give its service account a Role there with verb get on secrets, resourceNames [\"{name}\"]."),
            404 => SecretResult.NotFound($"There is no Secret {name} in namespace {ns}: create it, or correct the reference."),
            429 or 503 when (answer.Status == 429 || answer.RetryAfter is not null) =>
                SecretResult.Throttled("The Kubernetes API server asks to be left alone for a while.", answer.RetryAfter ?? TimeSpan.FromSeconds(10)),
            var status => SecretResult.Unavailable($"The Kubernetes API server answered {status} to a request for {name} in {ns}."),
        };
    }

    private SecretResult Read(byte[] body, SecretReference reference)
    {
        var where = $"the Secret {reference.Name} in namespace {reference.Place}";
        using var json = Json.Parse(body);
        var root = (JsonElement?)json?.RootElement;
        var metadata = root.Member("metadata");
        if (root.Member("kind").Text() != "Secret" || metadata.Member("name").Text() != reference.Name || metadata.Member("resourceVersion").Text() is not { Length: > 0 } version)
        {
            return SecretResult.Unavailable("What answers as the Kubernetes API server does not answer like it: check the address.");
        }

        if (root.Member("data").Member(reference.Field!) is not { } field)
        {
            return SecretResult.NotFound($"There is no key {reference.Field} in {where}: add it, or correct the reference.");
        }

        try
        {
            var text = field.ValueKind == JsonValueKind.String ? Trim(StrictUtf8.GetString(field.GetBytesFromBase64())) : "";
            return text.Length == 0 || Encoding.UTF8.GetByteCount(text) > SecretValue.MaxBytes
                ? SecretResult.Denied($"The key {reference.Field} of {where} is empty or larger than {SecretValue.MaxBytes / 1024} KiB.")
                : SecretResult.Found(new SecretValue(text, version, time.GetUtcNow()));
        }
        catch (Exception e) when (e is DecoderFallbackException or FormatException)
        {
            return SecretResult.Denied($"The key {reference.Field} of {where} is not UTF-8 text: store binary credentials as base64 of base64.");
        }
    }

    private static string Trim(string text) => text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;

    public void Dispose() => _connection.Dispose();
}
