using IncidentFox.Slack.Inbound;
using IncidentFox.Slack.SocketMode;
using IncidentFox.Slack.WebApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace IncidentFox.Slack;

public static class SlackModule
{
    /// <summary>
    /// Adds the Web API client, signed HTTP (to be mapped with <see cref="MapSlack"/>) and, with an app token, Socket Mode.
    /// The application provides <see cref="ISlackHandler"/>, <see cref="ISlackRequestLedger"/> and <see cref="ISlackRefusals"/>, in any lifetime.
    /// </summary>
    public static IServiceCollection AddSlack(this IServiceCollection services, SlackOptions options)
    {
        if (options.Validate() is { Count: > 0 } errors)
        {
            throw new ArgumentException("Slack is not configured:" + string.Concat(errors.Select(e => "\n  " + e)), nameof(options));
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<SlackTransport>();
        services.AddSingleton<RateGate>();
        services.AddSingleton<SlackCaller>();
        services.AddSingleton<ISlackClient, SlackClient>();
        services.AddSingleton<RefusalReporter>();
        services.AddSingleton<SlackDispatcher>();
        services.AddSingleton<SlackDeliveries>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<SlackDispatcher>());

        if (options.HttpEnabled)
        {
            services.AddSingleton(provider => new SlackSignature(options.SigningSecret, provider.GetRequiredService<TimeProvider>()));
            services.AddSingleton<SlackEndpoints>();
        }

        if (options.SocketModeEnabled)
        {
            services.AddSingleton<SocketOpener>();
            services.AddSingleton<EnvelopeHandler>();
            services.AddHostedService<SocketModeService>();
        }

        return services;
    }

    /// <summary>Maps the three addresses when a signing secret is set, and nothing otherwise.</summary>
    public static IEndpointRouteBuilder MapSlack(this IEndpointRouteBuilder endpoints)
    {
        if (endpoints.ServiceProvider.GetRequiredService<SlackOptions>().HttpEnabled)
        {
            var slack = endpoints.ServiceProvider.GetRequiredService<SlackEndpoints>();
            endpoints.MapPost(SlackPaths.Commands, (RequestDelegate)slack.CommandsAsync);
            endpoints.MapPost(SlackPaths.Interactions, (RequestDelegate)slack.InteractionsAsync);
            endpoints.MapPost(SlackPaths.Events, (RequestDelegate)slack.EventsAsync);
        }

        return endpoints;
    }
}
