using System.CommandLine;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Workbench.Smoke;

/// <summary><c>incidentfox-workbench smoke</c>: exit code 0 only if every step was seen.</summary>
internal static class SmokeCommand
{
    public static Command Create()
    {
        var driver = new Option<string>("--driver") { Description = "auto, gvisor or bubblewrap.", DefaultValueFactory = _ => "auto" };
        var command = new Command("smoke", "The main job, headless, against the real pieces; prints the transcript.") { driver };
        command.SetAction((parse, ct) => RunAsync(parse.GetValue(driver)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(string driver, CancellationToken ct)
    {
        var transcript = new Transcript();
        transcript.Heading("Starting");
        var folder = Directory.CreateTempSubdirectory("incidentfox-smoke-").FullName;
        WorkbenchStack? stack = null;
        try
        {
            stack = await WorkbenchStack.StartAsync(new StackOptions
            {
                DataDirectory = folder,
                Ephemeral = true,
                SlackPort = 0,
                SandboxDriver = driver,
                Fault = DemoFaults.StuckPool,
                HealthyFor = TimeSpan.FromSeconds(5),
                Say = transcript.Say,
            }, ct);
            transcript.Say("ready");
            await using var database = new SmokeDatabase(stack.Database.OwnerConnectionString);
            await new SmokeRun(stack, database, transcript).RunAsync(ct);
            transcript.Heading($"Every step was seen: {transcript.Steps} in {transcript.Elapsed.TotalSeconds:0} s");
            return 0;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Console.WriteLine($"\nFAILED after {transcript.Steps} steps: {(e is SmokeException ? e.Message : e)}");
            if (stack is not null && File.Exists(stack.Files.LogFile))
                Console.WriteLine($"\nThe product's log ends with:\n{string.Join('\n', File.ReadLines(stack.Files.LogFile).TakeLast(60))}");
            return 1;
        }
        finally
        {
            if (stack is not null)
                await stack.DisposeAsync();
            else if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }
}
