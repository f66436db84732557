using System.Collections.Concurrent;
using Hangfire;
using Hangfire.Common;
using Hangfire.States;

namespace IncidentFox.Bot.Tests.Kit;

/// <summary>Remembers jobs instead of running them.</summary>
internal sealed class RecordingJobs : IBackgroundJobClient
{
    public ConcurrentQueue<(string Type, Guid Id, IState State)> Jobs { get; } = new();

    public bool Broken { get; set; }

    public string Create(Job job, IState state)
    {
        if (Broken)
            throw new BackgroundJobClientException("no storage", new InvalidOperationException());
        Jobs.Enqueue((job.Type.Name, (Guid)job.Args[0], state));
        return Guid.NewGuid().ToString();
    }

    public bool ChangeState(string jobId, IState state, string expectedState) => true;
}
