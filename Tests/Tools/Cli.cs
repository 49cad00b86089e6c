using System.Text.Json;
using NUnit.Framework;
using Osprey.Tool.Hosting;

namespace Osprey.Tests.Tools;

/// <summary>Runs the tool in this process and keeps what it wrote.</summary>
static class Cli
{
    internal sealed record Answer(int Code, string Out, string Error)
    {
        public JsonElement Json => JsonDocument.Parse(Out).RootElement;
    }

    public static Answer Run(params string[] words) => Run(CancellationToken.None, words);

    public static Answer Run(CancellationToken cancellation, params string[] words)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = Host.Run(words, new Streams(output, TextWriter.Synchronized(error)), cancellation);
        return new Answer(code, output.ToString(), error.ToString());
    }

    /// <summary>The run must have ended well; its messages are shown if not.</summary>
    public static Answer Done(params string[] words)
    {
        Answer answer = Run(words);
        Assert.That(answer.Code, Is.Zero, $"osprey {string.Join(' ', words)}\n{answer.Error}");
        return answer;
    }
}
