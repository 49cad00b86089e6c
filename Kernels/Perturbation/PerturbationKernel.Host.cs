using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>Perturbation on this process's cores: chunks within images are shared among threads; sums over an image add up chunk by chunk.</summary>
internal sealed unsafe class HostPerturbation
{
    /// <summary>Values of a chunk: whole tiles of random numbers.</summary>
    const int ChunkLength = 256 * Philox.Tile;

    readonly PerturbationNorm norm;
    readonly HostTeam team;
    readonly Action<int> startUniform, startNormals, startPlace, stepLInf, stepSums, stepUpdate;
    double[] chunkSums = [];
    float[] factors = [];

    // The call in progress.
    int values, chunksPerImage;
    float stepSize, epsilon;
    ulong seed;
    float* clean, gradient, perturbed;

    public HostPerturbation(PerturbationNorm norm, int threads)
    {
        this.norm = norm;
        team = new HostTeam(threads);
        startUniform = StartUniform;
        startNormals = StartNormals;
        startPlace = StartPlace;
        stepLInf = StepLInf;
        stepSums = StepSums;
        stepUpdate = StepUpdate;
    }

    public void Start(ReadOnlySpan<float> clean, int images, int valuesPerImage, float epsilon, ulong seed, Span<float> perturbed)
    {
        fixed (float* c = clean, p = perturbed)
        {
            this.clean = c;
            this.perturbed = p;
            this.seed = seed;
            this.epsilon = epsilon;
            int chunks = Begin(images, valuesPerImage);
            if (norm == PerturbationNorm.LInf)
            {
                team.Run(startUniform, chunks);
                return;
            }
            team.Run(startNormals, chunks);
            for (int n = 0; n < images; n++)
            {
                double square = 0;
                for (int k = 0; k < chunksPerImage; k++) square += chunkSums[((n * chunksPerImage) + k) * 3];
                factors[2 * n] = (float)(L2Ball.StartRadius(seed, n, values, epsilon) / Math.Sqrt(square));
            }
            team.Run(startPlace, chunks);
        }
    }

    public void Step(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int valuesPerImage, float stepSize, float epsilon, Span<float> perturbed)
    {
        fixed (float* c = clean, g = gradient, p = perturbed)
        {
            this.clean = c;
            this.gradient = g;
            this.perturbed = p;
            this.stepSize = stepSize;
            this.epsilon = epsilon;
            int chunks = Begin(images, valuesPerImage);
            if (norm == PerturbationNorm.LInf)
            {
                team.Run(stepLInf, chunks);
                return;
            }
            team.Run(stepSums, chunks);
            for (int n = 0; n < images; n++)
            {
                double dd = 0, dg = 0, gg = 0;
                for (int k = 0; k < chunksPerImage; k++)
                {
                    int at = ((n * chunksPerImage) + k) * 3;
                    dd += chunkSums[at];
                    dg += chunkSums[at + 1];
                    gg += chunkSums[at + 2];
                }
                factors[2 * n] = L2Ball.Factors(dd, dg, gg, stepSize, epsilon, out factors[(2 * n) + 1]);
            }
            team.Run(stepUpdate, chunks);
        }
    }

    int Begin(int images, int valuesPerImage)
    {
        values = valuesPerImage;
        chunksPerImage = ((valuesPerImage - 1) / ChunkLength) + 1;
        int chunks = images * chunksPerImage;
        if (norm == PerturbationNorm.L2)
        {
            if (chunkSums.Length < 3 * chunks) chunkSums = new double[3 * chunks];
            if (factors.Length < 2 * images) factors = new float[2 * images];
        }
        return chunks;
    }

    /// <summary>Where a chunk begins in all values, and how many it has.</summary>
    long Locate(int chunk, out int image, out int first, out int count)
    {
        image = chunk / chunksPerImage;
        first = chunk % chunksPerImage * ChunkLength;
        count = Math.Min(ChunkLength, values - first);
        return ((long)image * values) + first;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartUniform(int chunk)
    {
        long at = Locate(chunk, out int image, out int first, out int count);
        Vector512<float> radius = Vector512.Create(epsilon);
        Vector512<uint>* words = stackalloc Vector512<uint>[4];
        for (int i = 0; i < count; i += Philox.Tile)
        {
            Words(words, (first + i) / Philox.Tile, image, RandomStream.Uniform);
            for (int w = 0; w < 4; w++)
            {
                int here = Math.Min(Lanes.Count, count - i - (w * Lanes.Count));
                if (here <= 0) break;
                float* c = clean + at + i + (w * Lanes.Count);
                Vector512<float> middle = Lanes.LoadUpTo(c, here);
                Vector512<float> t = (Philox.Unit(words[w]) * 2) - Vector512<float>.One;
                Lanes.StoreUpTo(LInfStep.Project(middle, Vector512.FusedMultiplyAdd(radius, t, middle), radius), perturbed + at + i + (w * Lanes.Count), here);
            }
        }
    }

    /// <summary>Standard normal values into <see cref="perturbed"/>, and the sum of their squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartNormals(int chunk)
    {
        long at = Locate(chunk, out int image, out int first, out int count);
        Vector512<uint>* words = stackalloc Vector512<uint>[4];
        Vector512<float>* normals = stackalloc Vector512<float>[4];
        for (int i = 0; i < count; i += Philox.Tile)
        {
            Words(words, (first + i) / Philox.Tile, image, RandomStream.Normal);
            normals[0] = Gaussian.Pair(words[0], words[1], out normals[1]);
            normals[2] = Gaussian.Pair(words[2], words[3], out normals[3]);
            for (int w = 0; w < 4; w++)
            {
                int here = Math.Min(Lanes.Count, count - i - (w * Lanes.Count));
                if (here > 0) Lanes.StoreUpTo(normals[w], perturbed + at + i + (w * Lanes.Count), here);
            }
        }
        chunkSums[3 * chunk] = Lanes.Dot(perturbed + at, perturbed + at, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartPlace(int chunk)
    {
        long at = Locate(chunk, out int image, out _, out int count);
        Vector512<float> factor = Vector512.Create(factors[2 * image]);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            int here = Math.Min(Lanes.Count, count - i);
            Vector512<float> x = Vector512.FusedMultiplyAdd(factor, Lanes.LoadUpTo(perturbed + at + i, here), Lanes.LoadUpTo(clean + at + i, here));
            Lanes.StoreUpTo(Clamp(x), perturbed + at + i, here);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StepLInf(int chunk)
    {
        long at = Locate(chunk, out _, out _, out int count);
        Vector512<float> step = Vector512.Create(stepSize), radius = Vector512.Create(epsilon);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            int here = Math.Min(Lanes.Count, count - i);
            Vector512<float> x = LInfStep.Apply(
                Lanes.LoadUpTo(clean + at + i, here), Lanes.LoadUpTo(gradient + at + i, here), Lanes.LoadUpTo(perturbed + at + i, here), step, radius);
            Lanes.StoreUpTo(x, perturbed + at + i, here);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StepSums(int chunk)
    {
        long at = Locate(chunk, out _, out _, out int count);
        Vector512<float> dd = Vector512<float>.Zero, dg = dd, gg = dd;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            int here = Math.Min(Lanes.Count, count - i);
            Vector512<float> g = Lanes.LoadUpTo(gradient + at + i, here);
            Vector512<float> d = Lanes.LoadUpTo(perturbed + at + i, here) - Lanes.LoadUpTo(clean + at + i, here);
            dd = Vector512.FusedMultiplyAdd(d, d, dd);
            dg = Vector512.FusedMultiplyAdd(d, g, dg);
            gg = Vector512.FusedMultiplyAdd(g, g, gg);
        }
        chunkSums[3 * chunk] = ElementaryLanes.Sum(dd);
        chunkSums[(3 * chunk) + 1] = ElementaryLanes.Sum(dg);
        chunkSums[(3 * chunk) + 2] = ElementaryLanes.Sum(gg);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StepUpdate(int chunk)
    {
        long at = Locate(chunk, out int image, out _, out int count);
        Vector512<float> step = Vector512.Create(factors[2 * image]), shrink = Vector512.Create(factors[(2 * image) + 1]);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            int here = Math.Min(Lanes.Count, count - i);
            Vector512<float> c = Lanes.LoadUpTo(clean + at + i, here);
            Vector512<float> z = Vector512.FusedMultiplyAdd(step, Lanes.LoadUpTo(gradient + at + i, here), Lanes.LoadUpTo(perturbed + at + i, here) - c);
            Lanes.StoreUpTo(Clamp(Vector512.FusedMultiplyAdd(shrink, z, c)), perturbed + at + i, here);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Words(Vector512<uint>* words, int tile, int image, uint stream)
    {
        words[0] = Vector512.Create((uint)tile * Lanes.Count) + Vector512<uint>.Indices;
        words[1] = Vector512<uint>.Zero;
        words[2] = Vector512.Create((uint)image);
        words[3] = Vector512.Create(stream);
        Philox.Generate(ref words[0], ref words[1], ref words[2], ref words[3], (uint)seed, (uint)(seed >> 32));
    }

    /// <summary>To [0, 1]; a NaN stays one.</summary>
    static Vector512<float> Clamp(Vector512<float> x)
    {
        x = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512<float>.Zero), Vector512<float>.Zero, x);
        return Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<float>.One), Vector512<float>.One, x);
    }
}
