using System.CommandLine;
using Osprey.Engine.Model;
using Osprey.Interop.Formats;
using Osprey.Tool.Hosting;
using Spectre.Console;

namespace Osprey.Tool.Verbs;

sealed class WeightsInspectVerb : Verb
{
    readonly Argument<string> file = new("FILE") { Description = "Weights: .safetensors or PyTorch .pth, old or new; told apart by content." };

    public WeightsInspectVerb()
        : base("inspect", "Shows what a weights file holds: the network, names, shapes and element types. Values are not read.")
    {
        Add(file);
    }

    public override IReadOnlyList<string> Examples => ["weights inspect squeezenet1_1.safetensors", "weights inspect resnet18.pth --json"];

    public override int Run(ParseResult arguments, Session session)
    {
        WeightsInspection found = WeightsInspection.Of(InputFile.Required(arguments.GetRequiredValue(file)));
        if (session.Json)
        {
            session.Write(found);
            return ExitCode.Done;
        }
        Table table = Tables.Create("tensor", "shape", "type", ">elements");
        foreach (TensorInfo tensor in found.Tensors)
            table.Row(tensor.Name, tensor.Shape.Count == 0 ? "scalar" : string.Join('×', tensor.Shape), tensor.Type, $"{tensor.Elements:N0}");
        session.Write(table);
        string network = found.Architecture is null ? "network not recognised" : found.Architecture + (found.Supported ? "" : ", which this tool does not have");
        session.WriteLine($"{network} · {FormatName(found.Format)} · {found.Tensors.Count} tensors · {found.Elements:N0} elements · {found.Bytes / 1e6:0.0} MB");
        return ExitCode.Done;
    }

    public static string FormatName(WeightsFormat format) => format switch
    {
        WeightsFormat.SafeTensors => "safetensors",
        WeightsFormat.PyTorch => "PyTorch",
        _ => "PyTorch before 1.6",
    };
}
