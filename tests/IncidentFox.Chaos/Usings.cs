global using IncidentFox.TestKit;
global using Xunit;

[assembly: AssemblyFixture(typeof(TestPostgres))]
// Each has several processes to itself, and they take turns.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
