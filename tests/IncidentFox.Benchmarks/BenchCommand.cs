using System.CommandLine;
using IncidentFox.Benchmarks.Gateway.Contestants;
using IncidentFox.Benchmarks.Kubernetes;
using IncidentFox.Benchmarks.Measuring;

namespace IncidentFox.Benchmarks;

/// <summary>Prints <c>name = value unit</c> for each figure and writes <c>{part}.json</c>. Exit code 0 only when every part was measured whole.</summary>
internal static class BenchCommand
{
    public static RootCommand Create()
    {
        var known = string.Join(", ", Parts.All.Keys);
        var only = new Option<string[]>("--only") { Description = $"Parts to measure: {known}. All of them when left out.", AllowMultipleArgumentsPerToken = true };
        only.Validators.Add(result =>
        {
            foreach (var name in result.Tokens.Select(t => t.Value).Where(n => !Parts.All.ContainsKey(n)))
                result.AddError($"There is no part '{name}'. Choose from: {known}.");
        });
        var output = new Option<DirectoryInfo>("--out") { Description = "Where the JSON files go.", DefaultValueFactory = _ => new DirectoryInfo("artifacts/bench") };
        var root = new RootCommand("Measures the product on this machine.") { only, output, ContestantCommand.Create(), FollowerProgram.CreateCommand() };
        root.SetAction(async (parse, ct) =>
        {
            var chosen = parse.GetValue(only) is { Length: > 0 } names ? names.Distinct() : Parts.All.Keys;
            var failed = false;
            foreach (var name in chosen)
                failed |= !await RunAsync(name, parse.GetValue(output)!, ct);
            return failed ? 1 : 0;
        });
        return root;
    }

    private static async Task<bool> RunAsync(string name, DirectoryInfo output, CancellationToken ct)
    {
        var sheet = new FigureSheet(name, Machine.Look());
        var problem = default(string);
        try
        {
            await Parts.All[name]().RunAsync(sheet, ct);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            problem = e.ToString();
        }
        if (problem is not null)
            await Console.Error.WriteLineAsync($"{name} was not measured whole: {problem}");
        var file = sheet.Save(output, problem);
        Console.WriteLine($"written to {file}");
        return problem is null;
    }
}
