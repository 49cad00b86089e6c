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

    public override string Notes => "Exit code 1 if a check fails. Started by mpirun, it also checks what the processes send one another.";

    public override bool RunsOnRanks => true;

    public override int Run(ParseResult arguments, Session session)
    {
        IReadOnlyList<Check> communication = session.Ranks.Size == 1 ? [] : CommunicationChecks.Run(session.Ranks);
        if (session.Ranks.Rank > 0) return ExitCode.Done;
        session.ConfigureTorch();
        IReadOnlyList<Fact> facts = Surroundings.Collect(session.Device, session.Threads);
        Check[] checks = [.. KernelChecks.Run(session.Device, session.Seed), .. communication];
        bool passed = checks.All(c => c.Passed);
        if (session.Json)
        {
            session.Write(new { Passed = passed, Surroundings = facts.ToDictionary(f => f.Name, f => f.Value), Checks = checks });
        }
        else
        {
            Table about = Tables.Create("what", "is");
            foreach (Fact fact in facts) about.Row(fact.Name, fact.Value);
            session.Write(about);
            Table table = Tables.Create("kernel, on this device", ">max error", ">allowed", "");
            foreach (Check check in checks) table.Row(check.Operation, $"{check.MaxError:0.0e-0}", $"{check.Tolerance:0.0e-0}", check.Passed ? "ok" : "FAILED");
            session.Write(table);
        }
        if (!passed) session.Warn($"osprey doctor: {checks.Count(c => !c.Passed)} of {checks.Length} checks failed on {session.Device.Name}; results on this device cannot be trusted, use --device host");
        return passed ? ExitCode.Done : ExitCode.Failed;
    }
}
