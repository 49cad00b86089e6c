using System.Numerics;
using SkiaSharp;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>
/// Ground first, painted in the order of the calls; then the cast shadows of all that stands, as one dark film; then what stands, from far to near.
/// </summary>
/// <remarks>Everything is projected here and reaches Skia as filled polygons and circles in pixels: no perspective rasteriser, no shader, no font.</remarks>
internal sealed class Scene : IDisposable
{
    readonly SKBitmap _bitmap;
    readonly SKCanvas _canvas;
    readonly SKPaint _paint = new() { IsAntialias = true };
    readonly SKPathBuilder _path = new(), _shadows = new();
    readonly List<(int Layer, float Distance, int Order, Action Draw)> _standing = [];
    readonly List<(Vector2 Middle, Vector2 Along, float HalfLength, float HalfWidth)> _taken = [];
    readonly List<Vector3> _view = [], _cut = [];
    readonly List<Vector2> _hull = [];

    public Scene(Camera camera, Palette palette, Sun sun, SeededRandom random)
    {
        Camera = camera;
        Palette = palette;
        Sun = sun;
        Random = random;
        _bitmap = new SKBitmap(new SKImageInfo(camera.Side, camera.Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        _canvas = new SKCanvas(_bitmap);
    }

    public Camera Camera { get; }

    public Palette Palette { get; }

    public Sun Sun { get; }

    public SeededRandom Random { get; }

    /// <summary>Metres across the picture.</summary>
    public float Span => Camera.Span;

    /// <summary>RGBA, rows from the top.</summary>
    public Span<byte> Pixels => _bitmap.GetPixelSpan();

    public void Clear(Tone tone) => _canvas.Clear(tone.Ink());

    // ── shapes on a level plane: collected, then painted in one colour ──

    public void Add(ReadOnlySpan<Vector2> outline, float z = 0)
    {
        _view.Clear();
        bool inFront = true;
        foreach (Vector2 p in outline)
        {
            Vector3 v = Camera.View(new(p, z));
            inFront &= v.Z >= Camera.Near;
            _view.Add(v);
        }
        Collect(_path, inFront);
    }

    void Add(ReadOnlySpan<Vector3> outline)
    {
        _view.Clear();
        bool inFront = true;
        foreach (Vector3 p in outline)
        {
            Vector3 v = Camera.View(p);
            inFront &= v.Z >= Camera.Near;
            _view.Add(v);
        }
        Collect(_path, inFront);
    }

    void Collect(SKPathBuilder path, bool inFront)
    {
        List<Vector3> points = _view;
        if (!inFront)
        {
            // Sutherland–Hodgman against the near plane.
            _cut.Clear();
            for (int i = 0; i < _view.Count; i++)
            {
                Vector3 a = _view[i], b = _view[(i + 1) % _view.Count];
                if (a.Z >= Camera.Near) _cut.Add(a);
                if (a.Z >= Camera.Near != b.Z >= Camera.Near) _cut.Add(Vector3.Lerp(a, b, (Camera.Near - a.Z) / (b.Z - a.Z)) with { Z = Camera.Near });
            }
            points = _cut;
        }
        if (points.Count < 3) return;
        for (int i = 0; i < points.Count; i++)
        {
            Vector2 s = Camera.Screen(points[i]);
            if (i == 0) path.MoveTo(s.X, s.Y);
            else path.LineTo(s.X, s.Y);
        }
        path.Close();
    }

    /// <summary>Fills what was added since the last call.</summary>
    public void Paint(Tone tone, float alpha = 1)
    {
        _paint.Color = tone.Ink(alpha);
        using SKPath path = _path.Detach();
        _canvas.DrawPath(path, _paint);
    }

    public void Polygon(ReadOnlySpan<Vector2> outline, Tone tone, float alpha = 1, float z = 0)
    {
        Add(outline, z);
        Paint(tone, alpha);
    }

    public void Strip(ReadOnlySpan<Vector2> line, float width, Tone tone, float alpha = 1, float z = 0)
    {
        AddStrip(line, width, z);
        Paint(tone, alpha);
    }

    public void AddStrip(ReadOnlySpan<Vector2> line, float width, float z = 0) => Add(Shapes.Strip(line, width), z);

    // ── things that stand ──

    /// <summary>Draws later, behind everything nearer; <paramref name="layer"/> 1 and up is drawn over all lower layers (bridges, what is on them).</summary>
    public void Raise(Vector2 at, float z, Action draw, int layer = 0) =>
        _standing.Add((layer, Vector3.Distance(Camera.Position, new(at, z)), _standing.Count, draw));

    /// <summary>A flat face of a solid, seen from one side only and lit by the sun. Its points run anticlockwise as seen from outside.</summary>
    public void Face(ReadOnlySpan<Vector3> outline, Tone tone)
    {
        Vector3 normal = Vector3.Cross(outline[1] - outline[0], outline[2] - outline[0]);
        if (Vector3.Dot(normal, Camera.Position - outline[0]) <= 0) return;
        Add(outline);
        Paint(tone.Lit(Sun.On(Vector3.Normalize(normal))));
    }

    /// <summary>A disc that always faces the camera: crowns, globes. Added, not painted.</summary>
    public void AddGlobe(Vector3 middle, float radius)
    {
        Vector3 view = Camera.View(middle);
        if (view.Z < Camera.Near) return;
        Vector2 s = Camera.Screen(view);
        _path.AddCircle(s.X, s.Y, radius * Camera.Scale(middle), SKPathDirection.Clockwise);
    }

    /// <summary>A thing thinner than a pixel wide, such as a mast: never thinner than <paramref name="pixels"/>.</summary>
    public void Line(Vector3 from, Vector3 to, float width, Tone tone, float pixels = 1)
    {
        Vector2 a = Camera.Project(from), b = Camera.Project(to), along = b - a;
        if (along.LengthSquared() < 0.01f) return;
        Vector2 side = Vector2.Normalize(new(-along.Y, along.X)) * Math.Max(pixels, width * Camera.Scale(from)) / 2;
        ReadOnlySpan<Vector2> quad = [a + side, b + side, b - side, a - side];
        _path.MoveTo(quad[0].X, quad[0].Y);
        foreach (Vector2 p in quad[1..]) _path.LineTo(p.X, p.Y);
        _path.Close();
        Paint(tone);
    }

    /// <summary>The shadow of a convex solid, from its corners.</summary>
    public void CastHull(ReadOnlySpan<Vector3> corners)
    {
        Span<Vector2> fallen = stackalloc Vector2[corners.Length];
        for (int i = 0; i < corners.Length; i++) fallen[i] = Sun.Shadow(corners[i]);
        Shapes.ConvexHull(fallen, _hull);
        Cast(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_hull));
    }

    /// <summary>The shadow of a flat thing held level at a height.</summary>
    public void CastPlate(ReadOnlySpan<Vector2> outline, float z)
    {
        Span<Vector2> fallen = stackalloc Vector2[outline.Length];
        for (int i = 0; i < outline.Length; i++) fallen[i] = outline[i] + Sun.ShadowPerMetre * z;
        // One sense of rotation for all, or overlapping shadows would cancel.
        if (Shapes.Area(fallen) < 0) fallen.Reverse();
        Cast(fallen);
    }

    void Cast(ReadOnlySpan<Vector2> outline)
    {
        _view.Clear();
        bool inFront = true;
        foreach (Vector2 p in outline)
        {
            Vector3 v = Camera.View(new(p, 0));
            inFront &= v.Z >= Camera.Near;
            _view.Add(v);
        }
        Collect(_shadows, inFront);
    }

    // ── who has which ground ──

    /// <summary>Keeps a rectangle free of what is scattered later.</summary>
    public void Take(Vector2 middle, float length, float width, float angle = 0) =>
        _taken.Add((middle, new(MathF.Cos(angle), MathF.Sin(angle)), length / 2, width / 2));

    public void Take(ReadOnlySpan<Vector2> line, float width)
    {
        for (int i = 0; i + 1 < line.Length; i++)
        {
            Vector2 along = line[i + 1] - line[i];
            Take((line[i] + line[i + 1]) / 2, along.Length() + width, width, MathF.Atan2(along.Y, along.X));
        }
    }

    public bool Free(Vector2 at, float radius)
    {
        foreach ((Vector2 middle, Vector2 along, float halfLength, float halfWidth) in _taken)
        {
            Vector2 d = at - middle;
            if (Math.Abs(Vector2.Dot(d, along)) < halfLength + radius && Math.Abs(along.X * d.Y - along.Y * d.X) < halfWidth + radius) return false;
        }
        return true;
    }

    /// <summary>Lays the shadows, then draws what stands.</summary>
    public void Finish()
    {
        using (SKPath shadows = _shadows.Detach())
        {
            // Shadows are lit by the sky: bluish, not black.
            _paint.Color = new Tone(0.05f, 0.06f, 0.1f).Ink(Sun.ShadowDepth);
            _canvas.DrawPath(shadows, _paint);
        }
        _standing.Sort((a, b) => a.Layer != b.Layer ? a.Layer.CompareTo(b.Layer) : a.Distance != b.Distance ? b.Distance.CompareTo(a.Distance) : a.Order.CompareTo(b.Order));
        foreach ((_, _, _, Action draw) in _standing) draw();
        _canvas.Flush();
    }

    public void Dispose()
    {
        _shadows.Dispose();
        _path.Dispose();
        _paint.Dispose();
        _canvas.Dispose();
        _bitmap.Dispose();
    }
}
