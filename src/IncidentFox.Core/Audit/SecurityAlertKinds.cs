namespace IncidentFox.Core.Audit;

/// <summary>What a sandbox may try that no working agent does. Written as <c>kind</c> into <c>security_alert</c> rows.</summary>
public static class SecurityAlertKinds
{
    /// <summary>It named an integration or a tool that only another team has.</summary>
    public const string OtherTeam = "other_team";

    /// <summary>It asked for an approval of another investigation.</summary>
    public const string OtherApproval = "other_approval";

    /// <summary>It went on after its investigation had ended or was stopped, longer than the end takes to reach it.</summary>
    public const string CallAfterEnd = "call_after_end";

    /// <summary>It said that it is somebody: who it is, is known by its connection alone.</summary>
    public const string ForgedIdentity = "forged_identity";

    /// <summary>Its hello shows no cage, or it asked for things before it had shown one.</summary>
    public const string NotCaged = "not_caged";

    /// <summary>Somebody showed a sandbox's token from elsewhere, one of a pod that is gone, or one that is nobody's.</summary>
    public const string StolenIdentity = "stolen_identity";

    /// <summary>A sentence for people.</summary>
    public static string Sentence(string kind) => kind switch
    {
        OtherTeam => "A sandbox named an integration or tool of another team. It was refused and told nothing.",
        OtherApproval => "A sandbox asked for an approval of another investigation. It was refused and told nothing.",
        CallAfterEnd => "A sandbox went on calling after its investigation was over. Nothing was sent.",
        ForgedIdentity => "A sandbox claimed an identity in a header. It was refused.",
        StolenIdentity => "Somebody came to the sandboxes' door with an identity that is not theirs, or is over. They were refused and told nothing.",
        NotCaged => "A sandbox did not show that it is caged, or asked before it had shown it. It was given nothing.",
        _ => "A sandbox did what no working agent does. It was refused.",
    };
}
