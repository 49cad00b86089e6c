using System.CommandLine;
using Osprey.Engine.Distributed;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class JoinVerb : Verb
{
    readonly Argument<string[]> shares = new("SHARE") { Description = "The stores that 'embed --shard' made, all of them, in any order.", Arity = ArgumentArity.OneOrMore };

    readonly Option<string?> output = Flag.Text("--out", "STORE", "Folder of the store to make. One that was interrupted is gone on with.", required: true);

    public JoinVerb()
        : base("join", "Makes one store of the stores of a data set's shares.")
    {
        Add(shares);
        Add(output);
    }

    public override IReadOnlyList<string> Examples => ["join stores/patternnet-0 stores/patternnet-1 --out stores/patternnet"];

    public override string Notes => "The rows stand in the order of the shares: as in a store made in one go. The shares stay as they are.";

    public override int Run(ParseResult arguments, Session session)
    {
        string to = arguments.GetRequiredValue(output)!;
        DescriptorStore store = StoreJoin.Run(arguments.GetRequiredValue(shares), to, session.Progress, session.Cancellation);
        if (session.Json)
        {
            session.Write(new { Store = to, store.Rows, store.Dimension, Parts = store.Manifest.Parts.Count, store.Manifest.BadFiles });
            return ExitCode.Done;
        }
        Table table = Tables.Create("store", ">rows", ">dimension", ">parts", ">bad files");
        table.Row(to, $"{store.Rows}", $"{store.Dimension}", $"{store.Manifest.Parts.Count}", $"{store.Manifest.BadFiles}");
        session.Write(table);
        return ExitCode.Done;
    }
}
