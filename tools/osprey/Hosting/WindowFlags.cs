using System.CommandLine;
using Osprey.Engine.Images;

namespace Osprey.Tool.Hosting;

/// <summary>How large TIFFs are cut into windows, for every verb that reads scenes.</summary>
sealed class WindowFlags
{
    readonly Option<int?> window;

    readonly Option<int?> stride = Flag.Whole<int>("--stride", "Pixels from one window to the next, 1 or more; below --window they overlap. Default: --window.", 1, int.MaxValue, value: "PX");

    readonly Option<int?> overview = Flag.Whole<int>("--overview", "Read the first (1), second (2) … overview instead of full resolution (0); --window and --stride are in its pixels. Default 0.", 0, 64);

    /// <param name="start">The window where none is given; null: then nothing is cut.</param>
    public WindowFlags(int? start) => window = Flag.Whole<int>(
        "--window", $"Cut TIFFs larger than this into square windows of so many pixels, 1 to 16384, as they are read; windows without data are left out. Default {(start is null ? "off" : start)}.", 1, 16384, start, "PX");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { window, stride, overview }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(window) is null && (result.GetValue(stride) is not null || result.GetValue(overview) is not null)) result.AddError("--stride and --overview say how scenes are cut; give --window as well");
        });
    }

    /// <summary>Null where nothing is to be cut.</summary>
    public WindowGrid? Bind(ParseResult arguments) => arguments.GetValue(window) is int size
        ? new WindowGrid { Size = size, Stride = arguments.GetValue(stride) ?? size, Overview = arguments.GetValue(overview) ?? 0 }
        : null;
}
