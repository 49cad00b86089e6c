using System.CommandLine;
using Osprey.Engine.Model;
using Osprey.Tool.Hosting;

namespace Osprey.Tool.Verbs;

sealed class WeightsConvertVerb : Verb
{
    readonly Argument<string> from = new("IN") { Description = "Weights to read: .safetensors or PyTorch .pth, told apart by content." };

    readonly Argument<string> to = new("OUT") { Description = "File to write; its extension says what: .safetensors, or .pth or .pt for PyTorch." };

    public WeightsConvertVerb()
        : base("convert", "Converts weights between .safetensors and PyTorch's .pth; names, shapes, element types and values stay.")
    {
        Add(from);
        Add(to);
    }

    public override IReadOnlyList<string> Examples => ["weights convert resnet50.pth resnet50.safetensors", "weights convert runs/aid/model.safetensors aid.pth"];

    public override string Notes => "Reading a .pth runs no code from it: containers and tensors are built, everything else is refused by name.";

    public override int Run(ParseResult arguments, Session session)
    {
        string source = InputFile.Required(arguments.GetRequiredValue(from)), target = InputFile.Writable(arguments.GetRequiredValue(to));
        WeightsConversion.Convert(source, target);
        WeightsInspection written = WeightsInspection.Of(target);
        if (session.Json) session.Write(new { From = source, To = target, written.Format, Tensors = written.Tensors.Count, written.Elements });
        else session.WriteLine($"{target}: {WeightsInspectVerb.FormatName(written.Format)}, {written.Tensors.Count} tensors, {written.Elements:N0} elements");
        return ExitCode.Done;
    }
}
