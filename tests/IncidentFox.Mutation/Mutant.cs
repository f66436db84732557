using Microsoft.CodeAnalysis.Text;

namespace IncidentFox.Mutation;

/// <summary>One small change of one file.</summary>
/// <param name="File">The source file.</param>
/// <param name="Tests">Whose tests must notice.</param>
/// <param name="Line">From 1.</param>
/// <param name="Span">What is replaced.</param>
/// <param name="Replacement">By what.</param>
/// <param name="What">For people.</param>
internal sealed record Mutant(string File, string Tests, int Line, TextSpan Span, string Replacement, string What)
{
    public override string ToString() => $"{System.IO.Path.GetFileName(File)}:{Line}: {What}";
}
