using IncidentFox.Core;
using IncidentFox.Core.Approvals;

namespace IncidentFox.Bot.Buttons;

/// <summary>
/// What an approval card's buttons carry: which approval, and the start of the digest that was on the card. It passes through the person's client
/// and decides nothing by itself: the database is asked about both.
/// </summary>
public readonly record struct CardValue(ApprovalId Id, string DigestPrefix)
{
    private const int PrefixBytes = 8;

    /// <summary>The value of this approval's current card.</summary>
    public static CardValue Of(Approval approval) => new(approval.Id, Prefix(approval.Digest));

    /// <summary>Is this what is to be decided now?</summary>
    public bool Matches(Approval approval) => approval.Id == Id && DigestPrefix == Prefix(approval.Digest);

    /// <summary>Parses the button's value, strictly.</summary>
    public static bool TryParse(string? text, out CardValue value)
    {
        value = default;
        var parts = text?.Split(':');
        if (parts is not [var id, { Length: PrefixBytes * 2 } prefix] || !ApprovalId.TryParse(id, out var approval))
            return false;
        value = new CardValue(approval, prefix);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() => $"{Id}:{DigestPrefix}";

    private static string Prefix(byte[] digest) => Convert.ToHexStringLower(digest.AsSpan(0, PrefixBytes));
}
