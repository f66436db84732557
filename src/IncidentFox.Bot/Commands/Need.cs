using IncidentFox.Core.Identity;

namespace IncidentFox.Bot.Commands;

/// <summary>What is needed before a command runs: for all of it (no word), or for the one of its subcommands that begins with the word.</summary>
/// <param name="Word">The subcommand, in lower case; null: whatever else is typed.</param>
/// <param name="Permission">In the channel's team. Null: the command judges by itself, for people who have no role yet.</param>
internal readonly record struct Need(string? Word, Permission? Permission)
{
    /// <summary>The need of what was typed; null when no subcommand is meant.</summary>
    public static Need? Of(IReadOnlyList<Need> needs, string argument)
    {
        var end = argument.AsSpan().IndexOfAny(" \t\r\n");
        var word = end < 0 ? argument : argument[..end];
        foreach (var need in needs)
        {
            if (need.Word is null || need.Word.Equals(word, StringComparison.OrdinalIgnoreCase))
                return need;
        }
        return null;
    }
}
