using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Osprey.Kernels.Search;

/// <summary><c>vpdpbusd</c> on 256 bits, as .NET exposes it: Alder Lake, Sapphire Rapids, Zen 5.</summary>
internal sealed class AvxVnniScan : Vector256Scan<AvxVnniScan.Dot>
{
    public static bool IsSupported => AvxVnni.IsSupported;

    public override string Name => "AVX-VNNI";

    public override int QueryLimit => 127;

    internal readonly struct Dot : ICodeDot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<int> Add(Vector256<int> sum, Vector256<byte> rows, Vector256<sbyte> query) => AvxVnni.MultiplyWideningAndAdd(sum, rows, query);
    }
}
