using System.Globalization;
using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.SlackWorkspace.Blocks;

/// <summary>The table block: at most 100 rows of at most 20 cells, and 10,000 characters in all.</summary>
internal static class TableRules
{
    private const int MaxCharacters = 10_000;

    public static void Check(BlockNode table)
    {
        table.Allows("type", "block_id", "rows", "column_settings");
        foreach (var column in table.Children("column_settings", 0, 20, required: false))
        {
            column.Allows("align", "is_wrapped");
            column.OneOf("align", required: false, "left", "center", "right");
            column.Bool("is_wrapped");
        }

        if (table.Value["rows"] is not JsonArray rows)
        {
            table.Error("missing required field: rows");
            return;
        }

        if (rows.Count is 0 or > 100) table.Error("no more than 100 items allowed", "/rows");
        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var cell in table.Items(rows[i], string.Create(CultureInfo.InvariantCulture, $"/rows/{i}"), 1, 20)) Cell(cell);
        }

        if (BlockText.Length(rows) > MaxCharacters) table.Error("must be less than 10001 characters", "/rows");
    }

    private static void Cell(BlockNode cell)
    {
        switch (cell.Type)
        {
            case "raw_text":
                cell.Allows("type", "text");
                cell.String("text", MaxCharacters, required: true);
                break;
            case "rich_text":
                RichTextRules.Check(cell);
                break;
            default:
                cell.Error($"unsupported type: {cell.Type}", "/type");
                break;
        }
    }
}
