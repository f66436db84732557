using System.Globalization;
using System.Text.Json;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Counts the rows of an answer while it passes: the items of the array at a JSON pointer (of every value, where several follow each other), the elements
/// at a path of an XML answer, or lines. Keeps no more of it than one unfinished token, and gives up on what is neither: it never holds up the answer.
/// </summary>
internal sealed class RowCounter
{
    private const int MaxToken = 1024 * 1024;

    private readonly string[]? _pointer;
    private readonly bool _lines;
    private byte[] _rest = [];
    private JsonReaderState _state = new(new JsonReaderOptions { MaxDepth = 256, AllowMultipleValues = true });
    private XmlRows? _xml;
    private bool _begun;
    private bool _gaveUp;
    private bool _found;
    private long _rows;
    private bool _midLine;

    // The containers that lead to the pointer's array: how many are open, whether each is an array, and which of its items came last.
    private int _open;
    private readonly (bool IsArray, int Index)[] _path;
    private bool _nextMatches;
    private int _arrayDepth = -1;

    public RowCounter(string? pointer)
    {
        _lines = pointer == "lines";
        if (pointer is not null && !_lines)
            _pointer = pointer.Length == 0 ? [] : [.. pointer[1..].Split('/').Select(s => s.Replace("~1", "/").Replace("~0", "~"))];
        _path = new (bool, int)[_pointer?.Length ?? 0];
        _gaveUp = pointer is null;
    }

    /// <summary>The count; null when there is nothing to count or it can't be told.</summary>
    public long? Rows => _gaveUp ? null : _lines ? _rows + (_midLine ? 1 : 0) : _xml is not null ? _xml.Rows : _found ? _rows : null;

    /// <summary>Looks at the next bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes, bool last = false)
    {
        if (_gaveUp)
            return;
        if (_lines)
        {
            _rows += bytes.Count((byte)'\n');
            if (bytes.Length > 0)
                _midLine = bytes[^1] != '\n';
            return;
        }
        if (!_begun && bytes.IndexOfAnyExcept(" \t\r\n"u8) is >= 0 and var first)
        {
            _begun = true;
            _xml = bytes[first] == '<' && _pointer!.Length > 0 ? new XmlRows(_pointer) : null;
        }
        if (_xml is not null)
            _xml.Add(bytes);
        else
            AddJson(bytes, last);
    }

    private void AddJson(ReadOnlySpan<byte> bytes, bool last)
    {
        try
        {
            // An unfinished token waits for its end; without one nothing is copied.
            ReadOnlySpan<byte> all = _rest.Length == 0 ? bytes : (byte[])[.. _rest, .. bytes];
            var reader = new Utf8JsonReader(all, last, _state);
            while (reader.Read())
                Look(ref reader);
            _state = reader.CurrentState;
            _rest = all[(int)reader.BytesConsumed..].ToArray();
            _gaveUp = _rest.Length > MaxToken;
        }
        catch (JsonException)
        {
            _gaveUp = true;
        }
    }

    private void Look(ref Utf8JsonReader reader)
    {
        if (_arrayDepth >= 0)
        {
            if (reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == _arrayDepth)
                _arrayDepth = -1;
            else if (reader.CurrentDepth == _arrayDepth + 1 && reader.TokenType is not (JsonTokenType.EndArray or JsonTokenType.EndObject or JsonTokenType.PropertyName))
                _rows++;
            return;
        }
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                _nextMatches = reader.CurrentDepth == _open && !_path[_open - 1].IsArray && reader.ValueTextEquals(_pointer![_open - 1]);
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                if (reader.CurrentDepth == _open - 1)
                    _open--;
                break;
            default:
                Enter(reader.TokenType, reader.CurrentDepth);
                break;
        }
    }

    // A pointer of n names leads to a value at depth n.
    private void Enter(JsonTokenType token, int depth)
    {
        if (!LeadsOn(depth))
            return;
        if (depth == _pointer!.Length)
        {
            if (token == JsonTokenType.StartArray)
                (_found, _arrayDepth) = (true, depth);
        }
        else if (token is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            _path[depth] = (token == JsonTokenType.StartArray, -1);
            _open = depth + 1;
        }
    }

    private bool LeadsOn(int depth)
    {
        if (depth != _open)
            return false;
        if (depth == 0)
            return true;
        ref var parent = ref _path[depth - 1];
        if (!parent.IsArray)
        {
            var matches = _nextMatches;
            _nextMatches = false;
            return matches;
        }
        parent.Index++;
        return _pointer![depth - 1] == parent.Index.ToString(CultureInfo.InvariantCulture);
    }
}
