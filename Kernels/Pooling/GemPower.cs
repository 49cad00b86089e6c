using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>GeM's power p: what host and CUDA kernels share. Arguments are at least 1e-6 or NaN, which stays one.</summary>
internal interface IGemPower
{
    /// <summary>Whether a plane's largest activation is brought to about 1 before it is raised, so that nothing overflows or fades out.</summary>
    bool Scales { get; }

    /// <summary>x^p.</summary>
    float Raise(float x);

    /// <summary>x^(p−1).</summary>
    float RaiseLess(float x);

    /// <summary>x^(1/p).</summary>
    float Root(float x);

    Vector512<float> Raise(Vector512<float> x);

    Vector512<float> RaiseLess(Vector512<float> x);

    Vector512<float> Root(Vector512<float> x);
}

/// <summary>p = 3, the usual one: products and a cube root.</summary>
internal readonly struct CubePower : IGemPower
{
    public bool Scales => false;

    public float Raise(float x) => x * x * x;

    public float RaiseLess(float x) => x * x;

    public float Root(float x) => Elementary.CubeRoot(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Raise(Vector512<float> x) => x * x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x) => x * x;

    public Vector512<float> Root(Vector512<float> x) => ElementaryLanes.CubeRoot(x);
}

internal readonly struct AnyPower(float p) : IGemPower
{
    readonly float power = p;
    readonly float inverse = 1 / p;

    public bool Scales => true;

    public float Raise(float x) => Elementary.Power(x, power);

    public float RaiseLess(float x) => Elementary.Power(x, power - 1);

    public float Root(float x) => Elementary.Power(x, inverse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Raise(Vector512<float> x) => ElementaryLanes.Power(x, Vector512.Create(power));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x) => ElementaryLanes.Power(x, Vector512.Create(power - 1));

    public Vector512<float> Root(Vector512<float> x) => ElementaryLanes.Power(x, Vector512.Create(inverse));
}
