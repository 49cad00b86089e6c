using System.CommandLine;
using Osprey.Engine.Retrieval;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class StoreVerifyVerb : Verb
{
    readonly Argument<string[]> stores = new("STORE") { Description = "Stores of 'embed', 'join' or 'import'.", Arity = ArgumentArity.OneOrMore };

    public StoreVerifyVerb()
        : base("verify", "Reads all of a store and names everything in it that is broken.")
    {
        Add(stores);
    }

    public override IReadOnlyList<string> Examples => ["store verify stores/ucm", "store verify stores/patternnet-0 stores/patternnet-1 --json"];

    public override string Notes => "Checks the manifest's counts, the parts' order, every file's SHA-256, shapes, types, labels, and that descriptors are finite. Exit code 1 if anything is wrong. Broken parts are made again by the same 'embed'.";

    public override int Run(ParseResult arguments, Session session)
    {
        (string Store, StoreVerificationResult Found)[] results = [.. arguments.GetRequiredValue(stores).Select(s => (s, StoreVerification.Run(s, session.Progress, session.Cancellation)))];
        int code = results.All(r => r.Found.Faults.Count == 0) ? ExitCode.Done : ExitCode.Failed;
        if (session.Json)
        {
            session.Write(new { Results = results.Select(r => new { r.Store, Sound = r.Found.Faults.Count == 0, r.Found.Rows, r.Found.Parts, r.Found.Bytes, r.Found.Faults }) });
            return code;
        }
        Table table = Tables.Create("store", ">rows", ">parts", ">MB read", ">faults");
        foreach ((string store, StoreVerificationResult found) in results) table.Row(store, $"{found.Rows}", $"{found.Parts}", $"{found.Bytes / 1e6:0.0}", $"{found.Faults.Count}");
        session.Write(table);
        foreach ((string store, StoreVerificationResult found) in results)
        {
            foreach (string fault in found.Faults) session.WriteLine($"  {store}/{fault}");
        }
        return code;
    }
}
