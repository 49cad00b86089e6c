using System.Text.Json;
using Osprey.Engine;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Kernels;
using Spectre.Console;

namespace Osprey.Tool.Hosting;

/// <summary>What one run of one verb has at hand: streams, the global options' values, the device, progress and cancellation.</summary>
sealed class Session : IDisposable
{
    readonly Streams streams;
    readonly string deviceName;
    readonly Lazy<ProgressDisplay> display;
    Device? device;
    ICommunicator? ranks;

    public Session(Streams streams, string verb, string deviceName, long seed, bool seedIsGiven, int threads, bool json, bool verbose, bool quiet, CancellationToken cancellation)
    {
        this.streams = streams;
        this.deviceName = deviceName;
        Verb = verb;
        Seed = seed;
        SeedIsGiven = seedIsGiven;
        Threads = threads;
        Json = json;
        Verbose = verbose;
        Quiet = quiet;
        Cancellation = cancellation;
        Output = Consoles.Create(streams.Out, streams.OutIsTerminal, streams.Color);
        Log = Consoles.Create(streams.Error, streams.ErrorIsTerminal, streams.Color);
        display = new(() => new ProgressDisplay(Log, live: streams.ErrorIsTerminal, quiet));
    }

    /// <summary>The words after <c>osprey</c>, as in messages: <c>data check</c>.</summary>
    public string Verb { get; }

    public long Seed { get; }

    /// <summary>Whether the command line names the seed; a configuration file may have one too.</summary>
    public bool SeedIsGiven { get; }

    public int Threads { get; }

    public bool Json { get; }

    public bool Verbose { get; }

    public bool Quiet { get; }

    public CancellationToken Cancellation { get; }

    /// <summary>Standard output: results only.</summary>
    public IAnsiConsole Output { get; }

    /// <summary>Standard error.</summary>
    public IAnsiConsole Log { get; }

    public IProgress<Osprey.Engine.Progress> Progress => display.Value;

    /// <summary>Opened on first use, with the thread count of the command line.</summary>
    public Device Device => device ??= Device.Open(deviceName, Threads);

    /// <summary>The processes that were started together, joined on first use; one by itself where there was no mpirun.</summary>
    public ICommunicator Ranks => ranks ??= Launch.Open();

    /// <summary>Ends the other processes, which may be waiting for this one: it has failed, and they do not know.</summary>
    public void AbortOthers(int exitCode)
    {
        if (ranks is { Size: > 1 }) ranks.Abort(exitCode);
    }

    /// <summary>Sets torch's threads and seed; every verb that runs a network calls it first.</summary>
    public void ConfigureTorch() => TorchRuntime.Configure(Threads, Seed);

    /// <summary>A line on stderr that a user may do without.</summary>
    public void Note(string line)
    {
        if (!Quiet) Warn(line);
    }

    /// <summary>A line on stderr that a user must see.</summary>
    public void Warn(string line) => Consoles.WriteLine(Log, line);

    /// <summary>The files that could not be used, by name, on stderr.</summary>
    public void Warn(IReadOnlyCollection<BadFile> files)
    {
        foreach (BadFile file in files) Warn($"osprey {Verb}: skipped {file.Path}: {file.Reason}");
    }

    public void Write<T>(T result)
    {
        EndProgress();
        streams.Out.WriteLine(JsonSerializer.Serialize(result, Osprey.Engine.Json.Options));
    }

    public void Write(Table table)
    {
        EndProgress();
        if (streams.OutIsTerminal)
        {
            Output.Write(table);
            return;
        }
        // In a pipe the frame's blank lines and padding are noise.
        using var text = new StringWriter();
        Consoles.Create(text, terminal: false, color: false).Write(table);
        foreach (string line in text.ToString().Split('\n').Where(l => l.Trim().Length > 0)) streams.Out.WriteLine(line.TrimEnd());
    }

    /// <summary>A line of results on stdout.</summary>
    public void WriteLine(string line)
    {
        EndProgress();
        streams.Out.WriteLine(line);
    }

    /// <summary>Ends the progress display's stage: results and errors stand below its last line.</summary>
    public void EndProgress()
    {
        if (display.IsValueCreated) display.Value.EndStage();
    }

    /// <summary>Ends the progress display and leaves the other processes, once they leave too.</summary>
    public void Dispose()
    {
        if (display.IsValueCreated) display.Value.Dispose();
        device?.Dispose();
        ranks?.Dispose();
    }
}
