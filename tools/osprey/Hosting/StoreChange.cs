using Osprey.Engine.Retrieval;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>What verbs that change a store print.</summary>
static class StoreChange
{
    public static int Write(Session session, DescriptorStore before, DescriptorStore after)
    {
        if (session.Json)
        {
            session.Write(new { Store = after.Path, RowsBefore = before.Rows, after.Rows, after.Dimension, Parts = after.Manifest.Parts.Count, after.Manifest.Deleted, after.Manifest.BadFiles });
            return ExitCode.Done;
        }
        Table table = Tables.Create("store", ">rows before", ">rows", ">parts", ">deleted", ">bad files");
        table.Row(after.Path, $"{before.Rows}", $"{after.Rows}", $"{after.Manifest.Parts.Count}", $"{after.Manifest.Deleted ?? 0}", $"{after.Manifest.BadFiles}");
        session.Write(table);
        return ExitCode.Done;
    }
}
