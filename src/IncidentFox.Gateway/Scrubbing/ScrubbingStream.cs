using System.Buffers;
using IncidentFox.Gateway.Scrubbing.Foreign;
using IncidentFox.Gateway.Sending;

namespace IncidentFox.Gateway.Scrubbing;

/// <summary>A body without secrets: first those of the call, then, where the integration wants it, whatever looks like somebody else's.</summary>
/// <param name="inner">The body as it came.</param>
/// <param name="patterns">The secrets of the call.</param>
/// <param name="foreign">Whether to look for somebody else's as well.</param>
/// <param name="integration">For sentences.</param>
/// <param name="length">How many bytes the body has; null: nobody knows. One that is there at once and holds nothing is passed on as it is.</param>
internal sealed class ScrubbingStream(Stream inner, SecretPatterns patterns, bool foreign, string integration, long? length = null) : ReadOnlyStream
{
    private const int Piece = 32 * 1024;

    private Stages? _stages;
    private bool _begun;
    private bool _ended;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_stages is not { HasMore: true })
        {
            if (_ended)
                return 0;
            var input = ArrayPool<byte>.Shared.Rent(Piece);
            var read = 0;
            try
            {
                read = await inner.ReadAsync(input, cancellationToken);
                if (!_begun)
                {
                    // What is packed is told by its first bytes: they must all be there.
                    while (read > 0 && PackedContent.MayBe(input.AsSpan(0, read)) && await inner.ReadAsync(input.AsMemory(read), cancellationToken) is var more and > 0)
                        read += more;
                    if (PackedContent.Is(input.AsSpan(0, read)))
                        throw new UpstreamBodyException("response_refused", $"{integration} answered with a packed file, which can't be looked into. It is not passed on.");
                    _begun = true;
                    if (read == length && read <= buffer.Length && IsFree(input.AsSpan(0, read)))
                    {
                        _ended = true;
                        input.AsSpan(0, read).CopyTo(buffer.Span);
                        return read;
                    }
                }
                _ended = read == 0;
                _stages ??= new Stages(patterns, foreign);
                _stages.Take(input.AsSpan(0, read), _ended);
            }
            finally
            {
                input.AsSpan(0, read).Clear();
                ArrayPool<byte>.Shared.Return(input);
            }
        }
        return _stages.Give(buffer.Span);
    }

    private bool IsFree(ReadOnlySpan<byte> whole)
    {
        // A line break that nothing follows joins no lines.
        var text = whole.EndsWith((byte)'\n') ? whole[..^1] : whole;
        return (patterns.IsEmpty || patterns.Filter.IsFree(text)) && !(foreign && ForeignScrubber.MayHold(whole));
    }

    // What it takes to look through a body piece by piece.
    private sealed class Stages(SecretPatterns patterns, bool foreign)
    {
        private readonly Scrubber _scrubber = patterns.Rent();
        private readonly ForeignScrubber? _foreign = foreign ? new() : null;
        private readonly ArrayBufferWriter<byte> _output = new();
        private readonly ArrayBufferWriter<byte>? _between = foreign ? new() : null;
        private int _given;

        public bool HasMore => _given < _output.WrittenCount;

        public void Take(ReadOnlySpan<byte> piece, bool last)
        {
            _output.ResetWrittenCount();
            _given = 0;
            var own = _between ?? _output;
            if (last)
            {
                _scrubber.Complete(own);
                patterns.Return(_scrubber);
            }
            else
            {
                _scrubber.Write(piece, own);
            }
            if (_between is null)
                return;
            _foreign!.Write(_between.WrittenSpan, _output);
            if (last)
                _foreign.Complete(_output);
            _between.ResetWrittenCount();
        }

        public int Give(Span<byte> buffer)
        {
            var part = Math.Min(buffer.Length, _output.WrittenCount - _given);
            _output.WrittenSpan.Slice(_given, part).CopyTo(buffer);
            _given += part;
            return part;
        }
    }
}

/// <summary>Files whose content can't be seen: compressed ones and archives of such. Told by what they begin with.</summary>
internal static class PackedContent
{
    // gzip, zip, zstd, xz, 7z, bzip2, lz4, rar: as file(1) knows them.
    private static readonly byte[][] Beginnings =
    [
        [0x1f, 0x8b, 0x08], [(byte)'P', (byte)'K', 3, 4], [0x28, 0xb5, 0x2f, 0xfd], [0xfd, .. "7zXZ"u8, 0], [.. "7z"u8, 0xbc, 0xaf, 0x27, 0x1c],
        [.. "BZh"u8, (byte)'9'], [0x04, 0x22, 0x4d, 0x18], [.. "Rar!"u8, 0x1a, 0x07],
    ];

    /// <summary>Whether it is one.</summary>
    public static bool Is(ReadOnlySpan<byte> text)
    {
        foreach (var beginning in Beginnings)
        {
            if (text.StartsWith(beginning))
                return true;
        }
        return false;
    }

    /// <summary>Whether more would have to be seen.</summary>
    public static bool MayBe(ReadOnlySpan<byte> text)
    {
        foreach (var beginning in Beginnings)
        {
            if (text.Length < beginning.Length && beginning.AsSpan().StartsWith(text))
                return true;
        }
        return false;
    }
}
