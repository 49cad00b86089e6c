using System.CommandLine;

namespace Osprey.Tool.Hosting;

/// <summary>What <c>--help</c> shows of a command besides its options.</summary>
interface IDocumented
{
    /// <summary>Command lines that work as they stand, without the leading <c>osprey</c>.</summary>
    IReadOnlyList<string> Examples { get; }

    /// <summary>Paragraphs after the options; may be empty.</summary>
    string Notes => "";
}

/// <summary>One verb: parses, makes one call of the engine, shows one table.</summary>
abstract class Verb(string name, string sentence) : Command(name, sentence), IDocumented
{
    public abstract IReadOnlyList<string> Examples { get; }

    public virtual string Notes => "";

    /// <summary>Whether several processes that mpirun started share the work; other verbs refuse to be started so.</summary>
    public virtual bool RunsOnRanks => false;

    /// <returns>The exit code.</returns>
    public abstract int Run(ParseResult arguments, Session session);
}

/// <summary>Verbs under one word, such as <c>data</c>.</summary>
sealed class VerbGroup : Command, IDocumented
{
    public VerbGroup(string name, string sentence, params Verb[] verbs)
        : base(name, sentence)
    {
        foreach (Verb verb in verbs) Add(verb);
        Examples = [.. verbs.Select(v => v.Examples[0])];
    }

    public IReadOnlyList<string> Examples { get; }
}
