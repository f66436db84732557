using System.Globalization;
using System.Text.Json;

namespace IncidentFox.Benchmarks.Measuring;

/// <summary>Collects the figures of a part: prints each when it is known, writes all of them at the end.</summary>
internal sealed class FigureSheet(string part, Machine machine)
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private readonly List<Figure> _figures = [];

    /// <summary>The median of the samples.</summary>
    public void Median(string name, IReadOnlyCollection<double> milliseconds, bool isContext = false) => Quantiles(name, milliseconds, 0.5, isContext);

    /// <summary>A quantile of the samples.</summary>
    public void Quantiles(string name, IReadOnlyCollection<double> milliseconds, double q, bool isContext = false) =>
        Add(new Figure(name, Quantile.Of(milliseconds, q), "ms", milliseconds.Count, isContext));

    /// <summary>Writes a figure down.</summary>
    public void Add(Figure figure)
    {
        var rounded = figure with { Value = Math.Round(figure.Value, 2) };
        _figures.Add(rounded);
        Console.WriteLine($"{rounded.Name} = {rounded.Value.ToString(CultureInfo.InvariantCulture)} {rounded.Unit}");
    }

    /// <summary>What is going on, for whoever watches.</summary>
    public static void Say(string what) => Console.WriteLine($"# {what}");

    /// <summary>Writes <c>{part}.json</c> and returns its path.</summary>
    public string Save(DirectoryInfo folder, string? problem)
    {
        folder.Create();
        var file = Path.Combine(folder.FullName, $"{part}.json");
        var sheet = new { Part = part, Complete = problem is null, Problem = problem, Machine = machine, LoadAverageAfter = Machine.LoadAverage(), Figures = _figures };
        File.WriteAllText(file, JsonSerializer.Serialize(sheet, Format) + "\n");
        return file;
    }
}
