using System.CommandLine;
using Osprey.Engine.Datasets;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DataListVerb : Verb
{
    public DataListVerb()
        : base("list", "Shows the catalogue of the field's data sets, with the counts their authors give.")
    {
    }

    public override IReadOnlyList<string> Examples => ["data list", "data list --json"];

    public override string Notes => "Every set is a folder of class folders once unpacked; 'osprey data check DIR' compares a folder with the catalogue. --json also has each set's home page, rights and layout.";

    public override int Run(ParseResult arguments, Session session)
    {
        if (session.Json)
        {
            session.Write(new { Sets = Catalogue.Sets });
            return ExitCode.Done;
        }
        Table table = Tables.Create("name", "set", ">images", ">classes", "content");
        foreach (CatalogueEntry set in Catalogue.Sets)
        {
            string about = set.CountsVerified ? "" : "~";
            table.Row(set.Name, set.FullName, $"{about}{set.Images:N0}", $"{about}{set.Classes:N0}", set.Content);
        }
        session.Write(table);
        return ExitCode.Done;
    }
}
