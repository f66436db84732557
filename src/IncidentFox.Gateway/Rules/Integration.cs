using System.Text.Json.Nodes;
using IncidentFox.Core;

namespace IncidentFox.Gateway.Rules;

/// <summary>One target that the gateway may talk to on behalf of a team: where it is, who to be there, and what may be said to it.</summary>
public sealed record Integration
{
    /// <summary>Its name within the team: 1 to 40 of <c>a-z 0-9 _ -</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it is, for people and models.</summary>
    public required string Description { get; init; }

    /// <summary>The only team that may use it; null: every team of this installation.</summary>
    public TeamId? Team { get; init; }

    /// <summary>Scheme, host, port and, where the target lives below one, a path without a trailing slash.</summary>
    public required Uri BaseUrl
    {
        get;
        init => (field, Origin) = (value, value.GetLeftPart(UriPartial.Authority));
    }

    /// <summary>Scheme, host and port, as a frozen request holds it.</summary>
    public string Origin { get; private init; } = "";

    /// <summary>How the gateway shows who it is.</summary>
    public required AuthSettings Auth { get; init; }

    /// <summary>Which addresses it may resolve to.</summary>
    public required NetworkSettings Network { get; init; }

    /// <summary>How much and how long.</summary>
    public required LimitSettings Limits { get; init; }

    /// <summary>How it says that it does not accept the credential, besides 401.</summary>
    public RefusalSettings Refusal { get; init; } = RefusalSettings.Plain;

    /// <summary>What is taken out of answers.</summary>
    public ScrubSettings Scrub { get; init; } = new();

    /// <summary>All that may be said to it. What no rule allows is refused.</summary>
    public required IReadOnlyList<ToolRule> Rules { get; init; }

    /// <summary>Where the vendor describes what the rules say (https).</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Which credential to create, with the least it needs; null when the files do not say.</summary>
    public string? CredentialHint { get; init; }

    /// <summary>The read that shows that address and credential work; null: none is declared.</summary>
    public Probe? Probe { get; init; }

    /// <summary>How to learn who is on call; null: it does not know.</summary>
    public OnCallSettings? OnCall { get; init; }

    /// <summary>The values of its settings, which the rules hold already.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The rule of a tool; null when this integration has none of that name.</summary>
    public ToolRule? FindRule(string tool) => Rules.FirstOrDefault(r => r.Tool == tool);
}

/// <summary>How an integration is asked who is on call.</summary>
/// <param name="Tool">A read of the same integration.</param>
/// <param name="Arguments">Its arguments; <c>{schedule}</c> is the schedule's id.</param>
/// <param name="People">JSON pointer to the list of those on call now.</param>
/// <param name="Person">A read for each of them, where the list has ids only; null: the list says it all.</param>
/// <param name="Email">JSON pointer to the e-mail address, in an item of the list or in the answer of <paramref name="Person"/>.</param>
public sealed record OnCallSettings(string Tool, JsonObject Arguments, string People, OnCallPerson? Person, string Email);

/// <summary>A read of one person.</summary>
/// <param name="Id">JSON pointer to the id, in an item of the list.</param>
/// <param name="Tool">A read of the same integration.</param>
/// <param name="Arguments">Its arguments; <c>{person}</c> is the id.</param>
public sealed record OnCallPerson(string Id, string Tool, JsonObject Arguments);

/// <summary>A harmless read.</summary>
/// <param name="Tool">A read of the same integration.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record Probe(string Tool, JsonObject Arguments);

/// <summary>Which addresses the integration's host may resolve to, and whom to believe there.</summary>
public sealed record NetworkSettings
{
    /// <summary>Loopback, link-local, metadata and private addresses are refused unless they are in one of these.</summary>
    public IReadOnlyList<System.Net.IPNetwork> AllowedRanges
    {
        get;
        init => (field, Ranges) = (value, string.Join(',', value));
    } = [];

    /// <summary><see cref="AllowedRanges"/> in one text: two that are the same have the same.</summary>
    internal string Ranges { get; private init; } = "";

    /// <summary>PEM file with the certificate authorities to trust instead of the system's; null: the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The oldest TLS that is spoken.</summary>
    public MinTls MinTls { get; init; }

    /// <summary>The name to ask for and to be shown a certificate of, when it is not the host's (a tunnel, a load balancer's address); null: the host's.</summary>
    public string? ServerName { get; init; }
}

/// <summary>Versions of TLS. There is no older one, and no way to do without checking a certificate.</summary>
public enum MinTls
{
    /// <summary>1.2 (RFC 5246) or 1.3.</summary>
    Tls12,

    /// <summary>1.3 (RFC 8446) only.</summary>
    Tls13,
}

/// <summary>How much and how long.</summary>
public sealed record LimitSettings
{
    /// <summary>Most bytes of a response that are passed on; a longer one is cut off with an error. 1 KiB to 64 MiB.</summary>
    public long ResponseBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>From the first byte sent to the last one received. 1 to 300 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>To the first byte of the answer; null: as long as all of it may take. 1 to 300 s.</summary>
    public TimeSpan? FirstByteTimeout { get; init; }

    /// <summary>For a connection, TLS included. 1 to 60 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Calls under way at once, of all sandboxes. As many again may wait, for a second at most.</summary>
    public int Concurrent { get; init; } = 32;

    /// <summary>Calls per second, of all sandboxes; four seconds' worth may come at once.</summary>
    public int PerSecond { get; init; } = 100;

    /// <summary>Calls under way at once, of one sandbox.</summary>
    public int PerSandboxConcurrent { get; init; } = 8;

    /// <summary>Calls per second, of one sandbox; four seconds' worth may come at once.</summary>
    public int PerSandboxPerSecond { get; init; } = 20;
}

/// <summary>What is taken out of answers, besides the secrets of the call itself, which always are.</summary>
public sealed record ScrubSettings
{
    /// <summary>Whatever looks like somebody's credential: keys of clouds, private keys, tokens, passwords in connection strings. Best effort.</summary>
    public bool Foreign { get; init; } = true;
}

/// <summary>How a target says that it does not accept a credential where 401 (RFC 9110, 15.5.2) is not its way, or not its only one.</summary>
public sealed record RefusalSettings
{
    /// <summary>With 401 alone.</summary>
    public static RefusalSettings Plain { get; } = new();

    /// <summary>Statuses that mean it, besides 401.</summary>
    public IReadOnlyList<int> Statuses { get; init; } = [];

    /// <summary>JSON pointer (RFC 6901) into a 2xx answer; null: such an answer never means it.</summary>
    public string? Pointer { get; init; }

    /// <summary>The texts that mean it there.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    /// <summary>True: as AWS does, by a code in an answer of 400 or 403. So it is with every integration whose requests are signed for AWS.</summary>
    public bool Signature { get; init; }
}
