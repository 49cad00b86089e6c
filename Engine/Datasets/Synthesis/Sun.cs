using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>One direction of light for a whole scene, so that shading and cast shadows agree.</summary>
internal sealed class Sun
{
    public Sun(SeededRandom random)
    {
        float azimuth = random.Range(0, 2 * Math.PI), elevation = random.Range(0.45, 1.15);
        Direction = new(MathF.Cos(azimuth) * MathF.Cos(elevation), MathF.Sin(azimuth) * MathF.Cos(elevation), MathF.Sin(elevation));
        ShadowPerMetre = new Vector2(-Direction.X, -Direction.Y) / Direction.Z;
        bool overcast = random.Chance(0.15);
        Ambient = overcast ? random.Range(0.75, 0.9) : random.Range(0.42, 0.62);
        ShadowDepth = overcast ? random.Range(0.08, 0.2) : random.Range(0.38, 0.66);
    }

    /// <summary>Unit vector towards the sun.</summary>
    public Vector3 Direction { get; }

    /// <summary>Where the shadow of a point one metre up falls, from the point's foot, in metres.</summary>
    public Vector2 ShadowPerMetre { get; }

    /// <summary>Share of light that reaches a face turned away.</summary>
    public float Ambient { get; }

    /// <summary>Opacity of shadows, 0…1.</summary>
    public float ShadowDepth { get; }

    /// <summary>Light on a face, 1 for level ground.</summary>
    public float On(Vector3 normal) => Ambient + (1 - Ambient) * Math.Max(0, Vector3.Dot(normal, Direction)) / Direction.Z;

    public Vector2 Shadow(Vector3 point) => new Vector2(point.X, point.Y) + ShadowPerMetre * point.Z;
}
