using Microsoft.Extensions.Logging;

namespace IncidentFox.Secrets;

/// <summary>One question to a source within a time limit, told to every observer before its answer is given. Never throws.</summary>
internal sealed class SecretFetcher(
    IReadOnlyDictionary<SecretScheme, ISecretSource> sources,
    IReadOnlyList<ISecretObserver> observers,
    SecretsOptions options,
    TimeProvider time,
    ILogger<SecretStore> logger)
{
    public Task<SecretResult> FetchAsync(SecretReference reference, SecretPurpose? purpose, SecretFetchCause cause, CancellationToken stopping) =>
        RecordedAsync(reference, purpose, cause, () => AskAsync(reference, stopping));

    /// <summary>Records that somebody wanted a secret that is reserved for others. No store is asked.</summary>
    public Task<SecretResult> RefuseAsync(SecretReference reference, SecretPurpose? purpose, string reason) =>
        RecordedAsync(reference, purpose, SecretFetchCause.Reserved, () => Task.FromResult(SecretResult.Denied(reason)));

    private async Task<SecretResult> RecordedAsync(SecretReference reference, SecretPurpose? purpose, SecretFetchCause cause, Func<Task<SecretResult>> ask)
    {
        var at = time.GetUtcNow();
        var started = time.GetTimestamp();
        var answer = await ask();
        return await RecordAsync(answer, new SecretFetch
        {
            Reference = reference,
            Cause = cause,
            Purpose = purpose,
            Outcome = answer.Outcome,
            Reason = answer.Reason,
            Version = answer.Value?.Version,
            At = at,
            Duration = time.GetElapsedTime(started),
        });
    }

    private async Task<SecretResult> AskAsync(SecretReference reference, CancellationToken stopping)
    {
        if (!sources.TryGetValue(reference.Scheme, out var source))
        {
            return SecretResult.Denied($"No source for {reference.Scheme} secrets is set up here, so {reference} cannot be read.");
        }

        using var limit = new CancellationTokenSource(options.FetchTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopping);
        try
        {
            return await source.FetchAsync(reference, either.Token).AsTask().WaitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return SecretResult.Unavailable(stopping.IsCancellationRequested
                ? "The gateway is stopping."
                : $"{reference} did not arrive in time (at most {options.FetchTimeout.TotalSeconds:0} s): check that its store can be reached from here.");
        }
        catch (Exception e)
        {
            // The type only: a message or an inner exception may quote what was being read.
            Log.SourceFailed(logger, reference, e.GetType().Name);
            return SecretResult.Unavailable($"Reading {reference} failed ({e.GetType().Name}).");
        }
    }

    private async Task<SecretResult> RecordAsync(SecretResult answer, SecretFetch fetch)
    {
        using var limit = new CancellationTokenSource(options.FetchTimeout, time);
        try
        {
            foreach (var observer in observers)
            {
                await observer.FetchedAsync(fetch, limit.Token).AsTask().WaitAsync(limit.Token);
            }

            return answer;
        }
        catch (Exception e)
        {
            Log.NotRecorded(logger, fetch.Reference, e.GetType().Name);
            if (answer.Value is null)
            {
                return answer;   // a "no" is obeyed all the same
            }

            return SecretResult.Unavailable($"The fetch of {fetch.Reference} could not be recorded, so its value is not used: check the audit database.");
        }
    }
}

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "Reading {Reference} failed with {ExceptionType}")]
    public static partial void SourceFailed(ILogger logger, SecretReference reference, string exceptionType);

    [LoggerMessage(2, LogLevel.Error, "The fetch of {Reference} could not be recorded ({ExceptionType}); its value is not used")]
    public static partial void NotRecorded(ILogger logger, SecretReference reference, string exceptionType);
}
