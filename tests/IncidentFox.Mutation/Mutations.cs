using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace IncidentFox.Mutation;

/// <summary>
/// Finds every change that could be a mistake of whoever wrote the code: another comparison, a condition the wrong way round, a call or a member that is
/// missing. Words for people are left alone, and so is what throws: neither decides.
/// </summary>
internal sealed class Mutations(string file, string tests) : CSharpSyntaxWalker
{
    private static readonly Dictionary<SyntaxKind, string[]> Operators = new()
    {
        [SyntaxKind.EqualsExpression] = ["!="], [SyntaxKind.NotEqualsExpression] = ["=="],
        [SyntaxKind.LessThanExpression] = ["<=", ">="], [SyntaxKind.LessThanOrEqualExpression] = ["<", ">"],
        [SyntaxKind.GreaterThanExpression] = [">=", "<="], [SyntaxKind.GreaterThanOrEqualExpression] = [">", "<"],
        [SyntaxKind.LogicalAndExpression] = ["||"], [SyntaxKind.LogicalOrExpression] = ["&&"],
        [SyntaxKind.AddExpression] = ["-"], [SyntaxKind.SubtractExpression] = ["+"],
    };

    private static readonly Dictionary<string, string> Calls = new(StringComparer.Ordinal)
    {
        ["Any"] = "All", ["All"] = "Any", ["Max"] = "Min", ["Min"] = "Max", ["Exists"] = "TrueForAll", ["TrueForAll"] = "Exists",
    };

    private static readonly HashSet<string> Steps = ["Where", "Distinct", "DistinctBy", "Concat", "Except", "OrderBy", "OrderByDescending", "DeepClone"];

    private readonly List<Mutant> _found = [];

    /// <summary>Every mutant of a file.</summary>
    public static IReadOnlyList<Mutant> Of(string file, string tests, SyntaxTree tree)
    {
        var mutations = new Mutations(file, tests);
        mutations.Visit(tree.GetRoot());
        return mutations._found;
    }

    public override void VisitBinaryExpression(BinaryExpressionSyntax node)
    {
        foreach (var other in Operators.GetValueOrDefault(node.Kind(), []))
            Add(node.OperatorToken, other, $"{node.OperatorToken} becomes {other} in {Short(node)}");
        if (node.IsKind(SyntaxKind.CoalesceExpression) && node.Right is not ThrowExpressionSyntax)
            Add(node, node.Right.ToString(), $"{Short(node)} becomes {Short(node.Right)}");
        base.VisitBinaryExpression(node);
    }

    public override void VisitPrefixUnaryExpression(PrefixUnaryExpressionSyntax node)
    {
        if (node.IsKind(SyntaxKind.LogicalNotExpression))
            Add(node, node.Operand.ToString(), $"{Short(node)} without !");
        base.VisitPrefixUnaryExpression(node);
    }

    public override void VisitLiteralExpression(LiteralExpressionSyntax node)
    {
        if (node.IsKind(SyntaxKind.TrueLiteralExpression) || node.IsKind(SyntaxKind.FalseLiteralExpression))
            Add(node, node.IsKind(SyntaxKind.TrueLiteralExpression) ? "false" : "true", $"{node} the other way round");
        else if (node.Token.Value is int number)
            Add(node, (number + 1).ToString(System.Globalization.CultureInfo.InvariantCulture), $"{number} becomes {number + 1} in {Short(node.Parent!)}");
    }

    public override void VisitIsPatternExpression(IsPatternExpressionSyntax node)
    {
        Add(node, $"!({node})", $"not {Short(node)}");
        base.VisitIsPatternExpression(node);
    }

    public override void VisitConditionalExpression(ConditionalExpressionSyntax node)
    {
        Add(node.Condition, $"!({node.Condition})", $"{Short(node.Condition)} ? the other way round");
        base.VisitConditionalExpression(node);
    }

    public override void VisitIfStatement(IfStatementSyntax node)
    {
        // Its condition may hold more than one mistake; never entering it is one of them.
        Add(node.Condition, $"false && ({node.Condition})", $"if ({Short(node.Condition)}) never");
        base.VisitIfStatement(node);
    }

    public override void VisitWhenClause(WhenClauseSyntax node)
    {
        Add(node.Condition, $"!({node.Condition})", $"when {Short(node.Condition)} the other way round");
        base.VisitWhenClause(node);
    }

    public override void VisitSwitchExpression(SwitchExpressionSyntax node)
    {
        foreach (var arm in node.Arms.Where(a => a.Pattern is not DiscardPatternSyntax || a.WhenClause is not null))
        {
            if (arm.Expression is not ThrowExpressionSyntax)
                Add(arm, node.Arms.Count == 1 ? arm.ToString() : "", $"without the case {Short(arm)}", andComma: true);
        }
        base.VisitSwitchExpression(node);
    }

    public override void VisitExpressionStatement(ExpressionStatementSyntax node)
    {
        Add(node, ";", $"without {Short(node)}");
        base.VisitExpressionStatement(node);
    }

    public override void VisitInitializerExpression(InitializerExpressionSyntax node)
    {
        if (node.IsKind(SyntaxKind.ObjectInitializerExpression))
        {
            foreach (var member in node.Expressions)
                Add(member, "", $"without {Short(member)}", andComma: true);
        }
        base.VisitInitializerExpression(node);
    }

    public override void VisitInvocationExpression(InvocationExpressionSyntax node)
    {
        if (node.Expression is MemberAccessExpressionSyntax { Name: var name, Expression: var on })
        {
            if (Calls.TryGetValue(name.Identifier.Text, out var other))
                Add(name.Identifier, other, $"{name.Identifier} becomes {other} in {Short(node)}");
            if (Steps.Contains(name.Identifier.Text))
                Add(node, on.ToString(), $"without .{name.Identifier}() in {Short(node)}");
        }
        base.VisitInvocationExpression(node);
    }

    public override void VisitThrowExpression(ThrowExpressionSyntax node)
    {
        // Words, and a kind of exception.
    }

    public override void VisitThrowStatement(ThrowStatementSyntax node)
    {
        // The same.
    }

    public override void VisitInterpolatedStringExpression(InterpolatedStringExpressionSyntax node)
    {
        // Words.
    }

    public override void VisitAttributeList(AttributeListSyntax node)
    {
        // Nothing that decides.
    }

    private void Add(SyntaxNodeOrToken at, string replacement, string what, bool andComma = false)
    {
        var span = at.Span;
        if (andComma && at.AsNode()!.GetLastToken().GetNextToken() is { } comma && comma.IsKind(SyntaxKind.CommaToken))
            span = Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(span.Start, comma.Span.End);
        _found.Add(new Mutant(file, tests, at.GetLocation()!.GetLineSpan().StartLinePosition.Line + 1, span, replacement, what));
    }

    private static string Short(SyntaxNode node)
    {
        var text = string.Join(' ', node.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 90 ? text : text[..90] + "…";
    }
}
