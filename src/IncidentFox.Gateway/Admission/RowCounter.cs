using System.Text.Json;

namespace IncidentFox.Gateway.Admission;

/// <summary>
/// Counts the rows of an answer while it passes: the items of the array at a JSON pointer (of every value, where several follow each other), or lines. Keeps no more of it than one unfinished token,
/// and gives up on what is not JSON: it never holds up the answer.
/// </summary>
internal sealed class RowCounter
{
    private const int MaxToken = 1024 * 1024;

    private readonly string[]? _pointer;
    private readonly bool _lines;
    private byte[] _rest = [];
    private JsonReaderState _state = new(new JsonReaderOptions { MaxDepth = 256, AllowMultipleValues = true });
    private bool _gaveUp;
    private bool _found;
    private long _rows;
    private bool _midLine;

    // How many of the pointer's names lead to where the reader is, and whether the next value is the one it names.
    private int _matched;
    private bool _nextMatches;
    private int _arrayDepth = -1;

    public RowCounter(string? pointer)
    {
        _lines = pointer == "lines";
        if (pointer is not null && !_lines)
        {
            _pointer = pointer.Length == 0 ? [] : [.. pointer[1..].Split('/').Select(s => s.Replace("~1", "/").Replace("~0", "~"))];
            _nextMatches = _pointer.Length == 0;
        }
        _gaveUp = pointer is null;
    }

    /// <summary>The count; null when there is nothing to count or it can't be told.</summary>
    public long? Rows => _gaveUp ? null : _lines ? _rows + (_midLine ? 1 : 0) : _found ? _rows : null;

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
        try
        {
            byte[] all = [.. _rest, .. bytes];
            var reader = new Utf8JsonReader(all, last, _state);
            while (reader.Read())
                Look(ref reader);
            _state = reader.CurrentState;
            _rest = all[(int)reader.BytesConsumed..];
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
                _nextMatches = reader.CurrentDepth == _matched + 1 && _matched < _pointer!.Length && reader.ValueTextEquals(_pointer[_matched]);
                break;
            case JsonTokenType.StartArray when _nextMatches && IsTarget(reader.CurrentDepth):
                (_found, _arrayDepth) = (true, reader.CurrentDepth);
                break;
            case JsonTokenType.StartObject when _nextMatches && _pointer!.Length > 0 && reader.CurrentDepth == _matched + 1:
                _matched++;
                _nextMatches = false;
                break;
            case JsonTokenType.EndObject when _matched > 0 && reader.CurrentDepth == _matched:
                _matched--;
                break;
            default:
                _nextMatches = false;
                break;
        }
    }

    // A pointer of n names leads to a value at depth n.
    private bool IsTarget(int depth) => depth == _pointer!.Length && _matched == Math.Max(0, _pointer.Length - 1);
}
