using System.CommandLine;
using Osprey.Tool.Doctor;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class DoctorVerb : Verb
{
    public DoctorVerb()
        : base("doctor", "Shows versions, SIMD level, device and memory, and checks every kernel on the chosen device against 64-bit references.")
    {
    }

    public override IReadOnlyList<string> Examples => ["doctor", "doctor --device simulator", "doctor --json"];

    public override string Notes => "Exit code 1 if a check fails.";

    public override int Run(ParseResult arguments, Session session)
    {
        IReadOnlyList<Fact> facts = Surroundings.Collect(session.Device, session.Threads);
        if (session.Json) session.Write(facts.ToDictionary(f => f.Name, f => f.Value));
        else
        {
            Table table = Tables.Create("what", "is");
            foreach (Fact fact in facts) table.Row(fact.Name, fact.Value);
            session.Write(table);
        }
        return ExitCode.Done;
    }
}
