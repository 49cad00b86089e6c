using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// Perturbation as CUDA kernels. Neighbouring values go to neighbouring threads. Under ℓ2 a group sums a chunk of an image, a warp per image turns the
/// chunks' sums into two factors, and a last kernel applies them: always in the same order, without atomics.
/// </summary>
internal sealed class CudaPerturbation : IDisposable
{
    /// <summary>Values of an image that one group handles: whole tiles of random numbers.</summary>
    const int ChunkLength = 128 * Philox.Tile;

    readonly PerturbationNorm norm;
    readonly Accelerator accelerator;
    readonly int groupSize;
    readonly DeviceBuffer<float> clean, gradient, perturbed, sums, factors, radii;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, float, uint, uint>? startUniform;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float>? stepLInf;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, uint, uint>? startNormals;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>? startFactors;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>? startPlace;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>? stepSums;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, int, float, float>? stepFactors;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>? stepUpdate;
    float[] radiiHere = [];

    public CudaPerturbation(Accelerator accelerator, PerturbationNorm norm)
    {
        this.accelerator = accelerator;
        this.norm = norm;
        groupSize = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        clean = new(accelerator);
        gradient = new(accelerator);
        perturbed = new(accelerator);
        sums = new(accelerator);
        factors = new(accelerator);
        radii = new(accelerator);
        if (norm == PerturbationNorm.LInf)
        {
            startUniform = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, float, uint, uint>(StartUniform);
            stepLInf = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, float, float>(StepLInf);
            return;
        }
        startNormals = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, uint, uint>(StartNormals);
        startFactors = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(StartFactors);
        startPlace = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(StartPlace);
        stepSums = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(StepSums);
        stepFactors = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, int, float, float>(StepFactors);
        stepUpdate = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, int>(StepUpdate);
    }

    public void Start(ReadOnlySpan<float> clean, int images, int valuesPerImage, float epsilon, ulong seed, Span<float> perturbed)
    {
        ArrayView<float> c = this.clean.Holding(clean), x = this.perturbed.OfLength(perturbed.Length);
        (uint k0, uint k1) = ((uint)seed, (uint)(seed >> 32));
        int chunks = images * ChunksOf(valuesPerImage);
        if (norm == PerturbationNorm.LInf)
        {
            startUniform!(new(chunks, groupSize), c, x, valuesPerImage, epsilon, k0, k1);
        }
        else
        {
            if (radiiHere.Length < images) radiiHere = new float[images];
            for (int n = 0; n < images; n++) radiiHere[n] = L2Ball.StartRadius(seed, n, valuesPerImage, epsilon);
            ArrayView<float> s = sums.OfLength(chunks), f = factors.OfLength(images);
            startNormals!(new(chunks, groupSize), x, s, valuesPerImage, k0, k1);
            startFactors!(new(images, accelerator.WarpSize), s, radii.Holding(radiiHere.AsSpan(0, images)), f, valuesPerImage);
            startPlace!(new(chunks, groupSize), c, x, f, valuesPerImage);
        }
        x.CopyToCPU(accelerator.DefaultStream, perturbed);
    }

    public void Step(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, Span<float> perturbed)
    {
        ArrayView<float> c = this.clean.Holding(clean), g = this.gradient.Holding(gradient), x = this.perturbed.Holding(perturbed);
        int chunks = images * ChunksOf(valuesPerImage);
        if (norm == PerturbationNorm.LInf)
        {
            stepLInf!(new((perturbed.Length - 1) / ChunkLength + 1, groupSize), c, g, x, stepSize, epsilon);
        }
        else
        {
            ArrayView<float> s = sums.OfLength(3 * chunks), f = factors.OfLength(2 * images);
            stepSums!(new(chunks, groupSize), c, g, x, s, valuesPerImage);
            stepFactors!(new(images, accelerator.WarpSize), s, f, valuesPerImage, stepSize, epsilon);
            stepUpdate!(new(chunks, groupSize), c, g, x, f, valuesPerImage);
        }
        x.CopyToCPU(accelerator.DefaultStream, perturbed);
    }

    static int ChunksOf(int values) => ((values - 1) / ChunkLength) + 1;

    static int ImageOf(int chunk, int values) => chunk / ChunksOf(values);

    /// <summary>Where this group's chunk begins within its image.</summary>
    static int First(int values) => Grid.IdxX % ChunksOf(values) * ChunkLength;

    static int End(int values) => Math.Min(values, First(values) + ChunkLength);

    static float Clamp(float x) => x < 0 ? 0 : x > 1 ? 1 : x;

    [CudaKernel]
    static void StepLInf(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, float stepSize, float epsilon)
    {
        long end = Math.Min(perturbed.Length, (Grid.IdxX + 1L) * ChunkLength);
        for (long i = ((long)Grid.IdxX * ChunkLength) + Group.IdxX; i < end; i += Group.DimX)
            perturbed[i] = LInfStep.Apply(clean[i], gradient[i], perturbed[i], stepSize, epsilon);
    }

    [CudaKernel]
    static void StartUniform(ArrayView<float> clean, ArrayView<float> perturbed, int values, float epsilon, uint k0, uint k1)
    {
        int image = ImageOf(Grid.IdxX, values), first = First(values), end = End(values);
        long at = (long)image * values;
        // A counter per thread and turn: four values, sixteen apart.
        for (int counter = first / 4 + Group.IdxX; ValueOf(counter) < end; counter += Group.DimX)
        {
            uint c0 = (uint)counter, c1 = 0, c2 = (uint)image, c3 = RandomStream.Uniform;
            Philox.Generate(ref c0, ref c1, ref c2, ref c3, k0, k1);
            int i = ValueOf(counter);
            PlaceUniform(clean, perturbed, at, i, end, c0, epsilon);
            PlaceUniform(clean, perturbed, at, i + 16, end, c1, epsilon);
            PlaceUniform(clean, perturbed, at, i + 32, end, c2, epsilon);
            PlaceUniform(clean, perturbed, at, i + 48, end, c3, epsilon);
        }
    }

    /// <summary>The value that the first word of a counter makes.</summary>
    static int ValueOf(int counter) => (counter / 16 * Philox.Tile) + (counter % 16);

    static void PlaceUniform(ArrayView<float> clean, ArrayView<float> perturbed, long at, int i, int end, uint word, float epsilon)
    {
        if (i >= end) return;
        float middle = clean[at + i];
        float t = (Philox.Unit(word) * 2) - 1;
        perturbed[at + i] = LInfStep.Project(middle, CudaMath.Fma(epsilon, t, middle), epsilon);
    }

    [CudaKernel]
    static void StartNormals(ArrayView<float> perturbed, ArrayView<float> sums, int values, uint k0, uint k1)
    {
        int image = ImageOf(Grid.IdxX, values), first = First(values), end = End(values);
        long at = (long)image * values;
        float square = 0;
        for (int counter = first / 4 + Group.IdxX; ValueOf(counter) < end; counter += Group.DimX)
        {
            uint c0 = (uint)counter, c1 = 0, c2 = (uint)image, c3 = RandomStream.Normal;
            Philox.Generate(ref c0, ref c1, ref c2, ref c3, k0, k1);
            int i = ValueOf(counter);
            float a = Gaussian.Pair(c0, c1, out float b), c = Gaussian.Pair(c2, c3, out float d);
            square += PlaceNormal(perturbed, at, i, end, a);
            square += PlaceNormal(perturbed, at, i + 16, end, b);
            square += PlaceNormal(perturbed, at, i + 32, end, c);
            square += PlaceNormal(perturbed, at, i + 48, end, d);
        }
        square = CudaMath.GroupSum(square);
        if (Group.IdxX == 0) sums[Grid.IdxX] = square;
    }

    static float PlaceNormal(ArrayView<float> perturbed, long at, int i, int end, float normal)
    {
        if (i >= end) return 0;
        perturbed[at + i] = normal;
        return normal * normal;
    }

    [CudaKernel]
    static void StartFactors(ArrayView<float> sums, ArrayView<float> radii, ArrayView<float> factors, int values)
    {
        int image = Grid.IdxX, chunks = ChunksOf(values);
        double square = 0;
        for (int k = Warp.LaneIdx; k < chunks; k += Warp.WarpSize) square += sums[(image * chunks) + k];
        square = CudaMath.WarpSum(square);
        if (Warp.LaneIdx == 0) factors[image] = (float)(radii[image] / XMath.Sqrt(square));
    }

    [CudaKernel]
    static void StartPlace(ArrayView<float> clean, ArrayView<float> perturbed, ArrayView<float> factors, int values)
    {
        int image = ImageOf(Grid.IdxX, values), end = End(values);
        long at = (long)image * values;
        float factor = factors[image];
        for (int i = First(values) + Group.IdxX; i < end; i += Group.DimX)
            perturbed[at + i] = Clamp(CudaMath.Fma(factor, perturbed[at + i], clean[at + i]));
    }

    [CudaKernel]
    static void StepSums(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, ArrayView<float> sums, int values)
    {
        int end = End(values);
        long at = (long)ImageOf(Grid.IdxX, values) * values;
        float dd = 0, dg = 0, gg = 0;
        for (int i = First(values) + Group.IdxX; i < end; i += Group.DimX)
        {
            float g = gradient[at + i], d = perturbed[at + i] - clean[at + i];
            dd = CudaMath.Fma(d, d, dd);
            dg = CudaMath.Fma(d, g, dg);
            gg = CudaMath.Fma(g, g, gg);
        }
        dd = CudaMath.GroupSum(dd);
        dg = CudaMath.GroupSum(dg);
        gg = CudaMath.GroupSum(gg);
        if (Group.IdxX > 0) return;
        sums[3L * Grid.IdxX] = dd;
        sums[(3L * Grid.IdxX) + 1] = dg;
        sums[(3L * Grid.IdxX) + 2] = gg;
    }

    [CudaKernel]
    static void StepFactors(ArrayView<float> sums, ArrayView<float> factors, int values, float stepSize, float epsilon)
    {
        int image = Grid.IdxX, chunks = ChunksOf(values);
        double dd = 0, dg = 0, gg = 0;
        for (int k = Warp.LaneIdx; k < chunks; k += Warp.WarpSize)
        {
            long at = 3L * ((image * chunks) + k);
            dd += sums[at];
            dg += sums[at + 1];
            gg += sums[at + 2];
        }
        dd = CudaMath.WarpSum(dd);
        dg = CudaMath.WarpSum(dg);
        gg = CudaMath.WarpSum(gg);
        if (Warp.LaneIdx > 0) return;
        factors[2 * image] = L2Ball.Factors(dd, dg, gg, stepSize, epsilon, out float shrink);
        factors[(2 * image) + 1] = shrink;
    }

    [CudaKernel]
    static void StepUpdate(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, ArrayView<float> factors, int values)
    {
        int image = ImageOf(Grid.IdxX, values), end = End(values);
        long at = (long)image * values;
        float step = factors[2 * image], shrink = factors[(2 * image) + 1];
        for (int i = First(values) + Group.IdxX; i < end; i += Group.DimX)
        {
            float c = clean[at + i];
            float z = CudaMath.Fma(step, gradient[at + i], perturbed[at + i] - c);
            perturbed[at + i] = Clamp(CudaMath.Fma(shrink, z, c));
        }
    }

    public void Dispose()
    {
        clean.Dispose();
        gradient.Dispose();
        perturbed.Dispose();
        sums.Dispose();
        factors.Dispose();
        radii.Dispose();
    }
}
