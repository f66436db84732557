using System.Text;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Counts the elements at a path below the root of an XML answer, as it passes. It tells tags from text, comments, CDATA and instructions, and nothing
/// more: no entity is resolved, no name space known. What is not well-formed as far as it looks, or names a document type, is given up on.
/// </summary>
internal sealed class XmlRows(string[] path)
{
    private const int MaxName = 200;
    private const int MaxDepth = 256;

    private enum State
    {
        Text,
        Tag,
        Quoted,
        Instruction,
        Comment,
        CData,
    }

    private readonly List<byte> _tag = [];
    private State _state;
    private byte _quote;
    private int _depth;
    private int _matched;
    private bool _began;
    private bool _ended;
    private bool _gaveUp;
    private long _rows;

    // The path's first element must be there: what is spelled otherwise is no empty list.
    public long? Rows => _gaveUp || !_ended || !_began ? null : _rows;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0 && !_gaveUp)
        {
            if (_state == State.Text)
            {
                var open = bytes.IndexOf((byte)'<');
                if (open < 0)
                    return;
                _tag.Clear();
                _state = State.Tag;
                bytes = bytes[(open + 1)..];
            }
            else
            {
                Look(bytes[0]);
                bytes = bytes[1..];
            }
        }
    }

    private void Look(byte b)
    {
        switch (_state)
        {
            case State.Quoted:
                if (b == _quote)
                    _state = State.Tag;
                break;
            case State.Instruction:
                End(b, "?>"u8);
                break;
            case State.Comment:
                End(b, "-->"u8);
                break;
            case State.CData:
                End(b, "]]>"u8);
                break;
            case State.Tag when b == '>':
                _state = State.Text;
                Tag();
                break;
            case State.Tag when b is (byte)'"' or (byte)'\'' && _tag.Count > 0:
                (_quote, _state) = (b, State.Quoted);
                break;
            default:
                Collect(b);
                break;
        }
    }

    // Of a tag only its name and its last character count; the name ends at the first space.
    private void Collect(byte b)
    {
        if (_tag.Count < MaxName)
            _tag.Add(b);
        else
            _tag[^1] = b;
        switch (_tag)
        {
            case [(byte)'?']:
                Enter(State.Instruction);
                break;
            case [(byte)'!', (byte)'-', (byte)'-']:
                Enter(State.Comment);
                break;
            case [(byte)'!', (byte)'[', (byte)'C', (byte)'D', (byte)'A', (byte)'T', (byte)'A', (byte)'[']:
                Enter(State.CData);
                break;
            case [(byte)'!', (byte)'D' or (byte)'E' or (byte)'A' or (byte)'N', ..]:
                _gaveUp = true;
                break;
        }
    }

    private void Enter(State state)
    {
        _tag.Clear();
        _state = state;
    }

    private void End(byte b, ReadOnlySpan<byte> mark)
    {
        _tag.Add(b);
        if (_tag.Count > mark.Length)
            _tag.RemoveAt(0);
        if (System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tag).SequenceEqual(mark))
            _state = State.Text;
    }

    private void Tag()
    {
        if (_tag.Count == 0 || _ended)
        {
            _gaveUp = true;
            return;
        }
        if (_tag[0] == '/')
        {
            Close();
            return;
        }
        var closed = _tag[^1] == '/';
        var end = _tag.FindIndex(c => c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or (byte)'/');
        Open(Encoding.UTF8.GetString([.. end < 0 ? _tag : _tag[..end]]));
        if (closed)
            Close();
    }

    // The root is at depth 0 and has no name in the path.
    private void Open(string name)
    {
        if (_depth > 0 && _matched == _depth - 1 && _matched < path.Length && path[_matched] == name)
        {
            _matched++;
            _began = true;
            if (_matched == path.Length)
                _rows++;
        }
        _gaveUp = ++_depth > MaxDepth;
    }

    private void Close()
    {
        _depth--;
        if (_matched > 0 && _matched == _depth)
            _matched--;
        _ended = _depth == 0;
        _gaveUp |= _depth < 0;
    }
}
