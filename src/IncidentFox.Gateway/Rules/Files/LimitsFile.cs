namespace IncidentFox.Gateway.Rules.Files;

// Limits as one file writes them: what it leaves out is what it extends says, or the default.
internal sealed record LimitsFile
{
    public long? ResponseBytes { get; init; }
    public long? TimeoutSeconds { get; init; }
    public long? FirstByteSeconds { get; init; }
    public long? ConnectSeconds { get; init; }
    public long? Concurrent { get; init; }
    public long? PerSecond { get; init; }
    public long? PerSandboxConcurrent { get; init; }
    public long? PerSandboxPerSecond { get; init; }

    public static LimitsFile Read(YamlMap? map)
    {
        if (map is null)
            return new();
        var read = new LimitsFile
        {
            ResponseBytes = map.Integer("response_bytes", 1_024, 64 * 1024 * 1024),
            TimeoutSeconds = map.Integer("timeout_seconds", 1, 300),
            FirstByteSeconds = map.Integer("first_byte_seconds", 1, 300),
            ConnectSeconds = map.Integer("connect_seconds", 1, 60),
            Concurrent = map.Integer("concurrent", 1, 10_000),
            PerSecond = map.Integer("per_second", 1, 1_000_000),
            PerSandboxConcurrent = map.Integer("per_sandbox_concurrent", 1, 10_000),
            PerSandboxPerSecond = map.Integer("per_sandbox_per_second", 1, 1_000_000),
        };
        map.Done();
        return read;
    }

    public static bool? ScrubForeign(YamlMap? map)
    {
        var foreign = map?.Boolean("foreign");
        map?.Done();
        return foreign;
    }

    public LimitSettings Over(LimitsFile? below)
    {
        var standard = new LimitSettings();
        return new LimitSettings
        {
            ResponseBytes = ResponseBytes ?? below?.ResponseBytes ?? standard.ResponseBytes,
            Timeout = Seconds(TimeoutSeconds ?? below?.TimeoutSeconds) ?? standard.Timeout,
            FirstByteTimeout = Seconds(FirstByteSeconds ?? below?.FirstByteSeconds),
            ConnectTimeout = Seconds(ConnectSeconds ?? below?.ConnectSeconds) ?? standard.ConnectTimeout,
            Concurrent = (int)(Concurrent ?? below?.Concurrent ?? standard.Concurrent),
            PerSecond = (int)(PerSecond ?? below?.PerSecond ?? standard.PerSecond),
            PerSandboxConcurrent = (int)(PerSandboxConcurrent ?? below?.PerSandboxConcurrent ?? standard.PerSandboxConcurrent),
            PerSandboxPerSecond = (int)(PerSandboxPerSecond ?? below?.PerSandboxPerSecond ?? standard.PerSandboxPerSecond),
        };
    }

    private static TimeSpan? Seconds(long? seconds) => seconds is { } s ? TimeSpan.FromSeconds(s) : null;
}
