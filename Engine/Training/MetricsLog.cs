using System.Text;
using System.Text.Json;

namespace Osprey.Engine.Training;

/// <summary>One line of <c>metrics.jsonl</c>: a step, or the mean of an epoch.</summary>
/// <param name="Kind"><c>step</c> or <c>epoch</c>.</param>
/// <param name="Step">Updates done, this one included.</param>
/// <param name="Epoch">1-based.</param>
/// <param name="Loss">What was minimised.</param>
/// <param name="LossAdv">On the attacked images.</param>
/// <param name="Lr">The backbone's learning rate.</param>
/// <param name="GradNorm">Before clipping.</param>
/// <param name="HeldOutMap">Of an epoch: mean average precision on the held-out part.</param>
public sealed record MetricsLine(
    string Kind, long Step, int Epoch, double Loss, double? LossClean = null, double? LossAdv = null, double? Lr = null, double? GradNorm = null,
    double? ImagesPerSecond = null, double? HeldOutMap = null);

/// <summary><c>metrics.jsonl</c>, appended line by line. A line is in the operating system's hands before the next step begins.</summary>
internal sealed class MetricsLog : IDisposable
{
    readonly FileStream file;

    /// <param name="length">Bytes to keep of what is there: those that the checkpoint knew of.</param>
    public MetricsLog(string path, long length)
    {
        file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        if (file.Length > length) file.SetLength(length);
        file.Seek(0, SeekOrigin.End);
    }

    /// <summary>Sees all lines so far to the disk, so that no checkpoint knows of lines that a power failure takes.</summary>
    /// <returns>Their length in bytes.</returns>
    public long Commit()
    {
        file.Flush(flushToDisk: true);
        return file.Position;
    }

    public void Write(MetricsLine line)
    {
        file.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(line, Json.Line) + "\n"));
        file.Flush();
    }

    public void Dispose() => file.Dispose();
}
