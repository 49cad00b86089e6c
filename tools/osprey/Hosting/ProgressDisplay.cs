using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Osprey.Tool.Hosting;

/// <summary>
/// Progress on stderr with rate and time left. On a terminal one live bar, in a pipe or file plain lines, the first after two seconds and then
/// one every five. A stage that took a second leaves a line that says so.
/// </summary>
/// <remarks>Reports may come from any thread; they are shown in the order in which they arrive.</remarks>
sealed class ProgressDisplay : IProgress<Osprey.Engine.Progress>, IDisposable
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(2), Every = TimeSpan.FromSeconds(5);

    readonly IAnsiConsole console;
    readonly bool live;
    readonly bool quiet;
    readonly TimeSpan shortest;
    readonly Lock gate = new();
    readonly Stopwatch clock = new();
    Osprey.Engine.Progress? current;
    long doneAtStart;
    TimeSpan nextLine;
    LiveBar? bar;

    /// <param name="console">Standard error.</param>
    /// <param name="live">It is a terminal.</param>
    /// <param name="quiet">Show nothing.</param>
    /// <param name="shortest">Stages that end sooner leave no line; a second unless given.</param>
    public ProgressDisplay(IAnsiConsole console, bool live, bool quiet, TimeSpan? shortest = null)
    {
        this.shortest = shortest ?? TimeSpan.FromSeconds(1);
        this.console = console;
        this.live = live && console.Profile.Capabilities.Ansi;
        this.quiet = quiet;
    }

    public void Report(Osprey.Engine.Progress value)
    {
        if (quiet) return;
        lock (gate)
        {
            if (current is not Osprey.Engine.Progress previous || previous.Stage != value.Stage || value.Done < previous.Done)
            {
                EndStageLocked();
                clock.Restart();
                doneAtStart = value.Done;
                nextLine = First;
            }
            current = value;
            if (live)
            {
                bar ??= new LiveBar(console, value.Stage);
                bar.Show(value, Figures(value));
            }
            else if (clock.Elapsed >= nextLine)
            {
                Consoles.WriteLine(console, $"{value.Stage}: {Figures(value)}");
                nextLine = clock.Elapsed + Every;
            }
        }
    }

    /// <summary>Closes the stage in hand with a line that says what was done in how long.</summary>
    public void EndStage()
    {
        lock (gate) EndStageLocked();
    }

    void EndStageLocked()
    {
        if (current is not Osprey.Engine.Progress last) return;
        current = null;
        bar?.Dispose();
        bar = null;
        if (clock.Elapsed < shortest) return;
        double seconds = clock.Elapsed.TotalSeconds;
        string rate = seconds >= 0.5 && last.Done > doneAtStart ? $" · {Rate((last.Done - doneAtStart) / seconds)} {last.Unit}/s" : "";
        string of = last.Total > 0 && last.Done < last.Total ? $" of {last.Total}" : "";
        Consoles.WriteLine(console, $"{last.Stage}: {last.Done}{of} {last.Unit} in {Duration(clock.Elapsed)}{rate}{Detail(last)}");
    }

    string Figures(in Osprey.Engine.Progress value)
    {
        string count = value.Total > 0 ? $"{value.Done}/{value.Total} {value.Unit}" : $"{value.Done} {value.Unit}";
        double seconds = clock.Elapsed.TotalSeconds;
        long done = value.Done - doneAtStart;
        if (seconds < 0.5 || done <= 0) return count + Detail(value);
        double rate = done / seconds;
        string left = value.Total > value.Done ? $" · {Duration(TimeSpan.FromSeconds((value.Total - value.Done) / rate))} left" : "";
        return $"{count} · {Rate(rate)}/s{left}{Detail(value)}";
    }

    static string Detail(in Osprey.Engine.Progress value) => value.Detail.Length > 0 ? $" · {value.Detail}" : "";

    static string Rate(double perSecond) => perSecond >= 100 ? $"{perSecond:0}" : perSecond >= 10 ? $"{perSecond:0.0}" : $"{perSecond:0.00}";

    static string Duration(TimeSpan t) =>
        t.TotalSeconds < 60 ? $"{t.TotalSeconds:0.0} s" : t.TotalHours < 1 ? $"{(int)t.TotalMinutes}:{t.Seconds:00} min" : $"{(int)t.TotalHours}:{t.Minutes:00} h";

    public void Dispose() => EndStage();

    /// <summary>Spectre's live bar, held open from another thread until the stage ends.</summary>
    sealed class LiveBar : IDisposable
    {
        readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly TaskCompletionSource<ProgressTask> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        readonly Task display;

        public LiveBar(IAnsiConsole console, string stage)
        {
            var figures = new FiguresColumn();
            display = Task.Run(() => console.Progress()
                .AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = 20 }, figures)
                .StartAsync(async context =>
                {
                    started.SetResult(context.AddTask(stage.EscapeMarkup()));
                    await ended.Task.ConfigureAwait(false);
                }));
        }

        public void Show(in Osprey.Engine.Progress value, string figures)
        {
            // Where the display cannot start, its own exception comes up here instead of a wait without end.
            if (!started.Task.IsCompleted) Task.WhenAny(started.Task, display).GetAwaiter().GetResult();
            if (!started.Task.IsCompleted) display.GetAwaiter().GetResult();
            ProgressTask task = started.Task.GetAwaiter().GetResult();
            task.Description = value.Stage.EscapeMarkup();
            task.IsIndeterminate = value.Total <= 0;
            if (value.Total > 0)
            {
                task.MaxValue = value.Total;
                task.Value = value.Done;
            }
            task.Tag = figures;
        }

        public void Dispose()
        {
            ended.SetResult();
            display.GetAwaiter().GetResult();
        }
    }

    sealed class FiguresColumn : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(task.Tag as string ?? "").Overflow(Overflow.Ellipsis);
    }
}
