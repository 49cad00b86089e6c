using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>The tensors of a module, seen from outside.</summary>
static class ModuleTensors
{
    /// <summary>Parameters and buffers by name, live, in the order they were registered in.</summary>
    public static Dictionary<string, Tensor> State(nn.Module module)
    {
        var state = new Dictionary<string, Tensor>();
        foreach (var (name, parameter) in module.named_parameters()) state[name] = parameter;
        foreach (var (name, buffer) in module.named_buffers(include_nonpersistent: false)) state[name] = buffer;
        return state;
    }

    /// <summary>Copies values by name, converting the type where it differs.</summary>
    public static void Copy(IReadOnlyDictionary<string, Tensor> from, IReadOnlyDictionary<string, Tensor> to)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, target) in to)
            if (from.TryGetValue(name, out Tensor? value)) target.copy_(value);
    }

    /// <summary>Copies of the values as they are now, without gradients, that outlive the dispose scope; the caller's.</summary>
    public static Dictionary<string, Tensor> Clone(IReadOnlyDictionary<string, Tensor> state) => state.ToDictionary(t => t.Key, t => t.Value.detach().clone().DetachFromDisposeScope());

    /// <summary>A module's tensors live as long as the module, whatever dispose scope it was made in.</summary>
    public static void Keep(nn.Module module)
    {
        foreach (Tensor tensor in State(module).Values) tensor.DetachFromDisposeScope();
    }
}
