using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace Osprey.Kernels.Search;

/// <summary>
/// The rows of a gallery, in slices: on the device as far as its memory goes, the rest in page-locked host memory, from where they come up one
/// slice ahead of the one being searched.
/// </summary>
sealed class GalleryRows : IDisposable
{
    /// <summary>Of the memory that rows may take, the part of a slice. Two of them take turns for the slices that stay on the host.</summary>
    const int SlicesInMemory = 16;

    const int EncodeThreads = 64;

    readonly Accelerator accelerator;
    readonly AcceleratorStream copies;
    readonly Similarity similarity;
    readonly int dimension, depth;
    readonly long mostResident;
    readonly Action<KernelConfig, ArrayView<float>, ArrayView<int>, ArrayView<RowBound>, int, int, Similarity, int> encode;
    readonly List<SliceMemory> memory = [];
    readonly List<GallerySlice> resident = [];
    readonly List<(PageLockedArray1D<float> Values, int Count, long FirstId)> onHost = [];
    readonly SliceMemory?[] turns = new SliceMemory?[2];

    /// <param name="accelerator">Stays the caller's.</param>
    /// <param name="similarity">L2 bounds have an offset.</param>
    /// <param name="dimension">D.</param>
    /// <param name="depth">Codes of a row; 0 for none.</param>
    /// <param name="bytes">Device memory for all of it.</param>
    public GalleryRows(Accelerator accelerator, Similarity similarity, int dimension, int depth, long bytes)
    {
        this.accelerator = accelerator;
        this.similarity = similarity;
        this.dimension = dimension;
        this.depth = depth;
        long rowBytes = (long)dimension * sizeof(float) + depth + Unsafe.SizeOf<RowBound>(), rows = bytes / rowBytes;
        // A slice's rows and tiles are counted in int.
        SliceRows = (int)Math.Clamp(rows / SlicesInMemory, 1, 1 << 30);
        mostResident = Math.Max(rows - 2L * SliceRows, 1);
        encode = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<RowBound>, int, int, Similarity, int>(CudaCodes.EncodeRows);
        copies = accelerator.CreateStream();
    }

    /// <summary>Rows of a slice at most.</summary>
    public int SliceRows { get; }

    /// <summary>N.</summary>
    public long Count { get; private set; }

    /// <summary>Rows that are on the device, at least one slice.</summary>
    public long ResidentCount { get; private set; }

    /// <summary>One more than the highest id.</summary>
    public long IdEnd { get; private set; }

    /// <summary>The slices that are on the device.</summary>
    public IReadOnlyList<GallerySlice> Resident => resident;

    public void Add(ReadOnlySpan<float> rows, int count, long firstId)
    {
        for (int first = 0, inSlice; first < count; first += inSlice)
        {
            inSlice = Math.Min(SliceRows, count - first);
            ReadOnlySpan<float> values = rows.Slice(first * dimension, inSlice * dimension);
            if (resident.Count == 0 || (onHost.Count == 0 && ResidentCount + inSlice <= mostResident)) AddResident(values, inSlice, firstId + first);
            else AddOnHost(values, inSlice, firstId + first);
            Count += inSlice;
        }
        IdEnd = Math.Max(IdEnd, firstId + count);
    }

    void AddResident(ReadOnlySpan<float> values, int count, long firstId)
    {
        var slice = new SliceMemory(accelerator, count, dimension, depth);
        memory.Add(slice);
        GallerySlice view = slice.View(count, firstId);
        view.Rows.CopyFromCPU(accelerator.DefaultStream, values);
        Encode(view);
        resident.Add(view);
        ResidentCount += count;
    }

    void AddOnHost(ReadOnlySpan<float> values, int count, long firstId)
    {
        PageLockedArray1D<float> locked = accelerator.AllocatePageLocked1D<float>(values.Length);
        values.CopyTo(locked.Span);
        onHost.Add((locked, count, firstId));
    }

    void Encode(GallerySlice slice)
    {
        if (depth == 0) return;
        int lanes = accelerator.AcceleratorType == AcceleratorType.Cuda ? accelerator.WarpSize : 1, rowsPerGroup = EncodeThreads / lanes;
        int groups = Math.Min((slice.Count + rowsPerGroup - 1) / rowsPerGroup, accelerator.NumMultiprocessors * 64);
        encode(new KernelConfig(groups, EncodeThreads), slice.Rows, slice.Codes, slice.Bounds, dimension, depth, similarity, lanes);
    }

    /// <summary>Calls <paramref name="visit"/> for every slice. What it launches runs while the next slice comes up; a slice is only there during its visit's launches.</summary>
    public void ForEach<TState>(TState state, Action<TState, GallerySlice> visit)
    {
        foreach (GallerySlice slice in resident) visit(state, slice);
        if (onHost.Count == 0) return;
        Lift(0);
        for (int i = 0; i < onHost.Count; i++)
        {
            copies.Synchronize();
            // The next slice goes where the last one was: its kernels must be through.
            accelerator.DefaultStream.Synchronize();
            if (i + 1 < onHost.Count) Lift(i + 1);
            GallerySlice slice = turns[i % 2]!.View(onHost[i].Count, onHost[i].FirstId);
            Encode(slice);
            visit(state, slice);
        }
        accelerator.DefaultStream.Synchronize();
    }

    /// <summary>Starts the copy of a slice to the memory whose turn it is.</summary>
    void Lift(int slice)
    {
        (PageLockedArray1D<float> values, int count, long firstId) = onHost[slice];
        SliceMemory into = turns[slice % 2] ??= new SliceMemory(accelerator, SliceRows, dimension, depth);
        into.View(count, firstId).Rows.CopyFromPageLockedAsync(copies, values);
    }

    public void Dispose()
    {
        accelerator.Synchronize();
        foreach (SliceMemory slice in memory) slice.Dispose();
        foreach (SliceMemory? turn in turns) turn?.Dispose();
        foreach ((PageLockedArray1D<float> values, _, _) in onHost) values.Dispose();
        copies.Dispose();
    }
}
