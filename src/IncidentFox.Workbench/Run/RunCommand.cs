using System.CommandLine;
using IncidentFox.Workbench.Estate.Faults;
using IncidentFox.Workbench.Stack;

namespace IncidentFox.Workbench.Run;

/// <summary><c>incidentfox-workbench run</c>: the whole product in the foreground until Ctrl+C.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var fault = new Option<string>("--fault") { Description = $"What is broken: {string.Join(", ", DemoFaults.All)}, none or random.", DefaultValueFactory = _ => DemoFaults.Random };
        fault.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<string>() is var name && name is not (DemoFaults.Random or DemoFaults.None) && !DemoFaults.All.Contains(name))
                r.AddError($"There is no fault '{name}': it is one of {string.Join(", ", DemoFaults.All)}, none, random.");
        });
        var data = new Option<DirectoryInfo>("--data") { Description = "Where everything is written.", DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(Installed.Repository, ".data")) };
        var port = new Option<int>("--port") { Description = "Of the workspace's page.", DefaultValueFactory = _ => 5080 };
        var driver = new Option<string>("--driver") { Description = "Sandboxes: auto, gvisor or bubblewrap.", DefaultValueFactory = _ => "auto" };
        var blind = new Option<bool>("--without-prometheus-credential") { Description = "The gateway has no credential for Prometheus: the report says what it could not see." };
        var socketMode = new Option<bool>("--socket-mode") { Description = "The product dials the workspace instead of being called." };
        var command = new Command("run", "The whole product on this machine, with a page to try it.") { fault, data, port, driver, blind, socketMode };
        command.SetAction((parse, ct) => RunAsync(new StackOptions
        {
            DataDirectory = parse.GetValue(data)!.FullName,
            Fault = parse.GetValue(fault)!,
            SlackPort = parse.GetValue(port),
            SandboxDriver = parse.GetValue(driver)!,
            PrometheusCredential = !parse.GetValue(blind),
            SocketMode = parse.GetValue(socketMode),
            RealSlack = RealSlackSettings.Read(),
            Say = text => Console.WriteLine($"starting {text}"),
        }, ct));
        return command;
    }

    private static async Task<int> RunAsync(StackOptions options, CancellationToken ct)
    {
        WorkbenchStack stack;
        try
        {
            stack = await WorkbenchStack.StartAsync(options, ct);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException or IOException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
        await using (stack)
        {
            Console.WriteLine();
            Console.WriteLine(stack.Slack is { } slack ? $"ready {slack.Url.GetLeftPart(UriPartial.Authority)}" : "ready in your Slack workspace");
            Console.WriteLine($"""

                Try:  as Omar in #incidents      /incidentfox investigate checkout is returning 5xx
                      as Ada in #sre-approvals   click Approve, and watch the thread
                See:  dotnet run --project src/IncidentFox.Host -- audit tail --follow
                      dotnet run --project src/IncidentFox.Host -- audit verify
                The shop breaks {options.HealthyFor.TotalSeconds:0} s after its start ({stack.Estate.FaultName}). The log is {stack.Files.LogFile}
                Ctrl+C stops everything.

                """);
            var stopped = Task.Delay(Timeout.Infinite, ct).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (await Task.WhenAny(stopped, stack.Product.WaitForExitAsync(CancellationToken.None)) != stopped)
            {
                await Console.Error.WriteLineAsync($"The product ended by itself:\n{stack.Product.Tail}");
                return 1;
            }
            Console.WriteLine("stopping");
        }
        return 0;
    }
}
