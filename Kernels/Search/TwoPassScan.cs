using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>
/// One batch of queries against a gallery in two passes: codes are multiplied and rows whose upper bound misses the threshold dropped, the others
/// are scored in fp32. What it finds is exact if the k-th best cost found is within the limit that the threshold was made of.
/// </summary>
sealed class TwoPassScan : IDisposable
{
    readonly Accelerator accelerator;
    readonly Similarity similarity;
    readonly int dimension, depth, threads;
    readonly double rounding, underflow;
    readonly GalleryLimits limits;

    readonly Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<QueryBound>, ArrayView<double>, int, int, int, double> encode;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<QueryBound>, ArrayView<double>, ArrayView<float>, int, int, Similarity, double, double> guess;
    readonly Action<KernelConfig, ArrayView<QueryBound>, ArrayView<double>, ArrayView<float>, Similarity, double, double> know;
    readonly FirstPassKernels<SampleSink> sampling;
    readonly FirstPassKernels<SurvivorSink> scanning;
    readonly Action<
        KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<SearchCuda.Quad>, ArrayView<SearchCuda.Quad>, ArrayView<int>, ArrayView<int>, ArrayView<ulong>,
        int, int, long, int, Similarity> rescore;
    readonly Action<KernelConfig, ArrayView<int>, ArrayView<int>, int> settle;
    readonly Action<KernelConfig, ArrayView<ulong>, ArrayView<int>, ArrayView<ulong>, int, int> select;

    readonly DeviceBuffer<int> countBuffer, doneBuffer;
    readonly QueryCodes queryCodes;
    readonly DeviceBuffer<QueryBound> boundBuffer;
    readonly DeviceBuffer<double> squareBuffer;
    readonly DeviceBuffer<float> limitBuffer, sampleBuffer;
    readonly DeviceBuffer<ulong> entryBuffer, bestBuffer;

    public TwoPassScan(Accelerator accelerator, Similarity similarity, int dimension, int depth, FirstPass firstPass, GalleryLimits limits)
    {
        this.accelerator = accelerator;
        this.similarity = similarity;
        this.dimension = dimension;
        this.depth = depth;
        this.limits = limits;
        threads = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        rounding = ScoreChain.RelativeError(dimension);
        // A result below the normal range is off by 2⁻¹⁵⁰; there is one per dimension, and a few in sums and bounds.
        underflow = (dimension + 32) * (double)float.Epsilon;
        encode = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<QueryBound>, ArrayView<double>, int, int, int, double>(CudaCodes.EncodeQueries);
        guess = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<QueryBound>, ArrayView<double>, ArrayView<float>, int, int, Similarity, double, double>(CudaThresholds.Guess);
        know = accelerator.LoadStreamKernel<ArrayView<QueryBound>, ArrayView<double>, ArrayView<float>, Similarity, double, double>(CudaThresholds.Know);
        sampling = new(accelerator, firstPass);
        scanning = new(accelerator, firstPass);
        rescore = similarity == Similarity.InnerProduct
            ? LoadRescore(accelerator, CudaRescore.Rescore<ProductScore>)
            : LoadRescore(accelerator, CudaRescore.Rescore<DistanceScore>);
        settle = accelerator.LoadStreamKernel<ArrayView<int>, ArrayView<int>, int>(CudaRescore.Settle);
        select = accelerator.LoadStreamKernel<ArrayView<ulong>, ArrayView<int>, ArrayView<ulong>, int, int>(CudaSelection.SelectSurvivors);
        countBuffer = new(accelerator);
        doneBuffer = new(accelerator);
        queryCodes = new(accelerator);
        boundBuffer = new(accelerator);
        squareBuffer = new(accelerator);
        limitBuffer = new(accelerator);
        sampleBuffer = new(accelerator);
        entryBuffer = new(accelerator);
        bestBuffer = new(accelerator);
    }

    static Action<
        KernelConfig, ArrayView<float>, ArrayView<float>, ArrayView<SearchCuda.Quad>, ArrayView<SearchCuda.Quad>, ArrayView<int>, ArrayView<int>, ArrayView<ulong>,
        int, int, long, int, Similarity> LoadRescore(
        Accelerator accelerator,
        Action<
            ArrayView<float>, ArrayView<float>, ArrayView<SearchCuda.Quad>, ArrayView<SearchCuda.Quad>, ArrayView<int>, ArrayView<int>, ArrayView<ulong>,
            int, int, long, int, Similarity> kernel) => accelerator.LoadStreamKernel(kernel);

    /// <summary>How a search of a gallery for k is laid out.</summary>
    public Plan For(GalleryRows gallery, int k, int queries)
    {
        // One group counts a query's sample: with few groups a smaller sample and more survivors take less time.
        int most = queries <= CudaNarrowScan.Queries ? Math.Max(1, limits.SampleRows / 4) : limits.SampleRows;
        long wanted = Math.Clamp(gallery.Count / 32, Math.Min(2048, most), most);
        int stride = (int)Math.Max(1, gallery.ResidentCount / wanted), sampled = 0;
        foreach (GallerySlice slice in gallery.Resident) sampled += (slice.Count + stride - 1) / stride;
        double share = (double)sampled / gallery.Count, expected = k * share;
        // So many standard deviations above its mean that the sample holds fewer of the k best: the guess is then too bold for one query in thousands.
        int rank = (int)Math.Ceiling(expected + 4 * Math.Sqrt(expected * (1 - share)) + 2);
        // About rank / share rows are as good as the guess; bounds let a few times as many through.
        int capacity = (int)Math.Min(gallery.Count, Math.Max(k, Math.Clamp(6 * rank / share, limits.LeastSurvivors, limits.MostSurvivors)));
        long perQuery = 8L * capacity + 4L * sampled + 8L * k + 5L * dimension + 64;
        int batch = (int)Math.Clamp(limits.WorkBytes / perQuery, 1, 4096);
        if (batch > CudaTileScan.Tile) batch -= batch % CudaTileScan.Tile;
        return new Plan(stride, sampled, rank, capacity, batch);
    }

    /// <summary>Launches the search of a batch and fetches what it found.</summary>
    /// <param name="plan">The layout.</param>
    /// <param name="gallery">One row or more.</param>
    /// <param name="queries">[count, dimension].</param>
    /// <param name="excluded">[count].</param>
    /// <param name="allowed">A bit for each id; empty for all.</param>
    /// <param name="costs">[count], the limits: where <paramref name="known"/>, given, otherwise guessed and fetched.</param>
    /// <param name="known">Whether the limits are known.</param>
    /// <param name="found">[count], gets how many rows survived; more than the plan's capacity: some were lost.</param>
    /// <param name="best">[count, k], gets the best keys in any order.</param>
    /// <param name="k">Keys per query.</param>
    public void Run(
        Plan plan, GalleryRows gallery, ArrayView<float> queries, ArrayView<long> excluded, ArrayView<ulong> allowed,
        Span<float> costs, bool known, Span<int> found, Span<ulong> best, int k)
    {
        int count = costs.Length, padded = QueryCodes.Padded(count);
        ArrayView<QueryBound> bounds = boundBuffer.OfLength(padded);
        ArrayView<double> squares = squareBuffer.OfLength(padded);
        ArrayView<float> limitView = limitBuffer.OfLength(count);
        queryCodes.Reserve((long)padded * (depth / 4));
        int warps = threads / accelerator.WarpSize;
        encode(
            new KernelConfig((padded + warps - 1) / warps, threads), queries, queryCodes.View, bounds, squares, count, dimension, depth,
            similarity == Similarity.InnerProduct ? rounding : 0);
        var job = new Job(this, plan, queries, excluded, allowed, bounds, count)
        {
            Counts = countBuffer.OfLength(count),
            Done = doneBuffer.OfLength(count),
            Entries = entryBuffer.OfLength((long)count * plan.Capacity),
        };
        if (known)
        {
            limitView.CopyFromCPU(accelerator.DefaultStream, costs);
            know(new KernelConfig((count + threads - 1) / threads, threads), bounds, squares, limitView, similarity, rounding, underflow);
        }
        else
        {
            Sample(job, gallery);
            guess(new KernelConfig(count, threads), sampleBuffer.OfLength((long)count * plan.Sampled), bounds, squares, limitView, plan.Sampled, plan.Rank, similarity, rounding, underflow);
        }
        job.Counts.MemSetToZero(accelerator.DefaultStream);
        job.Done.MemSetToZero(accelerator.DefaultStream);
        gallery.ForEach(job, static (job, slice) => job.Owner.Scan(job, slice));
        ArrayView<ulong> bestView = bestBuffer.OfLength((long)count * k);
        select(new KernelConfig(count, threads), job.Entries, job.Counts, bestView, plan.Capacity, k);
        bestView.CopyToCPU(accelerator.DefaultStream, best);
        job.Counts.CopyToCPU(accelerator.DefaultStream, found);
        if (!known) limitView.CopyToCPU(accelerator.DefaultStream, costs);
    }

    void Sample(Job job, GalleryRows gallery)
    {
        ArrayView<float> scores = sampleBuffer.OfLength((long)job.Count * job.Plan.Sampled);
        int first = 0;
        foreach (GallerySlice slice in gallery.Resident)
        {
            int sampled = (slice.Count + job.Plan.Stride - 1) / job.Plan.Stride;
            var eligible = new EligibleRows(job.Excluded, job.Allowed, slice.FirstId);
            sampling.Launch(
                queryCodes, slice, job.Plan.Stride, sampled, job.Count, depth,
                new SampleSink(slice.Bounds, job.Bounds, eligible, scores, sampled, job.Plan.Stride, job.Plan.Sampled, first, job.Count));
            first += sampled;
        }
    }

    void Scan(Job job, GallerySlice slice)
    {
        var eligible = new EligibleRows(job.Excluded, job.Allowed, slice.FirstId);
        scanning.Launch(queryCodes, slice, 1, slice.Count, job.Count, depth, new SurvivorSink(slice.Bounds, job.Bounds, eligible, job.Counts, job.Entries, job.Plan.Capacity));
        // Enough groups to keep the device busy when queries are few.
        int groupsPerQuery = Math.Clamp(accelerator.NumMultiprocessors * 16 / job.Count, 1, 64);
        bool inFours = dimension % 4 == 0;
        rescore(
            new KernelConfig(job.Count * groupsPerQuery, CudaRescore.Threads), job.Queries, slice.Rows,
            (inFours ? job.Queries : job.Queries.SubView(0, 0)).Cast<SearchCuda.Quad>(), (inFours ? slice.Rows : slice.Rows.SubView(0, 0)).Cast<SearchCuda.Quad>(),
            job.Counts, job.Done, job.Entries, job.Plan.Capacity, dimension, slice.FirstId, groupsPerQuery, similarity);
        settle(new KernelConfig((job.Count + threads - 1) / threads, threads), job.Counts, job.Done, job.Plan.Capacity);
    }

    public void Dispose()
    {
        countBuffer.Dispose();
        doneBuffer.Dispose();
        queryCodes.Dispose();
        boundBuffer.Dispose();
        squareBuffer.Dispose();
        limitBuffer.Dispose();
        sampleBuffer.Dispose();
        entryBuffer.Dispose();
        bestBuffer.Dispose();
    }

    /// <param name="Stride">Every so many rows one is sampled.</param>
    /// <param name="Sampled">Rows of the sample.</param>
    /// <param name="Rank">Whose sampled score is the guess.</param>
    /// <param name="Capacity">Survivors per query that there is room for.</param>
    /// <param name="Batch">Queries at a time.</param>
    public readonly record struct Plan(int Stride, int Sampled, int Rank, int Capacity, int Batch);

    /// <summary>What the slices of one batch share.</summary>
    sealed record Job(TwoPassScan Owner, Plan Plan, ArrayView<float> Queries, ArrayView<long> Excluded, ArrayView<ulong> Allowed, ArrayView<QueryBound> Bounds, int Count)
    {
        public required ArrayView<int> Counts { get; init; }
        public required ArrayView<int> Done { get; init; }
        public required ArrayView<ulong> Entries { get; init; }
    }
}
