using System.Globalization;
using System.Security.Cryptography;

namespace IncidentFox.Workbench.SlackWorkspace.Deliveries;

/// <summary>Trigger ids: what lets an app open a modal for a person, once, within three seconds.</summary>
internal sealed class Triggers(SlackDoubleOptions options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, (string Person, DateTimeOffset Ends, bool Used)> issued = [];

    public string Issue(string person)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"{RandomNumberGenerator.GetInt32(100_000_000)}.{RandomNumberGenerator.GetInt32(100_000_000)}.{RandomNumberGenerator.GetHexString(32, lowercase: true)}");
        var now = options.TimeProvider.GetUtcNow();
        lock (gate)
        {
            // Kept for a while after their end: an expired trigger is another error than an unknown one.
            foreach (var old in issued.Where(t => t.Value.Ends < now.AddHours(-1)).Select(t => t.Key).ToList()) issued.Remove(old);
            issued[id] = (person, now + options.Limits.TriggerLifetime, false);
        }

        return id;
    }

    /// <summary>Whose trigger it was, or Slack's error.</summary>
    public (string? Person, string? Error) Redeem(string id)
    {
        lock (gate)
        {
            if (!issued.TryGetValue(id, out var trigger)) return (null, "invalid_trigger_id");
            if (trigger.Used) return (null, "exchanged_trigger_id");
            if (options.TimeProvider.GetUtcNow() > trigger.Ends) return (null, "expired_trigger_id");
            issued[id] = trigger with { Used = true };
            return (trigger.Person, null);
        }
    }
}
