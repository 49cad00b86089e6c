using System.Runtime.Intrinsics.X86;

namespace Osprey.Interop.Torch;

/// <summary>Whether the processor multiplies bfloat16 itself. Where it does not, libtorch's oneDNN converts to float32 and back, and takes longer than with float32.</summary>
public static class BFloat16Instructions
{
    const int ExtendedFeatures = 7, Avx512BFloat16 = 5, AmxBFloat16 = 22;

    /// <summary>True on x86 without AVX512-BF16 and AMX-BF16, as CPUID says; of other processors nothing is known, and it is false.</summary>
    public static bool AreMissing { get; } = X86Base.IsSupported && !(Has(0, AmxBFloat16, edx: true) || Has(1, Avx512BFloat16, edx: false));

    static bool Has(int leaf, int bit, bool edx)
    {
        if (X86Base.CpuId(0, 0).Eax < ExtendedFeatures || X86Base.CpuId(ExtendedFeatures, 0).Eax < leaf) return false;
        (int eax, _, _, int last) = X86Base.CpuId(ExtendedFeatures, leaf);
        return (((edx ? last : eax) >> bit) & 1) != 0;
    }
}
