using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Perturbation;

/// <summary>Perturbation on this process's cores: passes over chunks of images, which <see cref="ImageSweep"/> shares among threads.</summary>
internal sealed unsafe class HostPerturbation
{
    /// <summary>A pass over <paramref name="count"/> values, a multiple of sixteen, of clean, gradient, momentum and perturbed.</summary>
    delegate void LanePass(float* c, float* g, float* m, float* x, int count, float* factors, double* sums);

    readonly PerturbationNorm norm;
    readonly ImageSweep sweep;
    readonly ImageStage[] start, step, momentumStep;

    // The call in progress.
    int values;
    float stepSize, epsilon, decay;
    ulong seed;
    float* clean, gradient, momentum, perturbed;

    public HostPerturbation(PerturbationNorm norm, int threads)
    {
        this.norm = norm;
        sweep = new ImageSweep(threads);
        if (norm == PerturbationNorm.LInf)
        {
            start = [new(StartUniform)];
            step = [new(InLanes(StepLInf))];
            momentumStep = [new(InLanes(SumGradient), KeepDirection), new(InLanes(MomentumStepLInf))];
        }
        else
        {
            start = [new(StartNormals, KeepRadius), new(InLanes(StartPlace))];
            step = [new(InLanes(SumStep), KeepBall), new(InLanes(MoveL2))];
            momentumStep = [new(InLanes(SumGradient), KeepDirection), new(InLanes(Accumulate), KeepBall), new(InLanes(MoveL2))];
        }
    }

    public void Start(ReadOnlySpan<float> clean, int images, int values, float epsilon, ulong seed, Span<float> perturbed)
    {
        fixed (float* c = clean, x = perturbed)
        {
            Set(c, null, null, x);
            (this.epsilon, this.seed) = (epsilon, seed);
            Sweep(start, images, values);
        }
    }

    public void Step(ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, Span<float> perturbed)
    {
        fixed (float* c = clean, g = gradient, x = perturbed)
        {
            Set(c, g, null, x);
            (this.stepSize, this.epsilon) = (stepSize, epsilon);
            // Under ℓ∞ no value asks which image it is of.
            if (norm == PerturbationNorm.LInf) Sweep(step, 1, images * values);
            else Sweep(step, images, values);
        }
    }

    public void MomentumStep(
        ReadOnlySpan<float> clean, ReadOnlySpan<float> gradient, int images, int values, float stepSize, float epsilon, float decay, Span<float> momentum, Span<float> perturbed)
    {
        fixed (float* c = clean, g = gradient, m = momentum, x = perturbed)
        {
            Set(c, g, m, x);
            (this.stepSize, this.epsilon, this.decay) = (stepSize, epsilon, decay);
            Sweep(momentumStep, images, values);
        }
    }

    void Set(float* c, float* g, float* m, float* x)
    {
        clean = c;
        gradient = g;
        momentum = m;
        perturbed = x;
    }

    void Sweep(ImageStage[] stages, int images, int values)
    {
        this.values = values;
        sweep.Run(stages, images, values);
    }

    /// <summary>The pass over whole vectors where they lie, and over the values after them in a copy padded with zeros: a test per vector would halve the speed.</summary>
    ImagePass InLanes(LanePass pass) => (image, first, count, factors, sums) =>
    {
        long at = At(image, first);
        int whole = count & -Lanes.Count, rest = count - whole;
        if (whole > 0) pass(clean + at, gradient + at, momentum + at, perturbed + at, whole, factors, sums);
        if (rest == 0) return;
        at += whole;
        float* ends = stackalloc float[4 * Lanes.Count];
        float* c = ends, g = c + Lanes.Count, m = g + Lanes.Count, x = m + Lanes.Count;
        new Span<float>(ends, 4 * Lanes.Count).Clear();
        for (int i = 0; i < rest; i++)
        {
            c[i] = clean[at + i];
            if (gradient != null) g[i] = gradient[at + i];
            if (momentum != null) m[i] = momentum[at + i];
            x[i] = perturbed[at + i];
        }
        pass(c, g, m, x, Lanes.Count, factors, sums);
        for (int i = 0; i < rest; i++)
        {
            if (momentum != null) momentum[at + i] = m[i];
            perturbed[at + i] = x[i];
        }
    };

    long At(int image, int first) => ((long)image * values) + first;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartUniform(int image, int first, int count, float* factors, double* sums)
    {
        float* c = clean + At(image, first), x = perturbed + At(image, first);
        Vector512<float> radius = Vector512.Create(epsilon);
        Vector512<uint>* words = stackalloc Vector512<uint>[4];
        for (int i = 0; i < count; i += Philox.Tile)
        {
            Words(words, (first + i) / Philox.Tile, image, RandomStream.Uniform);
            for (int w = 0, j = i; w < 4 && j < count; w++, j += Lanes.Count)
            {
                int here = count - j;
                Vector512<float> middle = Lanes.LoadUpTo(c + j, here), t = (Philox.Unit(words[w]) * 2) - Vector512<float>.One;
                Lanes.StoreUpTo(LInfStep.Project(middle, Vector512.FusedMultiplyAdd(radius, t, middle), radius), x + j, here);
            }
        }
    }

    /// <summary>Standard normal values into <see cref="perturbed"/>, and the sum of their squares.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartNormals(int image, int first, int count, float* factors, double* sums)
    {
        float* x = perturbed + At(image, first);
        Vector512<uint>* words = stackalloc Vector512<uint>[4];
        Vector512<float>* normals = stackalloc Vector512<float>[4];
        for (int i = 0; i < count; i += Philox.Tile)
        {
            Words(words, (first + i) / Philox.Tile, image, RandomStream.Normal);
            normals[0] = Gaussian.Pair(words[0], words[1], out normals[1]);
            normals[2] = Gaussian.Pair(words[2], words[3], out normals[3]);
            for (int w = 0, j = i; w < 4 && j < count; w++, j += Lanes.Count) Lanes.StoreUpTo(normals[w], x + j, count - j);
        }
        sums[0] += Lanes.Dot(x, x, count);
    }

    void KeepRadius(int image, double* sums, float* factors) => factors[0] = L2Ball.StartFactor(seed, image, values, epsilon, sums[0]);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StartPlace(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> factor = Vector512.Create(factors[0]);
        for (int i = 0; i < count; i += Lanes.Count)
            Clamp(Vector512.FusedMultiplyAdd(factor, Vector512.Load(x + i), Vector512.Load(c + i))).Store(x + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void StepLInf(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> size = Vector512.Create(stepSize), radius = Vector512.Create(epsilon);
        for (int i = 0; i < count; i += Lanes.Count)
            LInfStep.Apply(Vector512.Load(c + i), Vector512.Load(g + i), Vector512.Load(x + i), size, radius).Store(x + i);
    }

    /// <summary>‖g‖₁, four sums side by side: one would wait for itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SumGradient(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> sum0 = Vector512<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        int i = 0;
        for (; i + (4 * Lanes.Count) <= count; i += 4 * Lanes.Count)
        {
            sum0 += Vector512.Abs(Vector512.Load(g + i));
            sum1 += Vector512.Abs(Vector512.Load(g + i + 16));
            sum2 += Vector512.Abs(Vector512.Load(g + i + 32));
            sum3 += Vector512.Abs(Vector512.Load(g + i + 48));
        }
        for (; i < count; i += Lanes.Count) sum0 += Vector512.Abs(Vector512.Load(g + i));
        sums[0] += ElementaryLanes.Sum((sum0 + sum1) + (sum2 + sum3));
    }

    void KeepDirection(int image, double* sums, float* factors) => factors[0] = Momentum.Scale(sums[0]);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void MomentumStepLInf(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> size = Vector512.Create(stepSize), radius = Vector512.Create(epsilon), keep = Vector512.Create(decay), scale = Vector512.Create(factors[0]);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> direction = Momentum.Next(Vector512.Load(m + i), Vector512.Load(g + i), keep, scale);
            direction.Store(m + i);
            LInfStep.Apply(Vector512.Load(c + i), direction, Vector512.Load(x + i), size, radius).Store(x + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void SumStep(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> dd = Vector512<float>.Zero, dg = dd, gg = dd;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> direction = Vector512.Load(g + i), d = Vector512.Load(x + i) - Vector512.Load(c + i);
            dd = Vector512.FusedMultiplyAdd(d, d, dd);
            dg = Vector512.FusedMultiplyAdd(d, direction, dg);
            gg = Vector512.FusedMultiplyAdd(direction, direction, gg);
        }
        Add(sums, dd, dg, gg);
    }

    /// <summary>The next momentum, and the sums of a step along it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void Accumulate(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        Vector512<float> dd = Vector512<float>.Zero, dg = dd, gg = dd, keep = Vector512.Create(decay), scale = Vector512.Create(factors[0]);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> direction = Momentum.Next(Vector512.Load(m + i), Vector512.Load(g + i), keep, scale);
            direction.Store(m + i);
            Vector512<float> d = Vector512.Load(x + i) - Vector512.Load(c + i);
            dd = Vector512.FusedMultiplyAdd(d, d, dd);
            dg = Vector512.FusedMultiplyAdd(d, direction, dg);
            gg = Vector512.FusedMultiplyAdd(direction, direction, gg);
        }
        Add(sums, dd, dg, gg);
    }

    static void Add(double* sums, Vector512<float> dd, Vector512<float> dg, Vector512<float> gg)
    {
        sums[0] += ElementaryLanes.Sum(dd);
        sums[1] += ElementaryLanes.Sum(dg);
        sums[2] += ElementaryLanes.Sum(gg);
    }

    void KeepBall(int image, double* sums, float* factors) => factors[0] = L2Ball.Factors(sums[0], sums[1], sums[2], stepSize, epsilon, out factors[1]);

    /// <summary>x' = clean + r·(d + s·direction), the direction being the momentum where there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void MoveL2(float* c, float* g, float* m, float* x, int count, float* factors, double* sums)
    {
        float* direction = momentum == null ? g : m;
        Vector512<float> scale = Vector512.Create(factors[0]), shrink = Vector512.Create(factors[1]);
        for (int i = 0; i < count; i += Lanes.Count)
        {
            Vector512<float> middle = Vector512.Load(c + i);
            Vector512<float> z = Vector512.FusedMultiplyAdd(scale, Vector512.Load(direction + i), Vector512.Load(x + i) - middle);
            Clamp(Vector512.FusedMultiplyAdd(shrink, z, middle)).Store(x + i);
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
