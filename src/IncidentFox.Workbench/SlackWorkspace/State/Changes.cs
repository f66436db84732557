using System.Threading.Channels;

namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>Something that a page should look at again. It names what changed, it does not carry it.</summary>
public sealed record Change(long Sequence, string Kind, string? Channel, string? Person);

/// <summary>Tells every listener about changes; one that can't keep up loses the oldest ones, never delays the workspace.</summary>
internal sealed class Changes
{
    private readonly Lock gate = new();
    private readonly HashSet<Channel<Change>> listeners = [];
    private long sequence;

    public void Tell(string kind, string? channel = null, string? person = null)
    {
        lock (gate)
        {
            var change = new Change(++sequence, kind, channel, person);
            foreach (var listener in listeners) listener.Writer.TryWrite(change);
        }
    }

    public IDisposable Listen(out ChannelReader<Change> reader)
    {
        var channel = Channel.CreateBounded<Change>(new BoundedChannelOptions(512) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (gate) listeners.Add(channel);
        reader = channel.Reader;
        return new Listening(this, channel);
    }

    private sealed class Listening(Changes owner, Channel<Change> channel) : IDisposable
    {
        public void Dispose()
        {
            lock (owner.gate) owner.listeners.Remove(channel);
        }
    }
}
