using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Osprey.Kernels.Arithmetic;

namespace Osprey.Kernels.Pooling;

/// <summary>
/// How GeM raises to its power p: what host and CUDA kernels share. Arguments are at least 1e-6 or NaN, which stays one. Instance methods,
/// for ILGPU calls no static ones of an interface.
/// </summary>
internal interface IGemPower
{
    /// <summary>Whether a plane's largest activation is brought to about 1 before it is raised, so that nothing overflows or fades out.</summary>
    bool Scales { get; }

    /// <summary>x^p.</summary>
    float Raise(float x, float p);

    /// <summary>x^(p−1).</summary>
    float RaiseLess(float x, float p);

    /// <summary>x^(1/p).</summary>
    float Root(float x, float p);

    Vector512<float> Raise(Vector512<float> x, Vector512<float> p);

    Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p);

    /// <summary>x^(p−1), and ln x.</summary>
    Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p, out Vector512<float> log);

    Vector512<float> Root(Vector512<float> x, Vector512<float> p);
}

/// <summary>p = 3, the usual one: products and a cube root.</summary>
internal readonly struct CubePower : IGemPower
{
    public bool Scales => false;

    public float Raise(float x, float p) => x * x * x;

    public float RaiseLess(float x, float p) => x * x;

    public float Root(float x, float p) => Elementary.CubeRoot(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Raise(Vector512<float> x, Vector512<float> p) => x * x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p) => x * x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p, out Vector512<float> log)
    {
        log = ElementaryLanes.Log(x);
        return x * x;
    }

    public Vector512<float> Root(Vector512<float> x, Vector512<float> p) => ElementaryLanes.CubeRoot(x);
}

/// <summary>Any p, one for all channels or one for each.</summary>
internal readonly struct AnyPower : IGemPower
{
    public bool Scales => true;

    public float Raise(float x, float p) => Elementary.Power(x, p);

    public float RaiseLess(float x, float p) => Elementary.Power(x, p - 1);

    public float Root(float x, float p) => Elementary.Power(x, 1 / p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Raise(Vector512<float> x, Vector512<float> p) => ElementaryLanes.Power(x, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p) => ElementaryLanes.Power(x, p - Vector512<float>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> RaiseLess(Vector512<float> x, Vector512<float> p, out Vector512<float> log) =>
        ElementaryLanes.Power(x, p - Vector512<float>.One, out log);

    public Vector512<float> Root(Vector512<float> x, Vector512<float> p) => ElementaryLanes.Power(x, Vector512<float>.One / p);
}
