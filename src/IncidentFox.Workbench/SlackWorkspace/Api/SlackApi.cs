using System.Globalization;
using System.Text.Json.Nodes;
using IncidentFox.Workbench.SlackWorkspace.Deliveries;

namespace IncidentFox.Workbench.SlackWorkspace.Api;

/// <summary>The Web API's front: token, faults, rate limits, arguments; then the method.</summary>
internal sealed class SlackApi
{
    private readonly SlackDoubleOptions options;
    private readonly Dictionary<string, ApiMethod> methods;

    public SlackApi(SlackDoubleOptions options, SocketDoor sockets, Func<Uri> workspaceUrl, params IEnumerable<ApiMethod> methods)
    {
        this.options = options;
        var connect = new ApiMethod("apps.connections.open", options.Limits.ConnectionOpens, AcceptsJson: true, _ => Connect(sockets, workspaceUrl()), WantsAppToken: true);
        this.methods = methods.Append(connect).ToDictionary(m => m.Name);
        Limits = new RateLimits(options);
    }

    public RateLimits Limits { get; }
    public Faults Faults { get; } = new();
    public Record<ApiCall> Calls { get; } = new();
    public bool IsOut { get; set; }

    public async Task HandleAsync(HttpContext context, string name)
    {
        if (IsOut)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var method = methods.GetValueOrDefault(name);
        var (args, unreadable) = await Arguments.ReadAsync(context.Request, method?.AcceptsJson ?? true);
        var shown = Shown(args);
        var fault = Faults.Take(name);
        var status = StatusCodes.Status200OK;
        JsonObject answer;
        if (fault is not null && fault.StartsWith("http_", StringComparison.Ordinal) && int.TryParse(fault[5..], CultureInfo.InvariantCulture, out var ordered))
        {
            (status, answer) = (ordered, Answers.Fail("internal_error"));
        }
        else if (fault is not null and not Faults.LostResponse)
        {
            answer = Answers.Fail(fault);
        }
        else if (method is null)
        {
            answer = Answers.Fail("unknown_method");
        }
        else if (TokenError(context.Request, args, method) is { } tokenError)
        {
            answer = Answers.Fail(tokenError);
        }
        else if (args is null)
        {
            answer = Answers.Fail(unreadable!);
        }
        else if (Limited(method, args) is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            (status, answer) = (StatusCodes.Status429TooManyRequests, Answers.Fail("ratelimited"));
        }
        else
        {
            answer = method.Answer(args);
        }

        Calls.Add(new ApiCall(options.TimeProvider.GetUtcNow(), name, shown, status, answer["error"]?.ToString(), answer.DeepClone().AsObject()));
        if (fault == Faults.LostResponse)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = status;
        await context.Response.WriteAsJsonAsync(answer, context.RequestAborted);
    }

    private string? TokenError(HttpRequest request, Arguments? args, ApiMethod method)
    {
        var header = request.Headers.Authorization.ToString();
        var token = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header[7..].Trim() : args?.Text("token");
        if (string.IsNullOrEmpty(token)) return "not_authed";
        if (token != options.BotToken && token != options.AppToken) return "invalid_auth";
        return token == (method.WantsAppToken ? options.AppToken : options.BotToken) ? null : "not_allowed_token_type";
    }

    private int? Limited(ApiMethod method, Arguments args)
    {
        if (method.Name != "chat.postMessage") return Limits.Take(method.Name, method.Name, method.CallsPerMinute, method.CallsPerMinute / 60.0);
        var channel = Roster.FindChannel(args.Text("channel"), byName: true)?.Id ?? "";
        return Limits.Take(method.Name, $"{method.Name} {channel}", options.Limits.PostBurst, options.Limits.PostsPerSecondPerChannel);
    }

    private static JsonObject Connect(SocketDoor sockets, Uri workspace)
    {
        if (sockets.NewTicket() is not { } ticket) return Answers.Fail("too_many_websockets");
        return Answers.Ok(("url", new UriBuilder(workspace) { Scheme = "ws", Path = "/link/", Query = $"ticket={ticket}&app_id={DemoPeople.AppId}" }.Uri.ToString()));
    }

    private static JsonObject Shown(Arguments? args)
    {
        var shown = args?.Values.DeepClone().AsObject() ?? [];
        shown.Remove("token");
        return shown;
    }
}
