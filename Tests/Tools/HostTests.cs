using System.CommandLine;
using NUnit.Framework;
using Osprey.Tool.Hosting;

namespace Osprey.Tests.Tools;

[TestFixture]
public class HostTests
{
    static IEnumerable<string> Verbs() => Leaves(Host.Create(new GlobalOptions())).Select(Host.PathOf);

    static IEnumerable<Command> Leaves(Command command) => command.Subcommands.Any() ? command.Subcommands.SelectMany(Leaves) : [command];

    [TestCaseSource(nameof(Verbs))]
    public void Help_has_usage_and_an_example_in_80_columns(string verb)
    {
        Cli.Answer answer = Cli.Done([.. verb.Split(' '), "--help"]);
        Assert.That(answer.Out, Does.Contain("Usage:\n  osprey " + verb).And.Contain("Examples:\n  osprey " + verb));
        Assert.That(answer.Error, Is.Empty);
        Assert.That(answer.Out.Split('\n').Select(l => l.Length).Max(), Is.LessThanOrEqualTo(80));
    }

    [TestCaseSource(nameof(Verbs))]
    public void Every_option_is_described(string verb)
    {
        Command command = Leaves(Host.Create(new GlobalOptions())).Single(c => Host.PathOf(c) == verb);
        foreach (Symbol symbol in command.Options.Cast<Symbol>().Concat(command.Arguments))
            Assert.That(symbol.Description, Has.Length.GreaterThan(10), $"{verb} {symbol.Name}");
    }

    /// <summary>An example that the parser refuses would be a wrong promise.</summary>
    [TestCaseSource(nameof(Verbs))]
    public void Every_example_parses(string verb)
    {
        RootCommand root = Host.Create(new GlobalOptions());
        foreach (string example in ((Verb)Leaves(root).Single(c => Host.PathOf(c) == verb)).Examples)
        {
            ParseResult parse = root.Parse(example);
            Assert.That(parse.Errors.Select(e => e.Message), Is.Empty, example);
            Assert.That(Host.PathOf(parse.CommandResult.Command), Is.EqualTo(verb), example);
        }
    }

    [TestCase("nonsense", "unknown verb 'nonsense'")]
    [TestCase("dcotor", "did you mean 'doctor'?")]
    [TestCase("doctor --theads 2", "did you mean '--threads'?")]
    [TestCase("doctor --seed x", "--seed is 'x'; give a whole number, 0 or more")]
    [TestCase("doctor --threads 0", "--threads is '0'; give a whole number, 1 to 1024")]
    [TestCase("doctor --device gpu", "unknown device 'gpu'; give auto, host, cuda, cuda:N or simulator")]
    [TestCase("doctor surplus", "unexpected argument 'surplus'")]
    [TestCase("", "give one of")]
    public void Wrong_usage_is_2_with_one_line(string line, string message)
    {
        Cli.Answer answer = Cli.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.That(answer.Code, Is.EqualTo(2));
        Assert.That(answer.Out, Is.Empty);
        Assert.That(answer.Error, Does.StartWith("osprey").And.Contain(message));
        Assert.That(answer.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void Version_is_on_stdout()
    {
        Cli.Answer answer = Cli.Done("--version");
        Assert.That(answer.Out, Does.Match(@"^\d+\.\d+\.\d+"));
    }

    static readonly TestCaseData[] Failures =
    [
        new TestCaseData(new ArgumentException("k is 0; give 1 or more", "k"), 2, "osprey v: k is 0; give 1 or more\n"),
        new TestCaseData(new FileNotFoundException("there is no x.npy"), 1, "osprey v: there is no x.npy\n"),
        new TestCaseData(new InvalidDataException("x.npy ends early\n   at libtorch frame 0"), 1, "osprey v: x.npy ends early\n"),
        new TestCaseData(new AggregateException(new InvalidDataException("bad")), 1, "osprey v: bad\n"),
        new TestCaseData(new AggregateException(new OperationCanceledException(), new InvalidDataException("bad")), 1, "osprey v: bad\n"),
        new TestCaseData(new TaskCanceledException(), 130, "osprey v: interrupted\n"),
        new TestCaseData(new FormatException("odd"), 1, "osprey v: odd (FormatException; --verbose shows where)\n"),
    ];

    [TestCaseSource(nameof(Failures))]
    public void Exceptions_become_a_line_and_a_code(Exception exception, int code, string line)
    {
        using var error = new StringWriter();
        Assert.That(Failure.Report(exception, "v", verbose: false, error), Is.EqualTo(code));
        Assert.That(error.ToString(), Is.EqualTo(line));
    }

    [Test]
    public void Only_verbose_shows_the_trace()
    {
        using var error = new StringWriter();
        try { throw new InvalidDataException("bad"); }
        catch (InvalidDataException e) { Failure.Report(e, "v", verbose: true, error); }
        Assert.That(error.ToString(), Does.Contain("   at Osprey.").And.EndWith("osprey v: bad\n"));
    }

    [Test]
    public void Tables_in_a_pipe_have_no_codes_no_frame_and_no_wrapping()
    {
        using var output = new StringWriter();
        using (var session = new Session(new Streams(output, TextWriter.Null), "v", "host", 0, false, 1, json: false, verbose: false, quiet: false, default))
        {
            Spectre.Console.Table table = Tables.Create("path", ">n");
            table.Row("/a/[brackets]/" + new string('x', 200), "7");
            session.Write(table);
        }
        string[] lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.That(output.ToString(), Does.Not.Contain("\u001b"));
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[2], Does.Contain("/a/[brackets]/" + new string('x', 200)).And.EndWith(" 7"));
    }
}
