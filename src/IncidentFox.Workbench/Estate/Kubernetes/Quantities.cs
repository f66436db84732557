using System.Globalization;

namespace IncidentFox.Workbench.Estate.Kubernetes;

/// <summary>Amounts as Kubernetes writes them: `250m`, `64Mi`, `2`, `1e3`.</summary>
internal static class Quantities
{
    private static readonly (string Suffix, decimal Factor)[] Binary =
        [("Ei", 1m * (1L << 60)), ("Pi", 1L << 50), ("Ti", 1L << 40), ("Gi", 1L << 30), ("Mi", 1L << 20), ("Ki", 1L << 10)];

    private static readonly (string Suffix, decimal Factor)[] Decimal =
        [("E", 1e18m), ("P", 1e15m), ("T", 1e12m), ("G", 1e9m), ("M", 1e6m), ("k", 1e3m), ("m", 0.001m), ("u", 0.000001m), ("n", 0.000000001m)];

    /// <summary>Null for what is not a quantity.</summary>
    public static decimal? TryParse(string text)
    {
        foreach (var (suffix, factor) in Binary.Concat(Decimal))
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                return Number(text[..^suffix.Length]) * factor;
            }
        }

        return Number(text);
    }

    public static decimal Parse(string text) => TryParse(text) ?? 0;

    /// <summary>Written as its neighbours are: with binary suffixes, or decimal ones.</summary>
    public static string Format(decimal value, bool binary)
    {
        if (binary && value != 0)
        {
            var (suffix, factor) = Array.Find(Binary, b => value % b.Factor == 0);
            return suffix is null ? Whole(value) : Whole(value / factor) + suffix;
        }

        return value == decimal.Truncate(value) ? Whole(value) : Whole(value * 1000) + "m";
    }

    private static string Whole(decimal value) => decimal.Ceiling(value).ToString("0", CultureInfo.InvariantCulture);

    private static decimal? Number(string text) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number) ? number : null;
}
