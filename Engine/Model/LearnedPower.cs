using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>GeM's exponent as a parameter, <c>pool.p</c>.</summary>
sealed class LearnedPower : nn.Module
{
    public LearnedPower(Parameter power) : base(nameof(LearnedPower)) => register_parameter("p", power);
}
