using System.Runtime.InteropServices;

namespace Osprey.Tool.Hosting;

/// <summary>
/// Ctrl-C and SIGTERM. The first asks the work to stop where it can be resumed (the verb then ends with 130); the second ends the process at
/// once, also with 130. Nothing is lost by the second but the part or step in hand: everything is written aside and renamed.
/// </summary>
sealed class Interruption : IDisposable
{
    readonly CancellationTokenSource source = new();
    readonly TextWriter log;
    readonly bool terminal;
    readonly PosixSignalRegistration[] registrations;
    int count;

    /// <param name="log">Standard error.</param>
    /// <param name="terminal">It is one: a live display may have hidden its cursor.</param>
    public Interruption(TextWriter log, bool terminal)
    {
        this.log = log;
        this.terminal = terminal;
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    public CancellationToken Token => source.Token;

    void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref count) > 1)
        {
            if (terminal) log.Write("\u001b[?25h");
            Environment.Exit(ExitCode.Interrupted);
        }
        log.WriteLine();
        log.WriteLine("osprey: stopping at the next safe place; once more to quit at once");
        source.Cancel();
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations) registration.Dispose();
        source.Dispose();
    }
}
