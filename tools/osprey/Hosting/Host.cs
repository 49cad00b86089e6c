using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Osprey.Engine.Distributed;
using Osprey.Interop.Mpi;
using Osprey.Tool.Verbs;

namespace Osprey.Tool.Hosting;

/// <summary>The tool as a function: words in, streams written, exit code out. Tests call it in their own process.</summary>
static class Host
{
    const string Sentence = "Turns aerial and satellite images into descriptors: fine-tunes them, robustly where asked, searches them exactly, and measures retrieval and classification.";

    public static RootCommand Create(GlobalOptions options)
    {
        var root = new RootCommand(Sentence)
        {
            new QuickstartVerb(),
            new TrainVerb(),
            new WhitenVerb(),
            new EmbedVerb(),
            new JoinVerb(),
            new IndexVerb(),
            new SearchVerb(),
            new ExportVerb(),
            new ImportVerb(),
            new EvalVerb(),
            new AttackVerb(),
            new VerbGroup("data", "Draws, lists, checks, splits and tiles data sets.", new DataSynthVerb(), new DataListVerb(), new DataCheckVerb(), new DataSplitVerb(), new DataTileVerb()),
            new VerbGroup("store", "Checks and changes stores.", new StoreVerifyVerb(), new StoreAppendVerb(), new StoreDeleteVerb()),
            new VerbGroup("weights", "Looks into weights files and converts them.", new WeightsInspectVerb(), new WeightsConvertVerb()),
            new VerbGroup("scale", "Measures what a search costs as a store grows, and predicts beyond this machine.", new ScaleRowsVerb(), new ScaleModelVerb()),
            new BenchVerb(),
            new DoctorVerb(),
        };
        foreach (Option option in options.All) root.Add(option);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption help)
            {
                help.Description = "This text; after a verb, that verb's options and examples.";
                help.Action = new HelpText(options);
            }
            else if (option is VersionOption version)
            {
                version.Description = "The tool's version.";
            }
        }
        return root;
    }

    public static int Run(IReadOnlyList<string> arguments, Streams streams, CancellationToken cancellation = default)
    {
        Launch launch = Launch.OfProcess();
        // Of several processes one speaks; what the others have to say they tell it, or say as they end the job.
        Streams all = streams;
        if (launch.Rank > 0) streams = new Streams(TextWriter.Null, TextWriter.Null);
        var options = new GlobalOptions();
        RootCommand root = Create(options);
        ParseResult parse = root.Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        Command command = parse.CommandResult.Command;
        string verb = PathOf(command);

        if (parse.Action is { ClearsParseErrors: true }) return parse.Invoke(new InvocationConfiguration { Output = streams.Out, Error = streams.Error });
        if (parse.Errors.Count > 0 || command is not Verb chosen) return Shared(Usage(parse, command, verb, streams), launch);

        if (launch.Size > 1 && !chosen.RunsOnRanks)
        {
            streams.Error.WriteLine($"osprey {verb}: runs in one process, and {launch.Size} were started; start it without mpirun");
            return Shared(ExitCode.Usage, launch);
        }

        // With a share named, each has work of its own: a script may have given each another.
        if (Launch.Strangers(Environment.GetEnvironmentVariable) is > 1 and int strangers && !command.Options.Any(o => o.Name == "--shard" && parse.GetResult(o) is { Implicit: false }))
        {
            // Every task says it: which of them is read by whom is not known here, and none may go on.
            streams.Error.WriteLine($"osprey {verb}: srun started {strangers} processes that cannot find one another, and each would do the whole; use mpirun, or srun with --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH); if each has work of its own, unset SLURM_STEP_NUM_TASKS");
            return ExitCode.Usage;
        }

        bool verbose = parse.GetValue(options.Verbose);
        try
        {
            using var session = new Session(
                streams, verb, parse.GetValue(options.Device)!, parse.GetValue(options.Seed)!.Value, parse.GetResult(options.Seed) is { Implicit: false }, parse.GetValue(options.Threads)!.Value,
                parse.GetValue(options.Json), verbose, parse.GetValue(options.Quiet), cancellation);
            try
            {
                return Shared(chosen.Run(parse, session), launch);
            }
            catch (Exception e) when (launch.Size > 1 && e is not RankFailedException)
            {
                session.EndProgress();
                int code = Failure.Report(e, $"{verb}: rank {launch.Rank}", verbose, all.Error);
                session.AbortOthers(code);
                return code;
            }
        }
#pragma warning disable CA1031 // The outermost frame: whatever comes up is told to the user and becomes an exit code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Shared(Failure.Report(e, verb, verbose, streams.Error), launch);
        }
    }

    /// <summary>The exit code of what every rank knows: rank 0 tells it and alone ends with it. mpirun ends all once one has gone with an error, which might be before rank 0 has spoken.</summary>
    static int Shared(int code, Launch launch) => launch.Rank == 0 ? code : ExitCode.Done;

    static int Usage(ParseResult parse, Command command, string verb, Streams streams)
    {
        string name = verb.Length > 0 ? $"osprey {verb}" : "osprey";
        if (command is not Verb && command.Subcommands.Any() && parse.UnmatchedTokens.Count == 0 && parse.Errors.All(e => e.SymbolResult is CommandResult))
        {
            streams.Error.WriteLine($"{name}: give one of {string.Join(", ", command.Subcommands.Select(c => c.Name))}; see '{name} --help'");
            return ExitCode.Usage;
        }

        IEnumerable<string> known = command.Subcommands.Select(c => c.Name)
            .Concat(command.Options.Concat(command.Parents.OfType<Command>().Concat(command.Parents.SelectMany(p => p.Parents).OfType<Command>()).SelectMany(c => c.Options).Where(o => o.Recursive)).Select(o => o.Name));
        if (parse.UnmatchedTokens.Count > 0)
        {
            string token = parse.UnmatchedTokens[0];
            string what = token.StartsWith('-') ? "unknown option" : command is Verb ? "unexpected argument" : "unknown verb";
            string? near = Suggestion.Nearest(token, known);
            streams.Error.WriteLine($"{name}: {what} '{token}'{(near is null ? "" : $"; did you mean '{near}'?")}{(near is null ? ";" : "")} see '{name} --help'");
        }
        else
        {
            streams.Error.WriteLine($"{name}: {Failure.OneLine(parse.Errors[0].Message).TrimEnd('.')}; see '{name} --help'");
        }
        return ExitCode.Usage;
    }

    /// <summary>The words that lead to a command, without the tool's own name.</summary>
    internal static string PathOf(Command command)
    {
        var words = new List<string>();
        for (Command? c = command; c is not null and not RootCommand; c = c.Parents.OfType<Command>().FirstOrDefault()) words.Insert(0, c.Name);
        return string.Join(' ', words);
    }
}
