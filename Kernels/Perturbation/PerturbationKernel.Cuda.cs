using ILGPU;
using Osprey.Kernels.Arithmetic;
using Osprey.Kernels.Sharing;

namespace Osprey.Kernels.Perturbation;

/// <summary>
/// Perturbation as CUDA kernels, one launch for each start or step. Neighbouring values go to neighbouring threads. Where an image's norm is needed its groups meet
/// inside the launch (<see cref="ImageParts"/>) and read their parts again, from the L2 cache where an image is not huge.
/// </summary>
internal sealed class CudaPerturbation : IDisposable
{
    /// <summary>Values that one group handles where no image has to be kept together: whole tiles of random numbers.</summary>
    const int ChunkLength = 128 * Philox.Tile;

    readonly PerturbationNorm norm;
    readonly int groupSize, multiprocessors;
    readonly ScratchBuffer<double> sums;
    readonly ScratchBuffer<int> counters;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, StartSettings>? startLInf;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, StepSettings>? stepLInf;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StartSettings>? startL2;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StepSettings>? stepL2;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StepSettings> momentumStep;

    public CudaPerturbation(KernelLoader loader, PerturbationNorm norm)
    {
        this.norm = norm;
        groupSize = Math.Min(512, loader.MaxGroupSize);
        multiprocessors = loader.Multiprocessors;
        sums = new(loader);
        counters = new(loader);
        if (norm == PerturbationNorm.LInf)
        {
            startLInf = loader.Load<ArrayView<float>, ArrayView<float>, StartSettings>(StartLInf);
            stepLInf = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, StepSettings>(StepLInf);
            momentumStep = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StepSettings>(MomentumStepLInf);
            return;
        }
        startL2 = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StartSettings>(StartL2);
        stepL2 = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StepSettings>(StepL2);
        momentumStep = loader.Load<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<int>, ArrayView<double>, StepSettings>(MomentumStepL2);
    }

    public void Start(ArrayView<float> clean, int images, int values, float epsilon, ulong seed, ArrayView<float> perturbed)
    {
        var settings = new StartSettings(new(values, multiprocessors), epsilon, seed);
        if (norm == PerturbationNorm.LInf) startLInf!(new(images * ChunksOf(values), groupSize), clean, perturbed, settings);
        else startL2!(Launch(images, settings.Parts), clean, perturbed, Counters(images), Sums(images, settings.Parts), settings);
    }

    public void Step(ArrayView<float> clean, ArrayView<float> gradient, int images, int values, float stepSize, float epsilon, ArrayView<float> perturbed)
    {
        var settings = new StepSettings(new(values, multiprocessors), stepSize, epsilon, 0);
        if (norm == PerturbationNorm.LInf) stepLInf!(new((int)((perturbed.Length - 1) / ChunkLength) + 1, groupSize), clean, gradient, perturbed, settings);
        else stepL2!(Launch(images, settings.Parts), clean, gradient, perturbed, Counters(images), Sums(images, settings.Parts), settings);
    }

    public void MomentumStep(
        ArrayView<float> clean, ArrayView<float> gradient, int images, int values, float stepSize, float epsilon, float decay, ArrayView<float> momentum, ArrayView<float> perturbed)
    {
        var settings = new StepSettings(new(values, multiprocessors), stepSize, epsilon, decay);
        momentumStep(Launch(images, settings.Parts), clean, gradient, momentum, perturbed, Counters(images), Sums(images, settings.Parts), settings);
    }

    KernelConfig Launch(int images, ImageParts parts) => new(images * parts.Count, groupSize);

    ArrayView<int> Counters(int images) => counters.OfLength(ImageParts.CountersOf(images));

    ArrayView<double> Sums(int images, ImageParts parts) => sums.OfLength(parts.SumsOf(images));

    static int ChunksOf(long values) => (int)((values - 1) / ChunkLength) + 1;

    static float Clamp(float x) => x < 0 ? 0 : x > 1 ? 1 : x;

    [CudaKernel]
    static void StepLInf(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, StepSettings settings)
    {
        float step = settings.StepSize, epsilon = settings.Epsilon;
        long end = Math.Min(perturbed.Length, (Grid.IdxX + 1L) * ChunkLength), i = ((long)Grid.IdxX * ChunkLength) + Group.IdxX;
        int next = Group.DimX;
        // Twelve loads on their way before the first is needed: the compiler may not move a load over a store.
        for (; i + (3L * next) < end; i += 4L * next)
        {
            long j = i + next, k = j + next, l = k + next;
            float c0 = clean[i], c1 = clean[j], c2 = clean[k], c3 = clean[l];
            float g0 = gradient[i], g1 = gradient[j], g2 = gradient[k], g3 = gradient[l];
            float x0 = perturbed[i], x1 = perturbed[j], x2 = perturbed[k], x3 = perturbed[l];
            perturbed[i] = LInfStep.Apply(c0, g0, x0, step, epsilon);
            perturbed[j] = LInfStep.Apply(c1, g1, x1, step, epsilon);
            perturbed[k] = LInfStep.Apply(c2, g2, x2, step, epsilon);
            perturbed[l] = LInfStep.Apply(c3, g3, x3, step, epsilon);
        }
        for (; i < end; i += next) perturbed[i] = LInfStep.Apply(clean[i], gradient[i], perturbed[i], step, epsilon);
    }

    [CudaKernel]
    static void StepL2(ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> perturbed, ArrayView<int> counters, ArrayView<double> sums, StepSettings settings)
    {
        ImageParts parts = settings.Parts;
        int ticket = parts.Enter(counters);
        long first = parts.FirstOf(ticket) + Group.IdxX, end = parts.EndOf(ticket), at = parts.ImageOf(ticket) * parts.Values;
        float dd = 0, dg = 0, gg = 0;
        for (long i = first; i < end; i += Group.DimX)
        {
            float g = gradient[at + i], d = perturbed[at + i] - clean[at + i];
            dd = CudaMath.Fma(d, d, dd);
            dg = CudaMath.Fma(d, g, dg);
            gg = CudaMath.Fma(g, g, gg);
        }
        double dd2 = dd, dg2 = dg, gg2 = gg;
        parts.Sum(counters, sums, ticket, 1, ref dd2, ref dg2, ref gg2);
        parts.Leave(counters, ticket, 1);
        float scale = L2Ball.Factors(dd2, dg2, gg2, settings.StepSize, settings.Epsilon, out float shrink);
        MoveL2(clean, gradient, perturbed, at, first, end, scale, shrink);
    }

    static void MoveL2(ArrayView<float> clean, ArrayView<float> direction, ArrayView<float> perturbed, long at, long first, long end, float scale, float shrink)
    {
        for (long i = first; i < end; i += Group.DimX)
        {
            float c = clean[at + i];
            float z = CudaMath.Fma(scale, direction[at + i], perturbed[at + i] - c);
            perturbed[at + i] = Clamp(CudaMath.Fma(shrink, z, c));
        }
    }

    static float SumGradient(ArrayView<float> gradient, long at, long first, long end)
    {
        float l1 = 0;
        for (long i = first; i < end; i += Group.DimX) l1 += Math.Abs(gradient[at + i]);
        return l1;
    }

    [CudaKernel]
    static void MomentumStepLInf(
        ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> momentum, ArrayView<float> perturbed, ArrayView<int> counters, ArrayView<double> sums, StepSettings settings)
    {
        ImageParts parts = settings.Parts;
        int ticket = parts.Enter(counters);
        long first = parts.FirstOf(ticket) + Group.IdxX, end = parts.EndOf(ticket), at = parts.ImageOf(ticket) * parts.Values;
        float scale = Momentum.Scale(parts.Sum(counters, sums, ticket, SumGradient(gradient, at, first, end)));
        parts.Leave(counters, ticket, 1);
        for (long i = first; i < end; i += Group.DimX)
        {
            float c = clean[at + i], x = perturbed[at + i];
            float m = Momentum.Next(momentum[at + i], gradient[at + i], settings.Decay, scale);
            momentum[at + i] = m;
            perturbed[at + i] = LInfStep.Apply(c, m, x, settings.StepSize, settings.Epsilon);
        }
    }

    [CudaKernel]
    static void MomentumStepL2(
        ArrayView<float> clean, ArrayView<float> gradient, ArrayView<float> momentum, ArrayView<float> perturbed, ArrayView<int> counters, ArrayView<double> sums, StepSettings settings)
    {
        ImageParts parts = settings.Parts;
        int ticket = parts.Enter(counters);
        long first = parts.FirstOf(ticket) + Group.IdxX, end = parts.EndOf(ticket), at = parts.ImageOf(ticket) * parts.Values;
        float l1Scale = Momentum.Scale(parts.Sum(counters, sums, ticket, SumGradient(gradient, at, first, end)));
        float dd = 0, dg = 0, gg = 0;
        for (long i = first; i < end; i += Group.DimX)
        {
            float d = perturbed[at + i] - clean[at + i];
            float m = Momentum.Next(momentum[at + i], gradient[at + i], settings.Decay, l1Scale);
            momentum[at + i] = m;
            dd = CudaMath.Fma(d, d, dd);
            dg = CudaMath.Fma(d, m, dg);
            gg = CudaMath.Fma(m, m, gg);
        }
        double dd2 = dd, dg2 = dg, gg2 = gg;
        parts.Sum(counters, sums, ticket, 2, ref dd2, ref dg2, ref gg2);
        parts.Leave(counters, ticket, 2);
        float scale = L2Ball.Factors(dd2, dg2, gg2, settings.StepSize, settings.Epsilon, out float shrink);
        MoveL2(clean, momentum, perturbed, at, first, end, scale, shrink);
    }

    [CudaKernel]
    static void StartLInf(ArrayView<float> clean, ArrayView<float> perturbed, StartSettings settings)
    {
        long values = settings.Parts.Values, chunks = ChunksOf(values);
        int image = (int)(Grid.IdxX / chunks);
        long first = Grid.IdxX % chunks * ChunkLength, end = Math.Min(values, first + ChunkLength), at = image * values;
        // A counter per thread and turn: four values, sixteen apart.
        for (long counter = (first / 4) + Group.IdxX; ValueOf(counter) < end; counter += Group.DimX)
        {
            uint c0 = (uint)counter, c1 = 0, c2 = (uint)image, c3 = RandomStream.Uniform;
            Philox.Generate(ref c0, ref c1, ref c2, ref c3, settings.Key0, settings.Key1);
            long i = ValueOf(counter);
            PlaceUniform(clean, perturbed, at, i, end, c0, settings.Epsilon);
            PlaceUniform(clean, perturbed, at, i + 16, end, c1, settings.Epsilon);
            PlaceUniform(clean, perturbed, at, i + 32, end, c2, settings.Epsilon);
            PlaceUniform(clean, perturbed, at, i + 48, end, c3, settings.Epsilon);
        }
    }

    /// <summary>The value that the first word of a counter makes.</summary>
    static long ValueOf(long counter) => (counter / 16 * Philox.Tile) + (counter % 16);

    static void PlaceUniform(ArrayView<float> clean, ArrayView<float> perturbed, long at, long i, long end, uint word, float epsilon)
    {
        if (i >= end) return;
        float middle = clean[at + i];
        float t = (Philox.Unit(word) * 2) - 1;
        perturbed[at + i] = LInfStep.Project(middle, CudaMath.Fma(epsilon, t, middle), epsilon);
    }

    [CudaKernel]
    static void StartL2(ArrayView<float> clean, ArrayView<float> perturbed, ArrayView<int> counters, ArrayView<double> sums, StartSettings settings)
    {
        ImageParts parts = settings.Parts;
        int ticket = parts.Enter(counters), image = parts.ImageOf(ticket);
        long first = parts.FirstOf(ticket), end = parts.EndOf(ticket), at = image * parts.Values;
        float square = 0;
        for (long counter = (first / 4) + Group.IdxX; ValueOf(counter) < end; counter += Group.DimX)
        {
            uint c0 = (uint)counter, c1 = 0, c2 = (uint)image, c3 = RandomStream.Normal;
            Philox.Generate(ref c0, ref c1, ref c2, ref c3, settings.Key0, settings.Key1);
            long i = ValueOf(counter);
            float a = Gaussian.Pair(c0, c1, out float b), c = Gaussian.Pair(c2, c3, out float d);
            square += PlaceNormal(perturbed, at, i, end, a);
            square += PlaceNormal(perturbed, at, i + 16, end, b);
            square += PlaceNormal(perturbed, at, i + 32, end, c);
            square += PlaceNormal(perturbed, at, i + 48, end, d);
        }
        // The barriers of the sum also show every thread of the group what the others wrote.
        double total = parts.Sum(counters, sums, ticket, square);
        parts.Leave(counters, ticket, 1);
        ulong seed = settings.Key0 | ((ulong)settings.Key1 << 32);
        float factor = L2Ball.StartFactor(seed, image, (int)parts.Values, settings.Epsilon, total);
        for (long i = first + Group.IdxX; i < end; i += Group.DimX) perturbed[at + i] = Clamp(CudaMath.Fma(factor, perturbed[at + i], clean[at + i]));
    }

    static float PlaceNormal(ArrayView<float> perturbed, long at, long i, long end, float normal)
    {
        if (i >= end) return 0;
        perturbed[at + i] = normal;
        return normal * normal;
    }

    public void Dispose()
    {
        sums.Dispose();
        counters.Dispose();
    }
}
