namespace IncidentFox.Fuzz;

/// <summary>Makes inputs from dice and says what is wrong with what came of them.</summary>
internal interface IFuzzer : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Of the time, relative to the others'.</summary>
    double Share { get; }

    /// <summary>What it was that found something, for the file that is kept.</summary>
    string LastInput { get; }

    /// <summary>What the inputs came to: a fuzzer whose inputs are all refused at once shows here that it tests nothing.</summary>
    string Summary { get; }

    Task StartAsync() => Task.CompletedTask;

    /// <summary>Tries one input; a sentence when a property does not hold.</summary>
    Task<string?> TryAsync(Dice dice);

    /// <summary>What can be judged only over all inputs.</summary>
    Task<string?> FinishAsync() => Task.FromResult<string?>(null);

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}
