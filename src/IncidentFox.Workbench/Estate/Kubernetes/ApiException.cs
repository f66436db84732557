using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>A refusal, as the API server words it: an HTTP status and a `Status` object.</summary>
internal sealed class ApiException(int code, JsonObject status) : Exception(status.Text("message"))
{
    public int Code => code;

    public JsonObject Status => status;

    public int? RetryAfterSeconds { get; init; }

    public static ApiException Unauthorized() => new(401, Failure(401, "Unauthorized", "Unauthorized", details: null));

    public static ApiException BadRequest(string message) => new(400, Failure(400, "BadRequest", message, details: null));

    public static ApiException NotFound(ResourceType type, string name) =>
        new(404, Failure(404, "NotFound", $"{type.QualifiedPlural} \"{name}\" not found", Details(name, type.Group, type.Plural)));

    public static ApiException AlreadyExists(ResourceType type, string name) =>
        new(409, Failure(409, "AlreadyExists", $"{type.QualifiedPlural} \"{name}\" already exists", Details(name, type.Group, type.Plural)));

    public static ApiException NoSuchResource() =>
        new(404, Failure(404, "NotFound", "the server could not find the requested resource", []));

    public static ApiException MethodNotAllowed() =>
        new(405, Failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", []));

    public static ApiException UnsupportedMediaType() =>
        new(415, Failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", []));

    public static ApiException NotAcceptable() =>
        new(406, Failure(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch", []));

    public static ApiException TooLarge(long limit) =>
        new(413, Failure(413, "RequestEntityTooLarge", $"Request entity too large: limit is {limit}", []));

    /// <summary>A patch that does not apply: a failed `test`, a path that is not there.</summary>
    public static ApiException PatchDoesNotApply() =>
        new(422, Failure(422, "Invalid", "the server rejected our request due to an error in our request", []));

    public static ApiException Forbidden(string message, JsonObject details) => new(403, Failure(403, "Forbidden", message, details));

    public static ApiException Conflict(string group, string resource, string name, string why)
    {
        var qualified = group.Length == 0 ? resource : $"{resource}.{group}";
        return new(409, Failure(409, "Conflict", $"Operation cannot be fulfilled on {qualified} \"{name}\": {why}", Details(name, group, resource)));
    }

    public static ApiException Modified(ResourceType type, string name) => Conflict(
        type.Group, type.Plural, name, "the object has been modified; please apply your changes to the latest version and try again");

    /// <summary>422 with its causes; one cause stands alone in the message, several in brackets.</summary>
    public static ApiException Invalid(string group, string kind, string name, params IReadOnlyList<FieldError> errors)
    {
        var listed = string.Join(", ", errors.Select(e => $"{e.Field}: {e.Message}"));
        var message = $"{(group.Length == 0 ? kind : $"{kind}.{group}")} \"{name}\" is invalid: {(errors.Count == 1 ? listed : $"[{listed}]")}";
        var details = Details(name, group, kind);
        details["causes"] = new JsonArray([.. errors.Select(e => new JsonObject { ["reason"] = e.Reason, ["message"] = e.Message, ["field"] = e.Field })]);
        return new(422, Failure(422, "Invalid", message, details));
    }

    /// <summary>An update that does not say which version it is of; worded with the plural where others name the kind.</summary>
    public static ApiException MustNameVersion(ResourceType type, string name) =>
        Invalid(type.Group, type.Plural, name, FieldError.Value("metadata.resourceVersion", "0x0", "must be specified for an update"));

    /// <summary>As the server words it for reviews, which leave the kind out.</summary>
    public static ApiException NoKind(string group, FieldError error) => Invalid(group, "", "", error);

    public static ApiException Expired(string message, string? continueToken = null)
    {
        var status = Failure(410, "Expired", message, details: null);
        if (continueToken is not null)
        {
            status["metadata"] = new JsonObject { ["continue"] = continueToken };
        }

        return new(410, status);
    }

    public static ApiException FutureVersion(string wanted, ulong current) => new(
        504,
        Failure(504, "Timeout", $"Timeout: Too large resource version: {wanted}, current: {current}", new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
            ["retryAfterSeconds"] = 1,
        }))
    {
        RetryAfterSeconds = 1,
    };

    /// <summary>Server-side apply of a field that somebody else set to something else.</summary>
    public static ApiException ApplyConflict(IReadOnlyList<(string With, string Field)> conflicts)
    {
        var count = conflicts.Count == 1 ? "1 conflict" : $"{conflicts.Count} conflicts";
        var byManager = conflicts.GroupBy(c => c.With).Select(g => conflicts.Count == 1 ? $"conflict with {g.Key}: {g.First().Field}" : $"conflicts with {g.Key}:\n{string.Join('\n', g.Select(c => $"- {c.Field}"))}");
        return new(409, Failure(409, "Conflict", $"Apply failed with {count}: {string.Join('\n', byManager)}", new JsonObject
        {
            ["causes"] = new JsonArray([.. conflicts.Select(c => new JsonObject
            {
                ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {c.With}", ["field"] = c.Field,
            })]),
        }));
    }

    /// <summary>A failure that a test asked for, worded as the server words its own.</summary>
    public static ApiException Fault(int status, int? retryAfterSeconds)
    {
        var (reason, message) = status switch
        {
            429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
            _ => ("InternalError", "Internal error occurred: etcdserver: request timed out"),
        };
        var details = new JsonObject();
        if (retryAfterSeconds is not null)
        {
            details["retryAfterSeconds"] = retryAfterSeconds;
        }

        return new(status, Failure(status, reason, message, details)) { RetryAfterSeconds = retryAfterSeconds };
    }

    /// <summary>A failure without a reason, which is how the server reports what it did not expect.</summary>
    public static ApiException Internal(string message) => new(500, Failure(500, reason: null, message, details: null));

    public static JsonObject Success(ResourceType type, string name, string uid)
    {
        var details = Details(name, type.Group, type.Plural);
        details["uid"] = uid;
        return new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details };
    }

    public static JsonObject Details(string name, string group, string kind)
    {
        var details = new JsonObject();
        if (name.Length > 0)
        {
            details["name"] = name;
        }

        if (group.Length > 0)
        {
            details["group"] = group;
        }

        if (kind.Length > 0)
        {
            details["kind"] = kind;
        }

        return details;
    }

    private static JsonObject Failure(int code, string? reason, string message, JsonObject? details)
    {
        var status = new JsonObject
        {
            ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure", ["message"] = message,
        };
        if (reason is not null)
        {
            status["reason"] = reason;
        }

        if (details is not null)
        {
            status["details"] = details;
        }

        status["code"] = code;
        return status;
    }
}

/// <summary>One field that does not validate, with the reason and the message of the API server.</summary>
internal sealed record FieldError(string Field, string Reason, string Message)
{
    public static FieldError Value(string field, string value, string why) => new(field, "FieldValueInvalid", $"Invalid value: {value}: {why}");

    public static FieldError Forbidden(string field, string why) => new(field, "FieldValueForbidden", $"Forbidden: {why}");

    public static FieldError Required(string field, string why = "") =>
        new(field, "FieldValueRequired", why.Length == 0 ? "Required value" : $"Required value: {why}");

    public static FieldError Unsupported(string field, string value, string supported) =>
        new(field, "FieldValueNotSupported", $"Unsupported value: {value}: supported values: {supported}");
}
