global using Xunit;
using IncidentFox.TestKit;

[assembly: AssemblyFixture(typeof(TestPostgres))]
