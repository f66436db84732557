using System.Runtime.InteropServices;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>
/// Looks for many byte strings at once, one byte at a time (Aho and Corasick, 1975): every state stands for the longest beginning of
/// a pattern that the bytes read so far end with. Its size is that of its patterns.
/// </summary>
internal sealed class PatternTree
{
    public const int Root = 0;

    private readonly int[] _fromRoot = new int[256];
    private readonly List<Node> _nodes = [default];

    public PatternTree(IEnumerable<byte[]> patterns)
    {
        foreach (var pattern in patterns.Where(p => p.Length > 0))
            Add(pattern);
        Link();
    }

    public int Longest { get; private set; }

    /// <summary>About how much memory it takes, in bytes.</summary>
    public long Size => _nodes.Count * 24L;

    /// <summary>What patterns begin with, each once.</summary>
    public IEnumerable<byte[]> Beginnings(int length)
    {
        IEnumerable<(int State, byte[] Text)> level = [(Root, [])];
        for (var i = 0; i < length; i++)
            level = [.. level.SelectMany(at => Children(at.State).Select(child => (child, (byte[])[.. at.Text, _nodes[child].Label])))];
        return level.Select(at => at.Text);
    }

    public int Next(int state, byte b)
    {
        for (; state != Root; state = _nodes[state].Fallback)
        {
            if (Child(state, b) is var child and not Root)
                return child;
        }
        return _fromRoot[b];
    }

    /// <summary>How many of the last bytes may be the beginning of a pattern.</summary>
    public int Depth(int state) => _nodes[state].Depth;

    /// <summary>Length of the longest pattern that ends here; 0: none does.</summary>
    public int Matched(int state) => _nodes[state].Matched;

    private void Add(byte[] pattern)
    {
        var state = Root;
        foreach (var b in pattern)
        {
            var child = state == Root ? _fromRoot[b] : Child(state, b);
            if (child == Root)
            {
                child = _nodes.Count;
                _nodes.Add(new Node { Label = b, Depth = _nodes[state].Depth + 1, Sibling = _nodes[state].FirstChild });
                _nodes[state] = _nodes[state] with { FirstChild = child };
                if (state == Root)
                    _fromRoot[b] = child;
            }
            state = child;
        }
        _nodes[state] = _nodes[state] with { Matched = pattern.Length };
        Longest = Math.Max(Longest, pattern.Length);
    }

    // Breadth first, so that a fallback, which is shorter, is ready before it is needed.
    private void Link()
    {
        var queue = new Queue<int>(Children(Root));
        while (queue.TryDequeue(out var state))
        {
            foreach (var child in Children(state))
            {
                var fallback = Next(_nodes[state].Fallback, _nodes[child].Label);
                var node = _nodes[child];
                _nodes[child] = node with { Fallback = fallback, Matched = Math.Max(node.Matched, _nodes[fallback].Matched) };
                queue.Enqueue(child);
            }
        }
    }

    private int Child(int state, byte b)
    {
        var child = _nodes[state].FirstChild;
        while (child != Root && _nodes[child].Label != b)
            child = _nodes[child].Sibling;
        return child;
    }

    private IEnumerable<int> Children(int state)
    {
        for (var child = _nodes[state].FirstChild; child != Root; child = _nodes[child].Sibling)
            yield return child;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Node
    {
        public byte Label { get; init; }

        public int Depth { get; init; }

        public int FirstChild { get; init; }

        public int Sibling { get; init; }

        public int Fallback { get; init; }

        public int Matched { get; init; }
    }
}
