using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Solids with flat faces, each drawn when its turn comes and with its shadow cast at once.</summary>
internal static class Buildings
{
    /// <param name="floors">Bands of windows on the walls; 0 for none.</param>
    public static void Box(this Scene scene, Vector2 at, float length, float width, float angle, float height, Tone wall, Tone roof, int floors = 0, float z = 0, int layer = 0)
    {
        Vector2[] foot = Shapes.Rect(at, length, width, angle);
        if (layer == 0) Cast(scene, foot, z, z + height);
        scene.Raise(at, z, () => Prism(scene, foot, z, z + height, wall, roof, floors), layer);
    }

    static void Cast(Scene scene, Vector2[] foot, float from, float to)
    {
        Span<Vector3> corners = stackalloc Vector3[2 * foot.Length];
        for (int i = 0; i < foot.Length; i++) (corners[2 * i], corners[2 * i + 1]) = (new(foot[i], from), new(foot[i], to));
        scene.CastHull(corners);
    }

    /// <summary>Walls on an anticlockwise outline, and a flat top.</summary>
    public static void Prism(Scene scene, ReadOnlySpan<Vector2> foot, float from, float to, Tone wall, Tone roof, int floors = 0)
    {
        for (int i = 0; i < foot.Length; i++)
        {
            Vector2 a = foot[i], b = foot[(i + 1) % foot.Length];
            scene.Face([new(a, from), new(b, from), new(b, to), new(a, to)], wall);
            for (int f = 0; f < floors; f++)
            {
                float step = (to - from) / floors, low = from + (f + 0.35f) * step, high = from + (f + 0.78f) * step;
                Vector2 inset = (b - a) * 0.05f;
                scene.Face([new(a + inset, low), new(b - inset, low), new(b - inset, high), new(a + inset, high)], wall.Mix(new(0.12f, 0.16f, 0.22f), 0.75f));
            }
        }
        Span<Vector3> top = stackalloc Vector3[foot.Length];
        for (int i = 0; i < foot.Length; i++) top[i] = new(foot[i], to);
        scene.Face(top, roof);
    }

    /// <summary>A flat roof with a parapet's shadow line and machines on it.</summary>
    public static void FlatRoofed(this Scene scene, Vector2 at, float length, float width, float angle, float height, int floors, int machines)
    {
        Tone wall = scene.Palette.Wall(), roof = scene.Palette.FlatRoof();
        scene.Box(at, length, width, angle, height, wall, roof.Lit(0.86f), floors);
        SeededRandom random = scene.Random;
        Vector2[] inner = Shapes.Rect(at, length - 1.2f, width - 1.2f, angle);
        List<(Vector2 At, float Size, float High)> units = [];
        for (int i = 0; i < machines; i++)
            units.Add((at + Shapes.Turn(new(random.Range(-0.38, 0.38) * length, random.Range(-0.36, 0.36) * width), angle), random.Range(1.6, 4), random.Range(1, 2.2)));
        scene.Raise(at, 0.01f, () =>
        {
            scene.Polygon(inner, roof, 1, height);
            foreach ((Vector2 unit, float size, float high) in units)
            {
                scene.Polygon(Shapes.Rect(unit + scene.Sun.ShadowPerMetre * high * 0.6f, size, size, angle), roof.Lit(1 - scene.Sun.ShadowDepth), 0.8f, height);
                Prism(scene, Shapes.Rect(unit, size, size * 0.7f, angle), height, height + high, Tone.Grey(0.6f), Tone.Grey(0.72f));
            }
        });
    }

    /// <summary>A pitched roof along the length: gables, or hips.</summary>
    public static void House(this Scene scene, Vector2 at, float length, float width, float angle, float eaves, float ridge, Tone wall, Tone roof, bool hipped)
    {
        if (width > length) (length, width, angle) = (width, length, angle + MathF.PI / 2);
        Vector2[] foot = Shapes.Rect(at, length, width, angle);
        float half = hipped ? Math.Max(0, length / 2 - width * 0.45f) : length / 2;
        Vector2 left = at + Shapes.Turn(new(-half, 0), angle), right = at + Shapes.Turn(new(half, 0), angle);
        scene.CastHull([new(foot[0], 0), new(foot[1], 0), new(foot[2], 0), new(foot[3], 0), new(foot[0], eaves), new(foot[1], eaves), new(foot[2], eaves), new(foot[3], eaves), new(left, ridge), new(right, ridge)]);
        scene.Raise(at, 0, () =>
        {
            for (int i = 0; i < 4; i++)
            {
                Vector2 a = foot[i], b = foot[(i + 1) % 4];
                scene.Face([new(a, 0), new(b, 0), new(b, eaves), new(a, eaves)], wall);
                if (eaves > 2.4f && scene.Camera.Scale(new(at, 0)) > 3)
                    scene.Face([new(a + (b - a) * 0.15f, eaves * 0.35f), new(a + (b - a) * 0.85f, eaves * 0.35f), new(a + (b - a) * 0.85f, eaves * 0.75f), new(a + (b - a) * 0.15f, eaves * 0.75f)], wall.Lit(0.5f));
            }
            Tone end = hipped ? roof : wall;
            scene.Face([new(foot[1], eaves), new(foot[2], eaves), new(right, ridge)], end);
            scene.Face([new(foot[3], eaves), new(foot[0], eaves), new(left, ridge)], end);
            scene.Face([new(foot[0], eaves), new(foot[1], eaves), new(right, ridge), new(left, ridge)], roof);
            scene.Face([new(foot[2], eaves), new(foot[3], eaves), new(left, ridge), new(right, ridge)], roof);
        });
    }

    /// <summary>A house of ordinary size and look, sometimes with a wing. Takes its ground.</summary>
    public static void AnyHouse(this Scene scene, Vector2 at, float length, float width, float angle)
    {
        SeededRandom random = scene.Random;
        Tone wall = scene.Palette.Wall(), roof = scene.Palette.Roof().Vary(random, 0.1f);
        float eaves = random.Range(2.8, 5.6), ridge = eaves + Math.Min(length, width) * random.Range(0.22, 0.42);
        bool hipped = random.Chance(0.45);
        scene.House(at, length, width, angle, eaves, ridge, wall, roof, hipped);
        if (random.Chance(0.4))
        {
            Vector2 wing = at + Shapes.Turn(new(random.Pick(-1f, 1f) * length * 0.25f, random.Pick(-1f, 1f) * width * 0.5f), angle);
            scene.House(wing, width * 0.95f, length * 0.4f, angle + MathF.PI / 2, eaves * 0.96f, eaves + length * 0.13f, wall, roof, hipped);
        }
        scene.Take(at, length + 1, width + 1, angle);
    }

    /// <summary>A round tank or silo: shaded wall, rim, and a roof.</summary>
    public static void Cylinder(this Scene scene, Vector2 at, float radius, float height, Tone wall, Tone roof, Action? onRoof = null)
    {
        int corners = scene.Camera.Scale(new(at, 0)) * radius > 12 ? 28 : 16;
        Vector2[] foot = Shapes.Ellipse(at, radius, radius, 0, corners);
        Cast(scene, foot, 0, height);
        scene.Raise(at, 0, () =>
        {
            Prism(scene, foot, 0, height, wall, roof);
            onRoof?.Invoke();
        });
    }

    public static void Pole(this Scene scene, Vector2 at, float height, Tone tone, float width = 0.3f)
    {
        Vector2 tip = scene.Sun.ShadowPerMetre * height;
        if (tip.LengthSquared() > 0.01f) scene.CastPlate(Shapes.Strip([at, at + tip], width), 0);
        scene.Raise(at, 0, () => scene.Line(new(at, 0), new(at, height), width, tone));
    }
}
