global using Xunit;
using IncidentFox.EndToEnd.Kit;

// One product serves all tests: they take turns.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(HttpInstallation))]
