using System.Runtime.Intrinsics.X86;

namespace Osprey.Interop.Torch;

/// <summary>What CPUID says of the caches, which libtorch's convolutions (oneDNN) read once when it is loaded.</summary>
/// <remarks>
/// Some virtual machines hide it: there oneDNN 3 of libtorch 2.10 takes caches for empty, and the gradient of some 1×1 convolutions, those of ResNet-50's
/// bottlenecks, divides by zero, which ends the process (seen on a Zen 5 EPYC; in <c>brgemm_convolution_bwd_utils::brg_blocking_t::est_eff_1x1</c>).
/// So does the way forward on channels-last maps (<c>brgemm_convolution_utils</c>, ResNet-50 at 224 px), and not on others. Its instructions for SSE4.1 do neither.
/// </remarks>
public static class ProcessorCaches
{
    const string Instructions = "ONEDNN_MAX_CPU_ISA";

    /// <summary>Intel's leaf of cache parameters, and AMD's.</summary>
    const int IntelLeaf = 4, AmdLeaf = unchecked((int)0x8000001D);

    /// <summary>False where the gradient of a bottleneck, or its way forward on channels-last maps, would end the process.</summary>
    public static bool AllowBottleneckGradients { get; } =
        !X86Base.IsSupported || Describes(IntelLeaf, 0) || Describes(AmdLeaf, unchecked((int)0x80000000)) ||
        string.Equals(Environment.GetEnvironmentVariable(Instructions), "SSE41", StringComparison.OrdinalIgnoreCase);

    /// <summary>What to do where it would.</summary>
    public static string Advice =>
        $"this machine's processor does not report its caches (CPUID), and libtorch would divide by their size and end the process; train another network, or set {Instructions}=SSE41, which is slow";

    /// <summary>Whether the leaf is there and its first entry names a cache.</summary>
    static bool Describes(int leaf, int first) => unchecked((uint)X86Base.CpuId(first, 0).Eax >= (uint)leaf) && (X86Base.CpuId(leaf, 0).Eax & 31) != 0;
}
