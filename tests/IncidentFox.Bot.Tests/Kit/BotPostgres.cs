using IncidentFox.Bot.Jobs;
using IncidentFox.TestKit;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>A PostgreSQL whose databases have the job schema too.</summary>
public sealed class BotPostgres : TestPostgres
{
    protected override void Prepare(string ownerConnectionString) => HangfireSchema.Install(ownerConnectionString);
}
