namespace Osprey.Tests.Ptx;

/// <summary>
/// Shared memory of a group. Besides the bytes it keeps who touched each of them last, so that two threads that touch the same byte with nothing
/// between them to order it are found, whatever order the interpreter ran them in. A byte on its way by <c>cp.async</c> may not be touched at all.
/// Time is a clock per warp (<see cref="PtxWarp.Clock"/>): a barrier shows every warp the clocks of the others.
/// </summary>
sealed class PtxSharedMemory
{
    /// <summary>Who touched a byte last: packed, as there is one for each byte and warp.</summary>
    readonly struct Access(int warp, int lane, int clock, bool atomic, int line)
    {
        const int Several = 32;

        readonly ulong bits = (ulong)(uint)clock << 32 | (ulong)(ushort)line << 16 | (uint)warp << 8 | (uint)lane << 1 | (atomic ? 1u : 0);

        public int Clock => (int)(bits >> 32);

        public int Line => (ushort)(bits >> 16);

        public int Warp => (byte)(bits >> 8);

        public int Lane => (int)(bits >> 1) & 63;

        public bool Atomic => (bits & 1) != 0;

        /// <summary>The same by two lanes: which ones no longer matters, each is another one than any third.</summary>
        public Access BySeveral => new(Warp, Several, Clock, Atomic, Line);
    }

    readonly IReadOnlyList<PtxVariable> variables;
    readonly int dynamicBytes, warps;
    readonly PtxMemory memory;
    readonly Access[] writes;
    readonly Access[] reads; // [byte][warp]
    readonly bool[] inFlight;
    int begin = 1;

    public PtxSharedMemory(PtxEntry entry, int dynamicBytes, int warps)
    {
        this.dynamicBytes = dynamicBytes;
        this.warps = warps;
        variables = [.. entry.Variables.Where(v => v.Space == PtxSpace.Shared).OrderBy(v => v.Offset)];
        int size = variables.Select(v => v.Offset + SizeOf(v)).DefaultIfEmpty().Max();
        StaticBytes = variables.Where(v => v.Size > 0).Sum(v => v.Size);
        memory = new PtxMemory("shared memory", size);
        writes = new Access[size];
        reads = new Access[size * warps];
        inFlight = new bool[size];
    }

    public int StaticBytes { get; }

    /// <summary>As a group finds it: nothing in it counts as written. Its warps' clocks are to begin at the result, so that accesses of earlier groups count no longer.</summary>
    public int Begin(int latestClock)
    {
        memory.Clear();
        inFlight.AsSpan().Clear();
        return begin = latestClock + 1;
    }

    int SizeOf(PtxVariable variable) => variable.Size < 0 ? dynamicBytes : variable.Size;

    public ReadOnlySpan<byte> Read(PtxWarp warp, int lane, ulong address, int count, bool atomic = false)
    {
        int offset = Inside(address, count);
        var access = new Access(warp.Index, lane, warp.Clock, atomic, warp.Line);
        for (int i = offset; i < offset + count; i++)
        {
            if (inFlight[i]) throw new PtxFaultException($"shared byte {i} is read while cp.async is still bringing it");
            if (writes[i].Clock >= begin && !(atomic && writes[i].Atomic) && !Ordered(writes[i], warp, lane)) throw Race(i, writes[i], "written", access, "read");
            ref Access last = ref reads[i * warps + warp.Index];
            last = last.Clock == access.Clock && last.Lane != lane ? access.BySeveral : access;
        }
        return memory.Read(offset, count);
    }

    public Span<byte> Write(PtxWarp warp, int lane, ulong address, int count, bool atomic = false)
    {
        int offset = Inside(address, count);
        CheckWrite(warp, lane, offset, count, atomic);
        return memory.Write(offset, count);
    }

    /// <summary>From here on the bytes are on their way: until <see cref="EndCopy"/> nobody may touch them.</summary>
    public void BeginCopy(PtxWarp warp, int lane, ulong address, int count)
    {
        int offset = Inside(address, count);
        memory.MustBeAligned(offset, count);
        CheckWrite(warp, lane, offset, count, atomic: false);
        inFlight.AsSpan(offset, count).Fill(true);
    }

    public Span<byte> EndCopy(PtxWarp warp, int lane, ulong address, int count)
    {
        int offset = Inside(address, count);
        inFlight.AsSpan(offset, count).Clear();
        CheckWrite(warp, lane, offset, count, atomic: false);
        return memory.Write(offset, count);
    }

    void CheckWrite(PtxWarp warp, int lane, int offset, int count, bool atomic)
    {
        var access = new Access(warp.Index, lane, warp.Clock, atomic, warp.Line);
        for (int i = offset; i < offset + count; i++)
        {
            if (inFlight[i]) throw new PtxFaultException($"shared byte {i} is written while cp.async is still bringing it");
            if (writes[i].Clock >= begin && !(atomic && writes[i].Atomic) && !Ordered(writes[i], warp, lane)) throw Race(i, writes[i], "written", access, "written");
            foreach (Access read in reads.AsSpan(i * warps, warps))
                if (read.Clock >= begin && !(atomic && read.Atomic) && !Ordered(read, warp, lane)) throw Race(i, read, "read", access, "written");
            writes[i] = access;
        }
    }

    static bool Ordered(Access earlier, PtxWarp warp, int lane) =>
        earlier.Warp == warp.Index ? earlier.Lane == lane || earlier.Clock < warp.Clock : warp.Sees(earlier.Warp) >= earlier.Clock;

    static PtxFaultException Race(int at, Access earlier, string did, Access later, string does) =>
        new($"race: shared byte {at} is {does} by warp {later.Warp} lane {later.Lane} and was {did} by warp {earlier.Warp} lane {earlier.Lane} (line {earlier.Line}) with no barrier between");

    int Inside(ulong address, int count)
    {
        foreach (PtxVariable variable in variables)
            if (address >= (ulong)variable.Offset && address + (ulong)count <= (ulong)(variable.Offset + SizeOf(variable))) return (int)address;
        throw new PtxFaultException($"{count} bytes at 0x{address:x} are in no variable of shared memory: {string.Join(", ", variables.Select(v => $"{v.Name} 0x{v.Offset:x}+{SizeOf(v)}"))}");
    }
}
