namespace Osprey.Kernels.Pooling;

/// <summary>What pooling refuses, wherever its memory lies; each throws an <see cref="ArgumentException"/> that says what is wrong.</summary>
internal static class PoolingChecks
{
    public static void Kind(PoolingKind kind)
    {
        if (!Enum.IsDefined(kind)) throw new ArgumentException($"unknown pooling {kind}; give {string.Join(", ", Enum.GetNames<PoolingKind>())}");
    }

    public static void Type<T>()
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(Half) && typeof(T) != typeof(BFloat16))
            throw new ArgumentException($"a map of {typeof(T)}; give float, {nameof(Half)} or {nameof(BFloat16)}");
    }

    public static void Length(string name, long length, int expected, MapShape shape)
    {
        if (length != expected) throw new ArgumentException($"{name} has {length} values; a map of {shape} needs {expected}", name);
    }

    /// <summary>Of one image's descriptors: the rows before and after they are brought to unit length, or their gradients.</summary>
    public static void UnitRows(long unit, long norms, MapShape shape)
    {
        Length(nameof(unit), unit, shape.Rows, shape);
        Length(nameof(norms), norms, shape.Batch, shape);
    }

    /// <summary>How many powers there are, where GeM reads them.</summary>
    public static void PowerCount(PoolingKind kind, long powers, MapShape shape)
    {
        if (kind == PoolingKind.Gem && powers != 1 && powers != shape.Channels)
            throw new ArgumentException($"{powers} powers for {shape.Channels} channels; give one, or one per channel", nameof(powers));
    }

    public static void PowerRange(PoolingKind kind, ReadOnlySpan<float> powers)
    {
        if (kind != PoolingKind.Gem) return;
        foreach (float power in powers)
        {
            if (!(power is >= PoolingKernel.SmallestPower and <= PoolingKernel.LargestPower))
                throw new ArgumentException($"GeM's power is {power}; it must lie in [{PoolingKernel.SmallestPower}, {PoolingKernel.LargestPower}]", nameof(powers));
        }
    }

    public static void PowerGradient(PoolingKind kind, long gradPowers, long powers)
    {
        if (gradPowers == 0) return;
        if (kind != PoolingKind.Gem) throw new ArgumentException($"{kind} has no powers, whose gradient could be written");
        if (gradPowers != powers) throw new ArgumentException($"gradPowers has {gradPowers} values for {powers} powers", nameof(gradPowers));
    }
}
