using Osprey.Engine.Distributed;

namespace Osprey.Tool.Hosting;

/// <summary>From exception to one line on stderr and an exit code.</summary>
static class Failure
{
    public static int Report(Exception exception, string verb, bool verbose, TextWriter error)
    {
        Exception cause = Cause(exception);
        if (verbose && cause is not OperationCanceledException) error.WriteLine(exception.ToString());
        switch (cause)
        {
            case OperationCanceledException:
                error.WriteLine($"osprey {verb}: interrupted");
                return ExitCode.Interrupted;
            case ArgumentException argument:
                error.WriteLine($"osprey {verb}: {Message(argument)}");
                return ExitCode.Usage;
            case IOException or InvalidDataException or NotSupportedException or UnauthorizedAccessException or InvalidOperationException or ArithmeticException:
                error.WriteLine($"osprey {verb}: {OneLine(cause.Message)}");
                return ExitCode.Failed;
            case OutOfMemoryException:
                error.WriteLine($"osprey {verb}: out of memory; use a smaller --batch or --size");
                return ExitCode.Failed;
            default:
                error.WriteLine($"osprey {verb}: {OneLine(cause.Message)} ({cause.GetType().Name}{(verbose ? "" : "; --verbose shows where")})");
                return ExitCode.Failed;
        }
    }

    /// <summary>What went wrong, without the wrappers that threads and static constructors put around it.</summary>
    static Exception Cause(Exception e) => e switch
    {
        AggregateException { InnerExceptions.Count: > 0 } many => Cause(many.InnerExceptions.FirstOrDefault(i => i is not OperationCanceledException) ?? many.InnerExceptions[0]),
        TypeInitializationException { InnerException: Exception inner } => Cause(inner),
        RankFailedException { InnerException: Exception inner } => Cause(inner),
        System.Reflection.TargetInvocationException { InnerException: Exception inner } => Cause(inner),
        _ => e,
    };

    /// <summary>The message without the framework's <c>(Parameter 'x')</c>.</summary>
    static string Message(ArgumentException e)
    {
        string suffix = $" (Parameter '{e.ParamName}')";
        return OneLine(e.ParamName is not null && e.Message.EndsWith(suffix, StringComparison.Ordinal) ? e.Message[..^suffix.Length] : e.Message);
    }

    /// <summary>At most two lines: libtorch's messages carry its own stack trace after the first.</summary>
    public static string OneLine(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? "failed without a message" : lines[0];
    }
}
