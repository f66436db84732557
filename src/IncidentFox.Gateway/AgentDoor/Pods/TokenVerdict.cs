namespace IncidentFox.Gateway.AgentDoor.Pods;

/// <summary>Why a caller is refused.</summary>
/// <param name="Status">Of HTTP.</param>
/// <param name="Code">Machine-readable.</param>
/// <param name="Sentence">For the caller: nothing that it does not know.</param>
/// <param name="IsSuspicious">No working agent gets here: people are told.</param>
internal sealed record PodRefusal(int Status, string Code, string Sentence, bool IsSuspicious = false);

/// <summary>What the API server says of a token: the pod that it is bound to, or why it is refused.</summary>
internal sealed record TokenVerdict(string PodName, string PodUid, PodRefusal? Refusal)
{
    public static TokenVerdict Refuse(int status, string code, string sentence, bool isSuspicious = false) => new("", "", new(status, code, sentence, isSuspicious));
}
