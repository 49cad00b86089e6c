namespace Osprey.Tests.Ptx;

/// <summary>
/// Copies from global to shared memory by <c>cp.async</c>, per lane, in groups. A copy arrives when its lane waits for its group and not before, and
/// reads its source only then: the latest moment that the hardware may choose.
/// </summary>
sealed class AsyncCopies
{
    readonly record struct Copy(ulong Target, ulong Source, int Bytes, int Given);

    sealed class LaneCopies
    {
        public List<Copy> Open { get; set; } = [];

        public Queue<List<Copy>> Committed { get; } = new();
    }

    readonly LaneCopies[] lanes = [.. Enumerable.Range(0, 32).Select(_ => new LaneCopies())];

    /// <summary>Begins to copy <paramref name="given"/> bytes, with zeros after them up to <paramref name="bytes"/>.</summary>
    public void Begin(PtxWarp warp, int lane, ulong target, ulong source, int bytes, int given)
    {
        if (given > bytes) throw new PtxFaultException($"cp.async of {given} bytes into {bytes}");
        warp.Group.Shared.BeginCopy(warp, lane, target, bytes);
        if (given > 0) Source(warp, source, bytes, given);
        lanes[lane].Open.Add(new Copy(target, source, bytes, given));
    }

    public void Commit(int lane)
    {
        lanes[lane].Committed.Enqueue(lanes[lane].Open);
        lanes[lane].Open = [];
    }

    /// <summary>All groups but the latest <paramref name="pending"/> arrive.</summary>
    public void Wait(PtxWarp warp, int lane, int pending)
    {
        while (lanes[lane].Committed.Count > pending) Arrive(warp, lane, lanes[lane].Committed.Dequeue());
    }

    /// <summary>All copies arrive, committed or not.</summary>
    public void WaitAll(PtxWarp warp, int lane)
    {
        Wait(warp, lane, 0);
        Arrive(warp, lane, lanes[lane].Open);
        lanes[lane].Open.Clear();
    }

    static void Arrive(PtxWarp warp, int lane, List<Copy> copies)
    {
        foreach (Copy copy in copies)
        {
            Span<byte> target = warp.Group.Shared.EndCopy(warp, lane, copy.Target, copy.Bytes);
            target.Clear();
            if (copy.Given > 0) Source(warp, copy.Source, copy.Bytes, copy.Given).CopyTo(target);
        }
    }

    /// <summary>The source is aligned to the size of the copy, however little of it is read.</summary>
    static ReadOnlySpan<byte> Source(PtxWarp warp, ulong source, int bytes, int given)
    {
        PtxMemory memory = warp.Group.Global.At(source, out long offset);
        if (offset % bytes != 0) throw new PtxFaultException($"{memory.Name}: cp.async of {bytes} bytes from {offset} is not aligned");
        return memory.ReadAny(offset, given);
    }
}
