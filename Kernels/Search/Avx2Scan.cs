using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Osprey.Kernels.Search;

/// <summary><c>vpmaddubsw</c>, which sums two products in 16 bits: 2·255·63 fits, so a query's codes keep to seven bits.</summary>
internal sealed class Avx2Scan : Vector256Scan<Avx2Scan.Dot>
{
    public static bool IsSupported => Avx2.IsSupported;

    public override string Name => "AVX2";

    public override int QueryLimit => 63;

    internal readonly struct Dot : ICodeDot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<int> Add(Vector256<int> sum, Vector256<byte> rows, Vector256<sbyte> query) =>
            sum + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(rows, query), Vector256<short>.One);
    }
}
