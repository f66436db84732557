using System.Runtime.CompilerServices;
using IncidentFox.Gateway.Rules;

namespace IncidentFox.Gateway.Sending;

/// <summary>
/// An integration as it was loaded, and for whom: told from others at once, where comparing all that makes it what it is takes time at every
/// call. What is kept by it is a short-cut only, forgotten at every sweep: after a reload the same integration is another one.
/// </summary>
internal readonly struct Loaded<T>(Integration integration, T user) : IEquatable<Loaded<T>>
    where T : struct, IEquatable<T>
{
    private readonly Integration _integration = integration;
    private readonly T _user = user;

    public bool Equals(Loaded<T> other) => ReferenceEquals(_integration, other._integration) && _user.Equals(other._user);

    public override bool Equals(object? obj) => obj is Loaded<T> other && Equals(other);

    public override int GetHashCode() => (RuntimeHelpers.GetHashCode(_integration) * 31) + _user.GetHashCode();
}
