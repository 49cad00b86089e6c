namespace Osprey.Engine.Images;

/// <summary>Decompressed tiles and strips that neighbouring windows share, up to a number of bytes; those not used for longest go first. Safe for many threads.</summary>
/// <param name="budget">Bytes.</param>
sealed class SegmentCache(long budget)
{
    readonly object gate = new();
    readonly Dictionary<(object Owner, int Segment), LinkedListNode<Entry>> known = [];
    readonly LinkedList<Entry> byUse = [];
    long held;

    sealed record Entry((object Owner, int Segment) Key, byte[] Bytes);

    /// <param name="owner">Whose segment it is.</param>
    /// <param name="segment">Its number.</param>
    /// <param name="decode">Called without a lock where the segment is not held: two threads may decode the same one.</param>
    /// <returns>Not to be changed.</returns>
    public byte[] Get(object owner, int segment, Func<byte[]> decode)
    {
        lock (gate)
        {
            if (known.TryGetValue((owner, segment), out LinkedListNode<Entry>? node))
            {
                byUse.Remove(node);
                byUse.AddFirst(node);
                return node.Value.Bytes;
            }
        }
        byte[] bytes = decode();
        lock (gate)
        {
            if (bytes.Length > budget || known.ContainsKey((owner, segment))) return bytes;
            known[(owner, segment)] = byUse.AddFirst(new Entry((owner, segment), bytes));
            for (held += bytes.Length; held > budget;) Drop(byUse.Last!);
        }
        return bytes;
    }

    /// <summary>Lets go of an owner's segments.</summary>
    public void Forget(object owner)
    {
        lock (gate)
        {
            foreach (LinkedListNode<Entry> node in known.Values.Where(n => ReferenceEquals(n.Value.Key.Owner, owner)).ToList()) Drop(node);
        }
    }

    void Drop(LinkedListNode<Entry> node)
    {
        byUse.Remove(node);
        known.Remove(node.Value.Key);
        held -= node.Value.Bytes.Length;
    }
}
