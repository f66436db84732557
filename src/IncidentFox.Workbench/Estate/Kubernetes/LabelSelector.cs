using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>`labelSelector=app=checkout,tier!=x,env in (a,b),!old`</summary>
internal sealed class LabelSelector
{
    private readonly List<Requirement> _requirements = [];

    public bool IsEmpty => _requirements.Count == 0;

    public static LabelSelector Parse(string text)
    {
        var selector = new LabelSelector();
        var tokens = new Tokens(text);
        if (tokens.Peek().Length == 0)
        {
            return selector;
        }

        do
        {
            selector._requirements.Add(ParseRequirement(tokens));
        }
        while (tokens.TryTake(","));

        if (tokens.Peek().Length > 0)
        {
            throw ApiException.BadRequest($"found '{tokens.Peek()}', expected: ',' or 'end of string'");
        }

        return selector;
    }

    /// <summary>The selector of an object: its `matchLabels`.</summary>
    public static LabelSelector FromMatchLabels(JsonNode? matchLabels)
    {
        var selector = new LabelSelector();
        foreach (var (key, value) in matchLabels as JsonObject ?? [])
        {
            selector._requirements.Add(new(key, Operator.In, [value.Text() ?? ""]));
        }

        return selector;
    }

    public bool Matches(JsonObject o)
    {
        var labels = o.At("metadata", "labels");
        return _requirements.TrueForAll(r => r.Matches(labels.Text(r.Key)));
    }

    private static Requirement ParseRequirement(Tokens tokens)
    {
        if (tokens.TryTake("!"))
        {
            return new(TakeIdentifier(tokens), Operator.Absent, []);
        }

        var key = TakeIdentifier(tokens);
        switch (tokens.Peek())
        {
            case "" or ",":
                return new(key, Operator.Present, []);
            case "=" or "==":
                tokens.Take();
                return new(key, Operator.In, [TakeValue(tokens)]);
            case "!=":
                tokens.Take();
                return new(key, Operator.NotIn, [TakeValue(tokens)]);
            case "in" or "notin":
                var isIn = tokens.Take() == "in";
                return new(key, isIn ? Operator.In : Operator.NotIn, TakeSet(tokens));
            default:
                throw ApiException.BadRequest($"found '{tokens.Peek()}', expected: in, notin, =, ==, !=, gt, lt");
        }
    }

    private static string TakeIdentifier(Tokens tokens)
    {
        if (Tokens.IsOperator(tokens.Peek()))
        {
            throw ApiException.BadRequest($"found '{tokens.Peek()}', expected: !, identifier, or 'end of string'");
        }

        return tokens.Take();
    }

    /// <summary>A value may be empty: `app=`.</summary>
    private static string TakeValue(Tokens tokens) => Tokens.IsOperator(tokens.Peek()) ? "" : tokens.Take();

    private static string[] TakeSet(Tokens tokens)
    {
        if (!tokens.TryTake("("))
        {
            throw ApiException.BadRequest($"found '{tokens.Peek()}', expected: '('");
        }

        var values = new List<string>();
        do
        {
            values.Add(TakeValue(tokens));
        }
        while (tokens.TryTake(","));

        if (!tokens.TryTake(")"))
        {
            throw ApiException.BadRequest($"found '{tokens.Peek()}', expected: ',', ')' or identifier");
        }

        return [.. values];
    }

    private enum Operator
    {
        Present,
        Absent,
        In,
        NotIn,
    }

    private sealed record Requirement(string Key, Operator Operator, string[] Values)
    {
        public bool Matches(string? value) => Operator switch
        {
            Operator.Present => value is not null,
            Operator.Absent => value is null,
            Operator.In => value is not null && Values.Contains(value),
            _ => value is null || !Values.Contains(value), // a label that is not there differs from every value
        };
    }

    private sealed class Tokens(string text)
    {
        private const string Special = "=!(),";
        private int _position;

        public static bool IsOperator(string token) => token is "" or "," or "(" or ")" or "=" or "==" or "!=" or "!";

        public string Peek()
        {
            var before = _position;
            var token = Take();
            _position = before;
            return token;
        }

        public bool TryTake(string token)
        {
            if (Peek() != token)
            {
                return false;
            }

            Take();
            return true;
        }

        public string Take()
        {
            while (_position < text.Length && char.IsWhiteSpace(text[_position]))
            {
                _position++;
            }

            var start = _position;
            if (start == text.Length)
            {
                return "";
            }

            if (Special.Contains(text[start]))
            {
                var isPair = text[start] is '=' or '!' && start + 1 < text.Length && text[start + 1] == '=';
                _position += isPair ? 2 : 1;
            }
            else
            {
                while (_position < text.Length && !Special.Contains(text[_position]) && !char.IsWhiteSpace(text[_position]))
                {
                    _position++;
                }
            }

            return text[start.._position];
        }
    }
}
