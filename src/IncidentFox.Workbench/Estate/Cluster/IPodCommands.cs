namespace IncidentFox.Workbench.Estate.Cluster;

/// <summary>Finds what runs in a pod's container, for commands that are run beside it.</summary>
internal interface IPodCommands
{
    /// <summary>Null when nothing runs there.</summary>
    IContainerProcess? ProcessOf(string podUid);
}

/// <summary>A container that has more programs than the one it runs.</summary>
internal interface ICommandRunner
{
    /// <summary>Starts a program; false when the container has none of that name.</summary>
    /// <param name="command">The program and its arguments: no shell looks at them.</param>
    /// <param name="running">Ends with the program.</param>
    /// <param name="cancellationToken">Nobody listens any more.</param>
    bool TryRun(IReadOnlyList<string> command, out Task<CommandResult> running, CancellationToken cancellationToken);
}

internal sealed record CommandResult(int ExitCode, byte[] Output, byte[] Errors)
{
    public static CommandResult Of(string output, int exitCode = 0) => new(exitCode, System.Text.Encoding.UTF8.GetBytes(output), []);
}
