using System.Globalization;

namespace IncidentFox.Bot.Sandboxes.Conformance;

/// <summary>Nothing but its door answers.</summary>
internal sealed class CagedCheck : IConformanceCheck
{
    public string Name => "caged";

    public string Proves => "Nothing outside answers: not this machine, the API server, the metadata address, name servers, another sandbox or the internet.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.LookAsync(ct);
        if (ended.Reports.Of("reach") is not { } reach || reach.Names("reached") is not { } reached)
        {
            return Finding.Failed($"Its agent did not say what it reached: {ended.How}");
        }

        return reached.Count > 0
            ? Finding.Failed($"It reached {string.Join(", ", reached)}. Check that the network enforces NetworkPolicies.")
            : Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"{reach.Number("tried")} addresses out of reach, {reach.Number("told")} of them known to answer, after {reach.Number("after_ms")} ms"));
    }
}

/// <summary>It is nobody, and can't become somebody.</summary>
internal sealed class NonRootCheck : IConformanceCheck
{
    public string Name => "non-root";

    public string Proves => "Its agent is not root, has no capability and can't gain any.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.LookAsync(ct);
        if (ended.Reports.Of("look") is not { } look)
        {
            return Finding.Failed($"Its agent did not say who it is: {ended.How}");
        }

        var wrong = new List<string>();
        Check(look.Text("uid") is { Length: > 0 } and not "0", $"user {look.Text("uid")}");
        Check(look.Text("gid") is { Length: > 0 } and not "0", $"group {look.Text("gid")}");
        Check(IsZero(look.Text("capabilities")), $"capabilities {look.Text("capabilities")}");
        Check(look.Flag("no_new_privileges"), "new privileges can be gained");
        return wrong.Count > 0 ? Finding.Failed($"It has: {string.Join(", ", wrong)}.") : Finding.Ok($"user {look.Text("uid")}, group {look.Text("gid")}, no capabilities");

        void Check(bool holds, string what)
        {
            if (!holds)
            {
                wrong.Add(what);
            }
        }
    }

    private static bool IsZero(string mask) => ulong.TryParse(mask, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var bits) && bits == 0;
}

/// <summary>It can change nothing.</summary>
internal sealed class ReadOnlyCheck : IConformanceCheck
{
    private const string Scratch = "/tmp/incidentfox-check";

    /// <summary>Where it tries to write: everything but the last must be refused.</summary>
    public static IReadOnlyList<string> Paths { get; } =
    [
        "/incidentfox-check", "/agent", "/etc/incidentfox-check", "/usr/incidentfox-check", "/var/incidentfox-check", "/var/tmp/incidentfox-check", "/home/incidentfox-check", "/run/incidentfox-check",
        "/run/incidentfox/incidentfox-check", "/var/run/incidentfox/incidentfox-check", "/dev/shm/incidentfox-check", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", Scratch,
    ];

    public string Name => "read-only";

    public string Proves => "Its agent can write to /tmp and nowhere else.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.LookAsync(ct);
        if (ended.Reports.Of("write")?.Names("written") is not { } written)
        {
            return Finding.Failed($"Its agent did not say what it could write: {ended.How}");
        }

        // What is memory of its own counts as its memory.
        var wrong = written.Except([Scratch, "/dev/shm/incidentfox-check"]).ToList();
        return wrong.Count > 0 ? Finding.Failed($"It could write {string.Join(", ", wrong)}.")
            : !written.Contains(Scratch) ? Finding.Failed("It could not write to /tmp, which it needs.")
            : Finding.Ok($"{Paths.Count - 1} places refused, /tmp written");
    }
}

/// <summary>There is nothing to steal.</summary>
internal sealed class NoSecretsCheck : IConformanceCheck
{
    public string Name => "no secrets";

    public string Proves => "No variable and no file looks like a secret, and there is no token for the Kubernetes API.";

    public async Task<Finding> RunAsync(ConformanceRun run, CancellationToken ct)
    {
        var ended = await run.LookAsync(ct);
        if (ended.Reports.Of("look") is not { } look || look.Names("secret_files") is not { } files || look.Names("secret_variables") is not { } variables)
        {
            return Finding.Failed($"Its agent did not say what it found: {ended.How}");
        }

        var found = files.Concat(variables.Select(v => $"variable {v}")).Concat(look.Flag("api_token") ? ["a token for the Kubernetes API"] : Array.Empty<string>()).ToList();
        return found.Count > 0
            ? Finding.Failed($"It found: {string.Join(", ", found)}.")
            : Finding.Ok(string.Create(CultureInfo.InvariantCulture, $"{look.Number("variables")} variables and {look.Number("files")} files looked through"));
    }
}
