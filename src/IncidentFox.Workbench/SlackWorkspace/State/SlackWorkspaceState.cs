using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace;

/// <summary>What the workspace holds now: snapshots for tests and the page, changes for the Web API. Safe for concurrent use.</summary>
public sealed class SlackWorkspaceState
{
    private readonly Lock gate = new();
    private readonly TimeProvider time;
    private readonly List<Message> messages = [];
    private readonly Dictionary<string, List<View>> modals = [];
    private readonly Dictionary<string, View> homes = [];
    private readonly HashSet<string> botChannels = [.. DemoPeople.Channels.Where(c => c.Members.Contains(DemoPeople.BotUserId)).Select(c => c.Id)];
    private long lastMicros;
    private int viewCount;

    internal SlackWorkspaceState(TimeProvider time, Changes changes) => (this.time, Changes) = (time, changes);

    internal Changes Changes { get; }

    public IReadOnlyList<DemoChannel> Channels => DemoPeople.Channels;
    public IReadOnlyList<Person> People => DemoPeople.All;

    public bool BotIsIn(string channel)
    {
        lock (gate) return botChannels.Contains(channel);
    }

    public void InviteBot(string channel)
    {
        lock (gate) botChannels.Add(channel);
        Changes.Tell("channels", channel);
    }

    /// <summary>Messages of a channel in order, replies included; ephemeral ones only for <paramref name="seenBy"/>.</summary>
    public IReadOnlyList<Message> Messages(string channel, string? seenBy = null)
    {
        lock (gate)
        {
            var replies = messages.Where(m => m.Channel == channel && m.IsReply && m.VisibleOnlyTo is null).ToLookup(m => m.ThreadTs);
            return [.. messages.Where(m => m.Channel == channel && IsFor(m, seenBy)).Select(m => Copy(m, replies[m.Ts]))];
        }
    }

    public IReadOnlyList<Message> Ephemerals(string person)
    {
        lock (gate) return [.. messages.Where(m => m.VisibleOnlyTo == person).Select(Copy)];
    }

    public Message? Find(string channel, string ts, string? seenBy = null)
    {
        lock (gate) return messages.Find(m => m.Ts == ts && m.Channel == channel && IsFor(m, seenBy)) is { } message ? Copy(message) : null;
    }

    /// <summary>The newest message of a channel that everyone sees, replies aside.</summary>
    public string? LatestTs(string channel)
    {
        lock (gate) return messages.FindLast(m => m.Channel == channel && !m.IsReply && m.VisibleOnlyTo is null)?.Ts;
    }

    internal Message Post(string channel, string author, string text, JsonArray? blocks = null, string? threadTs = null, string? visibleOnlyTo = null, bool isNotice = false, JsonObject? metadata = null)
    {
        Message message;
        lock (gate)
        {
            message = new Message
            {
                Channel = channel,
                Ts = NextTs(),
                Author = author,
                Text = text,
                Blocks = blocks,
                ThreadTs = threadTs,
                VisibleOnlyTo = visibleOnlyTo,
                IsNotice = isNotice,
                Metadata = metadata,
            };
            messages.Add(message);
            message = Copy(message);
        }

        Changes.Tell("message", channel, visibleOnlyTo);
        return message;
    }

    internal Message? Replace(string channel, string ts, string text, JsonArray? blocks, bool markEdited)
    {
        Message copy;
        lock (gate)
        {
            var at = messages.FindIndex(m => m.Channel == channel && m.Ts == ts);
            if (at < 0) return null;
            messages[at] = messages[at] with { Text = text, Blocks = blocks, EditedTs = markEdited ? NextTs() : messages[at].EditedTs };
            copy = Copy(messages[at]);
        }

        Changes.Tell("message", channel, copy.VisibleOnlyTo);
        return copy;
    }

    public bool Remove(string channel, string ts)
    {
        lock (gate)
        {
            if (messages.RemoveAll(m => m.Channel == channel && m.Ts == ts) == 0) return false;
        }

        Changes.Tell("message", channel);
        return true;
    }

    /// <summary>The person's open modals, the one in front last.</summary>
    public IReadOnlyList<View> OpenViews(string person)
    {
        lock (gate) return modals.TryGetValue(person, out var open) ? [.. open] : [];
    }

    public View? Home(string person)
    {
        lock (gate) return homes.GetValueOrDefault(person);
    }

    public View? FindView(string idOrExternalId)
    {
        lock (gate)
        {
            return modals.Values.SelectMany(open => open).Concat(homes.Values)
                .FirstOrDefault(v => v.Id == idOrExternalId || ((string?)v.Body["external_id"] is { Length: > 0 } external && external == idOrExternalId));
        }
    }

    internal View OpenView(string person, JsonObject body, bool onTop)
    {
        View view;
        lock (gate)
        {
            if (!modals.TryGetValue(person, out var open)) modals[person] = open = [];
            if (!onTop) open.Clear();
            var id = NextViewId();
            view = new View { Id = id, Hash = NextHash(), Person = person, RootId = open.Count > 0 ? open[0].Id : id, PreviousId = open.LastOrDefault()?.Id, Body = body };
            open.Add(view);
        }

        Changes.Tell("views", person: person);
        return view;
    }

    internal View PublishHome(string person, JsonObject body)
    {
        View view;
        lock (gate)
        {
            var id = homes.TryGetValue(person, out var old) ? old.Id : NextViewId();
            homes[person] = view = new View { Id = id, Hash = NextHash(), Person = person, RootId = id, Body = body };
        }

        Changes.Tell("home", person: person);
        return view;
    }

    /// <summary>Replaces a view's body; null when it is gone, and unchanged when <paramref name="hash"/> is not the current one.</summary>
    internal (View? View, bool Conflict) UpdateView(string id, JsonObject body, string? hash = null)
    {
        View? updated = null;
        lock (gate)
        {
            foreach (var open in modals.Values)
            {
                var at = open.FindIndex(v => v.Id == id);
                if (at < 0) continue;
                if (hash is { Length: > 0 } && open[at].Hash != hash) return (open[at], true);
                open[at] = updated = open[at] with { Body = body, Hash = NextHash() };
            }
        }

        if (updated is not null) Changes.Tell("views", person: updated.Person);
        return (updated, false);
    }

    internal void CloseView(string person, string? id)
    {
        lock (gate)
        {
            if (!modals.TryGetValue(person, out var open)) return;
            if (id is null) open.Clear();
            else open.RemoveAll(v => v.Id == id);
        }

        Changes.Tell("views", person: person);
    }

    /// <summary>Slack's message ids are the time in microseconds, made unique within the workspace.</summary>
    internal string NextTs()
    {
        lock (gate)
        {
            var micros = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
            lastMicros = Math.Max(micros, lastMicros + 1);
            return string.Create(CultureInfo.InvariantCulture, $"{lastMicros / 1_000_000}.{lastMicros % 1_000_000:000000}");
        }
    }

    private static bool IsFor(Message message, string? person) => message.VisibleOnlyTo is null || message.VisibleOnlyTo == person;

    private Message Copy(Message message) => Copy(message, messages.Where(m => m.ThreadTs == message.Ts && m.IsReply && m.Channel == message.Channel && m.VisibleOnlyTo is null));

    private static Message Copy(Message message, IEnumerable<Message> replies)
    {
        if (message.IsReply) return message.Copy();
        var all = replies.ToList();
        return message.Copy() with { ReplyCount = all.Count, LatestReply = all.LastOrDefault()?.Ts };
    }

    private string NextViewId() => string.Create(CultureInfo.InvariantCulture, $"V0{++viewCount:00000000}");

    private string NextHash() => string.Create(CultureInfo.InvariantCulture, $"{time.GetUtcNow().ToUnixTimeSeconds()}.{Guid.NewGuid().ToString("N")[..8]}");
}
