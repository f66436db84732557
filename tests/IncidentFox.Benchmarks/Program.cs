using System.CommandLine;
using IncidentFox.Benchmarks;

return await BenchCommand.Create().Parse(args).InvokeAsync();
