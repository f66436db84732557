using IncidentFox.Secrets.Http;
using Microsoft.Extensions.Logging;

namespace IncidentFox.Secrets.Vault;

/// <summary>
/// The one token that everything is read with. It is renewed, used or not, when two thirds of its lease have passed; where it can't be
/// renewed any further (not renewable, or its longest life is near) the gateway signs in anew. A failed sign-in is not repeated for some
/// seconds, so that a hundred references don't become a hundred attempts.
/// </summary>
internal sealed class VaultSession : IDisposable
{
    private static readonly TimeSpan PatienceAfterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(30);

    private readonly VaultApi _api;
    private readonly VaultLogin _login;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _renewal;
    private volatile VaultToken? _token;
    private (SecretResult Problem, long At)? _failure;

    public VaultSession(VaultApi api, VaultLogin login, TimeProvider time, ILogger logger)
    {
        (_api, _login, _time, _logger) = (api, login, time, logger);
        _renewal = time.CreateTimer(static self => _ = ((VaultSession)self!).KeepAsync(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A token, or why there is none.</summary>
    /// <param name="refused">The one that Vault just refused: another is wanted.</param>
    /// <param name="cancellationToken">Cancels.</param>
    public async ValueTask<(string? Token, SecretResult? Problem)> TokenAsync(string? refused, CancellationToken cancellationToken)
    {
        if (Usable(refused) is { } ready)
        {
            return (ready, null);
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (Usable(refused) is { } meanwhile)
            {
                return (meanwhile, null);
            }

            if (_failure is { } failed && _time.GetElapsedTime(failed.At) < PatienceAfterFailure)
            {
                return (null, failed.Problem);
            }

            var problem = await SignInAsync(refused, cancellationToken);
            return problem is null ? (_token!.RevealForUse(), null) : (null, problem);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Whether Vault still knows the token. A policy that forbids a path answers like a token that is over.</summary>
    public async Task<bool> IsKnownAsync(string token, CancellationToken cancellationToken) =>
        (await _api.LookUpSelfAsync(token, cancellationToken)).Status != 403;

    private string? Usable(string? refused) => _token is { IsUsable: true } token && (refused is null || !token.Is(refused)) ? token.RevealForUse() : null;

    private async Task<SecretResult?> SignInAsync(string? refused, CancellationToken cancellationToken)
    {
        var (token, problem) = await _login.SignInAsync(refused, cancellationToken);
        if (token is null)
        {
            _failure = (problem!, _time.GetTimestamp());
            Log.NotSignedIn(_logger, problem!.Outcome, problem.Reason);
            return problem;
        }

        _failure = null;
        Keep(token);
        Log.SignedIn(_logger, token.Lease, token.Renewable);
        return null;
    }

    private void Keep(VaultToken token)
    {
        _token = token;
        var worthKeeping = token.Lease > TimeSpan.Zero && (token.Renewable || _login.CanSignInAnew);
        Wake(worthKeeping ? token.Left / 3 * 2 : Timeout.InfiniteTimeSpan);
    }

    // Never throws: it belongs to a timer.
    private async Task KeepAsync()
    {
        try
        {
            await _gate.WaitAsync(_stop.Token);
            try
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30), _time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
                if (_token is { } token)
                {
                    await RenewAsync(token, either.Token);
                }
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            Wake(PatienceAfterFailure);
        }
        catch (Exception e)
        {
            Log.RenewalFailed(_logger, e.GetType().Name);
            Wake(PatienceAfterFailure);
        }
    }

    private async Task RenewAsync(VaultToken token, CancellationToken cancellationToken)
    {
        var from = _time.GetTimestamp();
        var answer = token is { Renewable: true, IsUsable: true } ? await _api.RenewSelfAsync(token.RevealForUse(), cancellationToken) : null;
        if (answer is not null && _login.Granted(answer, from) is { } renewed)
        {
            // Less than was asked for: its longest life is near, and no renewal carries it further.
            if (renewed.Lease >= token.Lease / 2 || renewed.Lease == TimeSpan.Zero || !_login.CanSignInAnew)
            {
                Keep(renewed);
                Log.Renewed(_logger, renewed.Lease);
                return;
            }
        }
        else if (answer is { Status: not (400 or 403) } && token.Left > PatienceAfterFailure)
        {
            Log.RenewalFailed(_logger, answer.ToString());
            Wake(PatienceAfterFailure);   // Vault is busy or away: the token is good for a while yet
            return;
        }

        if (!_login.CanSignInAnew)
        {
            Log.RenewalFailed(_logger, answer?.ToString() ?? "not renewable");
            return;   // it serves out its time; whoever needs one then has its reference read anew
        }

        if (await SignInAsync(null, cancellationToken) is not null && token.IsUsable)
        {
            Wake(PatienceAfterFailure);
        }
    }

    private void Wake(TimeSpan after)
    {
        if (!_stop.IsCancellationRequested)
        {
            _renewal.Change(after > LongestTimer ? LongestTimer : after, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _renewal.Dispose();
        _token = null;
    }
}

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Signed in to Vault; the token's lease is {Lease}, renewable: {Renewable}")]
    public static partial void SignedIn(ILogger logger, TimeSpan lease, bool renewable);

    [LoggerMessage(2, LogLevel.Error, "Not signed in to Vault ({Outcome}): {Reason}")]
    public static partial void NotSignedIn(ILogger logger, SecretOutcome outcome, string reason);

    [LoggerMessage(3, LogLevel.Warning, "The Vault token could not be renewed ({Answer})")]
    public static partial void RenewalFailed(ILogger logger, string answer);

    [LoggerMessage(4, LogLevel.Debug, "The Vault token was renewed; its lease is {Lease}")]
    public static partial void Renewed(ILogger logger, TimeSpan lease);
}
