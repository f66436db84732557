using System.Buffers;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>A body without its secrets, as it arrives: what could not yet be the beginning of one is passed on at once.</summary>
internal sealed class ScrubbingStream(Stream inner, Scrubber scrubber) : ReadOnlyStream
{
    private readonly byte[] _input = new byte[16 * 1024];
    private readonly ArrayBufferWriter<byte> _output = new();
    private int _given;
    private bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_given == _output.WrittenCount)
        {
            if (_ended)
                return 0;
            _output.ResetWrittenCount();
            _given = 0;
            var read = await inner.ReadAsync(_input, cancellationToken);
            if (read > 0)
                scrubber.Write(_input.AsSpan(0, read), _output);
            else
                scrubber.Complete(_output);
            _ended = read == 0;
        }
        var part = Math.Min(buffer.Length, _output.WrittenCount - _given);
        _output.WrittenMemory.Slice(_given, part).CopyTo(buffer);
        _given += part;
        return part;
    }
}
