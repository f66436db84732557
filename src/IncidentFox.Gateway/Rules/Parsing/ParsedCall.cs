using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules.Parsing;

/// <summary>What a request means: a typed call, or why it is none.</summary>
internal abstract record ParsedCall
{
    private ParsedCall() { }

    /// <summary>A rule allows it. Policy has not spoken yet.</summary>
    public sealed record Call(Integration Integration, ToolRule Rule, ToolCall ToolCall) : ParsedCall
    {
        /// <summary>A body that is passed on as it is; its digest is among the parameters.</summary>
        public byte[]? Opaque { get; init; }
    }

    /// <summary>Nothing will be sent.</summary>
    /// <param name="Code"><c>no_rule, bad_arguments, bad_request, no_credential</c>.</param>
    /// <param name="Sentence">Which rules were searched and what came nearest.</param>
    /// <param name="Tool">The tool that was meant, when that is clear.</param>
    public sealed record Refused(string Code, string Sentence, string? Tool = null) : ParsedCall;

    public static ParsedCall Of(TeamTool tool, CheckedArguments arguments, byte[]? opaque = null)
    {
        if (!tool.HasCredential)
        {
            return new Refused("no_credential",
                $"Tool {tool.Rule.Tool} is not set up: integration {tool.Integration.Name} names no credential for it (auth.{(tool.Rule.Effect == ToolEffect.Read ? "read" : "write")}).",
                tool.Rule.Tool);
        }
        if (tool.Rule.OpaqueBytes is not null && opaque is null)
        {
            return new Refused("bad_arguments",
                $"Tool {tool.Rule.Tool} takes a body that arguments can't hold: send the request through the base-URL door or the proxy door.", tool.Rule.Tool);
        }
        if (arguments.Parameters is null)
            return new Refused("bad_arguments", $"Tool {tool.Rule.Tool} can't be called like this: {string.Join("; ", arguments.Problems)}.", tool.Rule.Tool);
        return new Call(tool.Integration, tool.Rule, new ToolCall
        {
            Integration = tool.Integration.Name,
            Tool = tool.Rule.Tool,
            Effect = tool.Rule.Effect,
            RuleVersion = tool.Rule.Version,
            Parameters = arguments.Parameters,
        })
        { Opaque = opaque };
    }
}
