using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>The one look of the tool's tables: a rule under the head, no frame, numbers to the right.</summary>
static class Tables
{
    /// <param name="columns">Headings; a leading <c>&gt;</c> aligns the column to the right.</param>
    public static Table Create(params string[] columns)
    {
        Table table = new Table { Border = TableBorder.Minimal, UseSafeBorder = false }.HideFooters();
        foreach (string column in columns)
        {
            bool right = column.StartsWith('>');
            table.AddColumn(new TableColumn(new Text(right ? column[1..] : column, new Style(decoration: Decoration.Bold)))
            {
                Alignment = right ? Justify.Right : Justify.Left,
                NoWrap = right,
            });
        }
        return table;
    }

    /// <summary>Adds a row of plain text: brackets in a path are not markup.</summary>
    public static void Row(this Table table, params string[] cells) => table.AddRow([.. cells.Select(c => new Text(c))]);

    /// <summary>A fraction as per cent with two decimals, the field's habit; a dash where there is none.</summary>
    public static string Percent(double? fraction) => fraction is double f && !double.IsNaN(f) ? $"{100 * f:0.00}" : "–";

    /// <summary>A difference of two fractions in points of per cent, with its sign.</summary>
    public static string Points(double fraction) => $"{100 * fraction:+0.00;−0.00;0.00}";
}
