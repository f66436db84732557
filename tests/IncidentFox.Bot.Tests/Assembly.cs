global using Xunit;
using IncidentFox.Bot.Tests.Kit;

[assembly: AssemblyFixture(typeof(BotPostgres))]
