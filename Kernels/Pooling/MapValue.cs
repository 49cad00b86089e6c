using ILGPU;

namespace Osprey.Kernels.Pooling;

/// <summary>How a CUDA kernel reads and writes a map's values. Instance methods, for ILGPU calls no static ones of an interface.</summary>
/// <typeparam name="TRaw">What lies in memory.</typeparam>
internal interface IMapValue<TRaw>
    where TRaw : unmanaged
{
    float Read(TRaw raw);

    /// <summary>To the nearest, ties to even; a NaN stays one.</summary>
    TRaw Write(float value);
}

internal readonly struct FloatValue : IMapValue<float>
{
    public float Read(float raw) => raw;

    public float Write(float value) => value;
}

/// <summary><see cref="System.Half"/> or <see cref="BFloat16"/>, as the same operations as <see cref="MapLanes"/>.</summary>
/// <param name="half">1 for Half, 0 for BFloat16: a flag and not two functors, which would double the kernels.</param>
internal readonly struct ShortValue(int half) : IMapValue<ushort>
{
    readonly int half = half;

    public float Read(ushort raw)
    {
        uint bits = raw;
        if (half == 0) return Interop.IntAsFloat(bits << 16);
        uint magnitude = (bits & 0x7fff) << 13;
        uint value = Interop.FloatAsInt(Interop.IntAsFloat(magnitude) * Interop.IntAsFloat((127u + 112) << 23));
        if (magnitude >= 0x7c00u << 13) value |= 0x7f800000;
        return Interop.IntAsFloat(value | ((bits & 0x8000) << 16));
    }

    public ushort Write(float value)
    {
        uint bits = Interop.FloatAsInt(value), magnitude = bits & 0x7fffffff, sign = (bits >> 16) & 0x8000;
        if (half == 0) return (ushort)(magnitude > 0x7f800000 ? (bits >> 16) | 0x40 : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
        if (magnitude > 0x7f800000) return (ushort)(sign | 0x7e00);
        if (magnitude >= 0x477ff000) return (ushort)(sign | 0x7c00);
        if (magnitude < 113u << 23) return (ushort)(sign | (Interop.FloatAsInt(Interop.IntAsFloat(magnitude) + 0.5f) - 0x3f000000));
        return (ushort)(sign | ((magnitude - (112u << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13));
    }
}
