using System.Diagnostics;

namespace Osprey.Engine.Retrieval;

/// <summary>What a thread of an extraction does or waits for.</summary>
enum ExtractionStep
{
    /// <summary>Reading a file and decoding it.</summary>
    Decode,

    Resize,

    /// <summary>Filling a batch, backbone, pooling and head.</summary>
    Describe,

    /// <summary>The describing thread has no image to go on with.</summary>
    Wait,

    Write,
}

/// <summary>One stage of an extraction.</summary>
/// <param name="Threads">That work in it.</param>
/// <param name="BusySeconds">Time at work, added over the threads. On the clock: a thread that waits for a core counts as busy.</param>
/// <param name="WaitingShare">Of the threads' time: how much of it they had nothing to do, or nowhere to put it. 0…1.</param>
public sealed record StageFigures(int Threads, double BusySeconds, double WaitingShare);

/// <summary>What an extraction did, from the first image that is read to the last part that is written; opening model, data and store lies before.</summary>
public sealed record ExtractionFigures
{
    /// <summary>Of this run, bad files among them: those of parts that were there are not.</summary>
    public required long Images { get; init; }

    public required long BadFiles { get; init; }

    public required double Seconds { get; init; }

    /// <summary>0 where there was nothing to do.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Of all threads of the process, those of the convolutions included. Over <see cref="Seconds"/>: the cores in use.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>Reading, decoding and resizing.</summary>
    public required StageFigures Load { get; init; }

    /// <summary>Of <see cref="Load"/>'s busy time.</summary>
    public required double DecodeSeconds { get; init; }

    /// <summary>Of <see cref="Load"/>'s busy time.</summary>
    public required double ResizeSeconds { get; init; }

    /// <summary>Batches, backbone, pooling and head; the one thread has the kernels' threads at its call.</summary>
    public required StageFigures Describe { get; init; }

    /// <summary>How long <see cref="Describe"/> waited for images.</summary>
    public required double InputWaitSeconds { get; init; }

    /// <summary>Parts to the disk, with checksums.</summary>
    public required StageFigures Write { get; init; }
}

/// <summary>Where the time of one <see cref="StoreExtraction.Run"/> goes.</summary>
public sealed class ExtractionTimes
{
    readonly long[] ticks = new long[Enum.GetValues<ExtractionStep>().Length];
    long started, stopped, images, bad;
    TimeSpan cpu;
    int threads;

    internal void Start(int loadThreads)
    {
        threads = loadThreads;
        cpu = Environment.CpuUsage.TotalTime;
        started = Stopwatch.GetTimestamp();
    }

    internal void Stop()
    {
        stopped = Stopwatch.GetTimestamp();
        cpu = Environment.CpuUsage.TotalTime - cpu;
    }

    /// <summary>A step that began at <paramref name="start"/> ends now. Safe to call from many threads.</summary>
    /// <returns>Now, when the next step begins.</returns>
    internal long Add(ExtractionStep step, long start)
    {
        long now = Stopwatch.GetTimestamp();
        Interlocked.Add(ref ticks[(int)step], now - start);
        return now;
    }

    internal void Count(int described, int badFiles)
    {
        images += described;
        bad += badFiles;
    }

    /// <summary>Of the finished run.</summary>
    /// <exception cref="InvalidOperationException">The run has not ended well.</exception>
    public ExtractionFigures Figures()
    {
        if (stopped == 0) throw new InvalidOperationException("the extraction has not ended: it has no figures yet");
        double seconds = Stopwatch.GetElapsedTime(started, stopped).TotalSeconds;
        return new ExtractionFigures
        {
            Images = images,
            BadFiles = bad,
            Seconds = seconds,
            ImagesPerSecond = images == 0 ? 0 : images / seconds,
            CpuSeconds = cpu.TotalSeconds,
            Load = Stage(threads, ExtractionStep.Decode, ExtractionStep.Resize),
            DecodeSeconds = Seconds(ExtractionStep.Decode),
            ResizeSeconds = Seconds(ExtractionStep.Resize),
            Describe = Stage(1, ExtractionStep.Describe),
            InputWaitSeconds = Seconds(ExtractionStep.Wait),
            Write = Stage(1, ExtractionStep.Write),
        };

        StageFigures Stage(int count, params ExtractionStep[] steps)
        {
            double busy = steps.Sum(Seconds);
            return new StageFigures(count, busy, Math.Clamp(1 - busy / (count * seconds), 0, 1));
        }
    }

    double Seconds(ExtractionStep step) => ticks[(int)step] / (double)Stopwatch.Frequency;
}
