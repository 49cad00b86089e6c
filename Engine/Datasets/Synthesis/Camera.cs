using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>A pinhole above level ground. World: x east, y north, z up, metres. Screen: pixels from the top left.</summary>
internal sealed class Camera
{
    readonly float _half, _focal;
    readonly Vector3 _right, _up, _forward;

    /// <param name="side">Pixels of the square picture.</param>
    /// <param name="span">Metres across the middle of the picture.</param>
    /// <param name="oblique">Looking 32°–54° below the horizon, which stays outside the picture; otherwise nearly straight down.</param>
    public Camera(int side, float span, bool oblique, SeededRandom random)
    {
        float field = oblique ? random.Range(0.42, 0.66) : random.Range(0.3, 0.55);
        float tilt = oblique ? random.Range(0.56, 0.94) : MathF.PI / 2 - random.Range(0, 0.09);
        float azimuth = random.Range(0, 2 * Math.PI);
        // The upper edge looks at the ground too, at no less than 13° below the horizon.
        if (oblique) tilt = Math.Max(tilt, field / 2 + 0.23f);

        _half = side / 2f;
        _focal = _half / MathF.Tan(field / 2);
        Distance = span / (2 * MathF.Tan(field / 2));
        var heading = new Vector3(MathF.Cos(azimuth), MathF.Sin(azimuth), 0);
        _forward = heading * MathF.Cos(tilt) - Vector3.UnitZ * MathF.Sin(tilt);
        _right = new(heading.Y, -heading.X, 0);
        _up = Vector3.Cross(_right, _forward);
        var target = new Vector3(random.Range(-0.06, 0.06) * span, random.Range(-0.06, 0.06) * span, 0);
        Position = target - _forward * Distance;
        Target = new(target.X, target.Y);
        Heading = new(heading.X, heading.Y);
        Oblique = oblique;
        Span = span;
        Side = side;
        (Vector2 min, Vector2 max) = (Target, Target);
        foreach ((float x, float y) in ((float, float)[])[(0, 0), (side, 0), (0, side), (side, side)])
        {
            Vector2 corner = Ground(x, y);
            min = Vector2.Min(min, corner);
            max = Vector2.Max(max, corner);
        }
        (Min, Max) = (min, max);
    }

    public int Side { get; }

    public float Span { get; }

    public bool Oblique { get; }

    public Vector3 Position { get; }

    /// <summary>Metres from the camera to the ground in the middle of the picture.</summary>
    public float Distance { get; }

    /// <summary>The ground in the middle of the picture.</summary>
    public Vector2 Target { get; }

    /// <summary>Unit vector: the picture's upward direction on the ground.</summary>
    public Vector2 Heading { get; }

    /// <summary>South-western corner of the box around the ground in the picture.</summary>
    public Vector2 Min { get; }

    /// <summary>Its north-eastern corner.</summary>
    public Vector2 Max { get; }

    /// <summary>Right, up and forward of the camera, metres.</summary>
    public Vector3 View(Vector3 point)
    {
        Vector3 d = point - Position;
        return new(Vector3.Dot(d, _right), Vector3.Dot(d, _up), Vector3.Dot(d, _forward));
    }

    /// <summary>Points nearer than this are cut off, metres.</summary>
    public float Near => Distance * 0.05f;

    public Vector2 Screen(Vector3 view) => new(_half + _focal * view.X / view.Z, _half - _focal * view.Y / view.Z);

    public Vector2 Project(Vector3 point)
    {
        Vector3 view = View(point);
        return Screen(view with { Z = Math.Max(view.Z, Near) });
    }

    /// <summary>Pixels per metre at a point, across the line of sight.</summary>
    public float Scale(Vector3 point) => _focal / Math.Max(View(point).Z, Near);

    /// <summary>The ground seen at a pixel.</summary>
    public Vector2 Ground(float x, float y)
    {
        Vector3 ray = Ray(x, y);
        Vector3 hit = Position + ray * (Position.Z / Math.Max(-ray.Z, 1e-3f));
        return new(hit.X, hit.Y);
    }

    /// <summary>Not normalised: one metre forward.</summary>
    public Vector3 Ray(float x, float y) => _forward + _right * ((x - _half) / _focal) + _up * ((_half - y) / _focal);

    /// <summary>Whether anything of a thing of this radius (and height) can be in the picture.</summary>
    public bool Sees(Vector2 at, float radius)
    {
        Vector3 view = View(new(at, 0));
        if (view.Z < Near) return false;
        Vector2 screen = Screen(view);
        float margin = radius * _focal / view.Z + 2;
        return screen.X > -margin && screen.X < Side + margin && screen.Y > -margin && screen.Y < Side + margin;
    }
}
