global using Dapper;
global using IncidentFox.Core.Approvals;
global using IncidentFox.Core.Audit;
global using IncidentFox.Core.Identity;
global using IncidentFox.Core.Investigations;
global using IncidentFox.Core.Policy;
global using IncidentFox.Core.Storage;
global using IncidentFox.Core.Tests.Support;
global using IncidentFox.Core.Tools;
global using IncidentFox.TestKit;
global using Npgsql;
global using Xunit;

[assembly: AssemblyFixture(typeof(TestPostgres))]
