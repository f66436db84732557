namespace IncidentFox.Gateway.Models;

/// <summary>There is no answer: why, in our words.</summary>
/// <param name="code">Machine-readable.</param>
/// <param name="sentence">For the agent; never the provider's own words.</param>
/// <param name="mayHaveTaken">True when the provider may have worked on it, and charges for it.</param>
internal sealed class ProviderException(string code, string sentence, bool mayHaveTaken) : Exception(sentence)
{
    public string Code { get; } = code;

    public bool MayHaveTaken { get; } = mayHaveTaken;

    public int? UpstreamStatus { get; init; }

    /// <summary>When to come back, seconds.</summary>
    public int? RetryAfter { get; init; }
}
