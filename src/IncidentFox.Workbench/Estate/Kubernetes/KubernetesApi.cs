using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>The API: from a request to its answer. Who asks is checked first, as the real server does, then what exists.</summary>
internal sealed class KubernetesApi(ObjectStore store, IPodLogs logs, TokenAuthority tokens, TimeProvider clock, ApiFaults? faults = null, IPodCommands? commands = null)
{
    private readonly ListHandler _lists = new(store);
    private readonly WatchHandler _watches = new(store, clock, faults ?? new());
    private readonly LogHandler _logs = new(store, logs, clock);
    private readonly ReviewHandler _reviews = new(store, tokens, clock);
    private readonly ExecHandler _commands = new(store, commands);

    public ChangeCounters Counters { get; } = new();

    public ApiAnswer Answer(ApiRequest request)
    {
        try
        {
            return Route(request);
        }
        catch (ApiException refusal)
        {
            return ApiAnswer.Refusal(refusal);
        }
    }

    private ApiAnswer Route(ApiRequest request)
    {
        if (ApiPath.Parse(request.RawPath) is not { } path)
        {
            Authorizer.RequirePath(request.Identity, request.Method == "GET" ? "get" : request.Method.ToLowerInvariant(), request.RawPath);
            return request.Method == "GET" ? DiscoveryHandler.Answer(request.RawPath) : throw ApiException.MethodNotAllowed();
        }

        var verb = Verb(request, path);
        Authorizer.Require(request.Identity, verb, path);
        if (path.Group.Length > 0 && !ResourceTypes.HasGroup(path.Group))
        {
            return ApiAnswer.Text("404 page not found\n", 404);
        }

        var type = ResourceTypes.Find(path.Group, path.Version, path.Resource) ?? throw ApiException.NoSuchResource();
        if (path.Subresource.Length > 0 && !type.Subresources.Contains(path.Subresource))
        {
            throw ApiException.NoSuchResource();
        }

        return path.Subresource switch
        {
            "log" => verb == "get" ? _logs.Read(path.Namespace, path.Name, request) : throw ApiException.MethodNotAllowed(),
            "exec" => verb is "get" or "create" ? _commands.Run(path.Namespace, path.Name, request) : throw ApiException.MethodNotAllowed(),
            "scale" => AnswerScale(type, path, verb, request),
            "token" => verb == "create" ? _reviews.RequestToken(path.Namespace, path.Name, request) : throw ApiException.MethodNotAllowed(),
            _ when type.IsReview => verb == "create" && path.Name.Length == 0 ? _reviews.Answer(type, request) : throw ApiException.MethodNotAllowed(),
            _ => AnswerObject(type, path, verb, request),
        };
    }

    private ApiAnswer AnswerObject(ResourceType type, ApiPath path, string verb, ApiRequest request)
    {
        if (verb is "get" or "list" or "watch" && !AcceptsJson(request.Accept))
        {
            throw ApiException.NotAcceptable();
        }

        // A namespace is addressed by its own name and stored without one.
        var ns = type.Namespaced ? path.Namespace : "";
        return verb switch
        {
            "get" => _lists.Get(type, ns, path.Name),
            "list" => _lists.List(type, ns, request),
            "watch" => _watches.Watch(type, ns, path.Name, request),
            "delete" => new DeleteHandler(store, clock, Counters).Delete(type, ns, path.Name, request),
            "patch" when request.ContentType == "application/apply-patch+yaml" => new ApplyHandler(store, clock, Counters, Creates).Apply(type, ns, path.Name, request),
            "patch" or "update" => Changes.Change(type, ns, path.Name, "", request),
            "create" when path.Name.Length == 0 && type != ResourceTypes.NewEvents => Creates.Create(type, ns, request),
            _ => throw ApiException.MethodNotAllowed(),
        };
    }

    private ApiAnswer AnswerScale(ResourceType type, ApiPath path, string verb, ApiRequest request) => verb switch
    {
        "get" => ApiAnswer.Json(Scale.Of(store.Get(type, path.Namespace, path.Name) ?? throw ApiException.NotFound(type, path.Name))),
        "patch" or "update" => Changes.Change(type, path.Namespace, path.Name, "scale", request),
        _ => throw ApiException.MethodNotAllowed(),
    };

    private ChangeHandler Changes => new(store, clock, Counters, Creates);

    private CreateHandler Creates => new(store, clock, Counters);

    private static string Verb(ApiRequest request, ApiPath path) => (request.Method, path.Name.Length > 0) switch
    {
        ("GET" or "HEAD", _) when request.IsWatch || path.IsWatchPath => "watch",
        ("GET" or "HEAD", true) => "get",
        ("GET" or "HEAD", false) => "list",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        ("PATCH", true) => "patch",
        ("PUT", true) => "update",
        ("PUT" or "PATCH", false) => "update-collection", // granted to nobody but admins, and served to nobody
        _ => "create",
    };

    private static bool AcceptsJson(string accept) =>
        accept.Length == 0 || accept.Split(',').Select(a => a.Split(';')[0].Trim()).Any(a => a is "*/*" or "application/*" or "application/json");
}
