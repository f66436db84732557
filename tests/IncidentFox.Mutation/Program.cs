using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using IncidentFox.Mutation;

// Usage: IncidentFox.Mutation REPOSITORY CONFIGURATION [part of a file's name]. Exit code 0: at least 90 % of the mutants were noticed.
const double Goal = 0.9;
var (repository, configuration, only) = (Path.GetFullPath(args[0]), args[1], args.ElementAtOrDefault(2) ?? "");
var core = Path.Combine(repository, "src", "IncidentFox.Core");
var tests = Path.Combine(repository, "tests", "IncidentFox.Core.Tests");
// What decides is pure, and must be shown by tests of its own: those that need no database, each folder's for its own code.
(string File, string Tests)[] files =
[
    ("Policy/ToolDecider.cs", "Policy"), ("Policy/PolicyIndex.cs", "Policy"), ("Policy/Condition.cs", "Policy"), ("Policy/Workflow.cs", "Policy"),     // the decision
    ("Approvals/ApprovalRules.cs", "Approvals"), ("Approvals/ApprovalTerms.cs", "Approvals"), ("Approvals/Voter.cs", "Approvals"),                     // the quorum
    ("Tools/FrozenRequest.cs", "Tools"), ("Tools/CanonicalJson.cs", "Tools"),                                                                         // the digest
];
string[] ClassesOf(string folder) => [.. Directory.EnumerateFiles(Path.Combine(tests, folder), "*Tests.cs")
    .Select(File.ReadAllText).Where(t => !t.Contains("TestPostgres", StringComparison.Ordinal))
    .Select(t => Regex.Match(t, "^namespace (?<space>[\\w.]+);.*class (?<name>\\w+Tests)\\b", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)))
    .Select(m => $"{m.Groups["space"].Value}.{m.Groups["name"].Value}")];
var classes = files.Select(f => f.Tests).Distinct().ToDictionary(f => f, ClassesOf);

var compiler = Compiler.Of(Path.Combine(core, "IncidentFox.Core.csproj"), configuration);
var mutants = new ConcurrentQueue<Mutant>(files.Where(f => f.File.Contains(only, StringComparison.Ordinal))
    .SelectMany(f => Mutations.Of(Path.Combine(core, f.File), f.Tests, compiler.Tree(Path.Combine(core, f.File)))));
Console.WriteLine($"{mutants.Count} mutants, {classes.Values.Sum(c => c.Length)} test classes without a database");

var workers = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new TestRun(repository, Path.Combine(tests, "bin", configuration, "net10.0"), "IncidentFox.Core.dll")).ToArray();
try
{
    if (!compiler.TryEmit(null, workers[0].AssemblyPath, out var broken))
        throw new InvalidOperationException($"The unchanged code does not compile here: {broken}");
    var began = Stopwatch.GetTimestamp();
    if (await workers[0].PassesAsync(classes.Values.SelectMany(c => c)) is { Passed: false } failed)
        throw new InvalidOperationException($"The unchanged code does not pass:\n{failed.Output}");
    Console.WriteLine($"the unchanged code passes in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");

    var survivors = new ConcurrentBag<Mutant>();
    var (killed, impossible) = (0, 0);
    await Task.WhenAll(workers.Select(worker => Task.Run(async () =>
    {
        while (mutants.TryDequeue(out var mutant))
        {
            if (!compiler.TryEmit(mutant, worker.AssemblyPath, out _))
                Interlocked.Increment(ref impossible);
            else if ((await worker.PassesAsync(classes[mutant.Tests])).Passed)
            {
                survivors.Add(mutant);
                Console.WriteLine($"survived  {mutant}");
            }
            else
                Interlocked.Increment(ref killed);
        }
    })));
    var score = (double)killed / Math.Max(1, killed + survivors.Count);
    Console.WriteLine($"{killed} of {killed + survivors.Count} mutants were noticed: {score:P1} ({impossible} more do not compile)");
    return score >= Goal ? 0 : 1;
}
finally
{
    foreach (var worker in workers)
        worker.Remove();
}
