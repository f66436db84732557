global using Xunit;

// Each has a whole product to itself, and they take turns.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
