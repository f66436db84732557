using System.Reflection;
using System.Text;

namespace IncidentFox.Fuzz;

/// <summary>Inputs that were written by hand: what is known to make trouble somewhere. One per line, or one per file.</summary>
internal static class Corpus
{
    /// <summary>The lines of a file. <c>\r \n \0 \xHH</c> stand for what can't stand in a line; lines that begin with # are comments.</summary>
    public static IReadOnlyList<string> Lines(string file) =>
        [.. Read(file).Split('\n').Where(l => l.Length > 0 && !l.StartsWith("# ", StringComparison.Ordinal)).Select(Unescape)];

    /// <summary>Every file of a folder, whole.</summary>
    public static IReadOnlyList<string> Files(string folder) =>
        [.. typeof(Corpus).Assembly.GetManifestResourceNames().Where(n => n.StartsWith($"corpus/{folder}/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(n => Read(n["corpus/".Length..]))];

    private static string Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"corpus/{file}") ?? throw new FileNotFoundException($"There is no corpus {file}.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    // To characters below 256, which are bytes on the wire.
    private static string Unescape(string line)
    {
        var text = new StringBuilder();
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] != '\\' || i + 1 == line.Length)
            {
                text.Append(line[i]);
                continue;
            }
            i++;
            switch (line[i])
            {
                case 'r': text.Append('\r'); break;
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case '0': text.Append('\0'); break;
                case 'x':
                    text.Append((char)Convert.ToByte(line.Substring(i + 1, 2), 16));
                    i += 2;
                    break;
                default: text.Append(line[i]); break;
            }
        }
        return text.ToString();
    }
}
