using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Cropland: a patchwork of parcels with rows, tracks and hedges; sometimes round ones under a pivot.</summary>
internal static class Fields
{
    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        scene.Clear(scene.Palette.Rough);
        bool pivots = random.Chance(0.2);
        float parcel = random.Range(0.22, 0.5) * scene.Span;
        if (pivots) Pivots(scene, random.Range(0.4, 0.7) * scene.Span);
        else Patchwork(scene, parcel);
        if (random.Chance(0.35)) scene.Road(scene.Across(scene.Camera.Target + new Vector2(random.Range(-0.3, 0.3), random.Range(-0.3, 0.3)) * scene.Span, random.Pick(0, MathF.PI / 2, 0.5f), 0.03f), random.Pick(1, 2), 4);
        if (random.Chance(0.12)) scene.Strip(scene.Across(scene.Camera.Target + new Vector2(0, random.Range(-0.4, 0.4) * scene.Span), random.Range(0, 3.1), 0.1f), random.Range(5, 14), scene.Palette.Water);
        if (random.Chance(0.3)) Farm(scene);
        scene.Woods(Math.Max(14, scene.Span / 28), random.Range(0, 0.05), 2.5f, 5.5f, 1.5f);
    }

    static void Farm(Scene scene)
    {
        SeededRandom random = scene.Random;
        Vector2 middle = scene.Camera.Target + new Vector2(random.Range(-0.35, 0.35), random.Range(-0.35, 0.35)) * scene.Span;
        scene.Polygon(Shapes.Blob(middle, 34, 26, 0.3f, random), scene.Palette.Soil);
        for (int i = 0; i < 4; i++) scene.AnyHouse(middle + new Vector2(random.Range(-22, 22), random.Range(-16, 16)), random.Range(12, 28), random.Range(8, 14), random.Pick(0f, 1.57f));
        for (int i = 0; i < 8; i++) scene.AnyTree(middle + Shapes.Turn(new(random.Range(28, 40), 0), random.Range(0, 6.3)), random.Range(2.5, 5));
    }

    /// <summary>Parcels of about this size over the whole picture, in one of two patterns of fieldlines.</summary>
    public static void Patchwork(Scene scene, float parcel)
    {
        SeededRandom random = scene.Random;
        Camera camera = scene.Camera;
        float shear = random.Chance(0.4) ? random.Range(-0.35, 0.35) : 0, hedges = random.Chance(0.4) ? random.Range(0.2, 0.7) : 0;
        Vector2 margin = new(0.1f * scene.Span);
        Vector2 pivot = camera.Target;
        Cut(camera.Min - margin, camera.Max + margin, 0);

        void Cut(Vector2 min, Vector2 max, int depth)
        {
            Vector2 size = max - min;
            float longest = Math.Max(size.X, size.Y);
            if (longest > parcel * 1.6f && (longest > parcel * 2.6f || random.Chance(0.75)) && depth < 12)
            {
                float at = random.Range(0.36, 0.64);
                if (size.X > size.Y)
                {
                    Cut(min, new(min.X + size.X * at, max.Y), depth + 1);
                    Cut(new(min.X + size.X * at, min.Y), max, depth + 1);
                }
                else
                {
                    Cut(min, new(max.X, min.Y + size.Y * at), depth + 1);
                    Cut(new(min.X, min.Y + size.Y * at), max, depth + 1);
                }
                return;
            }
            Vector2 middle = (min + max) / 2;
            if (!camera.Sees(middle, longest)) return;
            float gap = random.Range(0.004, 0.014) * scene.Span;
            Vector2 P(float x, float y)
            {
                Vector2 p = new(min.X + gap + x * (size.X - 2 * gap), min.Y + gap + y * (size.Y - 2 * gap));
                return p with { X = p.X + shear * (p.Y - pivot.Y) };
            }
            Tone crop = scene.Palette.Crop();
            scene.Polygon([P(0, 0), P(1, 0), P(1, 1), P(0, 1)], crop);
            bool upright = random.Chance(0.5);
            float across = upright ? size.X : size.Y;
            int rows = (int)Math.Min(70, across / (scene.Span * random.Range(0.012, 0.03)));
            float thick = random.Range(0.25, 0.6), strength = random.Range(0.08, 0.36);
            Tone row = random.Chance(0.5) ? crop.Mix(scene.Palette.Soil, 0.6f) : crop.Lit(random.Pick(0.72f, 1.22f));
            for (int i = 0; i < rows; i++)
            {
                float a = (i + 0.5f - thick / 2) / rows, b = a + thick / rows;
                scene.Add(upright ? [P(a, 0), P(b, 0), P(b, 1), P(a, 1)] : [P(0, a), P(1, a), P(1, b), P(0, b)]);
            }
            scene.Paint(row, strength + 0.25f);
            for (int i = random.Below(4); i > 0; i--) scene.Polygon(Shapes.Blob(P(random.Range(0.2, 0.8), random.Range(0.2, 0.8)), 0.2f * size.X, 0.16f * size.Y, 0.5f, random, 20), crop.Lit(random.Pick(0.84f, 1.14f)), 0.3f);
            if (random.Chance(hedges)) scene.Row([P(0, 1), P(1, 1)], 7, random.Range(2, 3.4), 0.75);
        }
    }

    static void Pivots(Scene scene, float pitch)
    {
        SeededRandom random = scene.Random;
        Camera camera = scene.Camera;
        foreach (int pass in (int[])[0, 1])
        {
            for (float x = camera.Min.X - pitch / 2; x < camera.Max.X + pitch; x += pitch)
            {
                for (float y = camera.Min.Y - pitch / 2; y < camera.Max.Y + pitch; y += pitch)
                {
                    var at = new Vector2(x, y);
                    if (!camera.Sees(at, pitch)) continue;
                    if (pass == 0)
                    {
                        scene.Polygon(Shapes.Rect(at, pitch * 0.985f, pitch * 0.985f), scene.Palette.Soil.Mix(scene.Palette.Crop(), random.Range(0, 0.6)));
                        continue;
                    }
                    float radius = pitch * random.Range(0.44, 0.485);
                    Tone crop = scene.Palette.Crop();
                    scene.Polygon(Shapes.Ellipse(at, radius, radius, 0, 64), crop);
                    int sectors = random.Below(3);
                    float start = random.Range(0, 6.3);
                    for (int i = 0; i < sectors; i++)
                        scene.Polygon([at, .. Shapes.Arc(at, radius, radius, start + i * 2, start + i * 2 + random.Range(0.6, 2))], scene.Palette.Crop(), 0.85f);
                    for (float r = radius; r > radius * 0.1f; r -= radius * 0.09f) scene.AddStrip(Shapes.Ellipse(at, r, r, 0, 56), pitch * 0.007f);
                    scene.Paint(crop.Lit(0.8f), 0.5f);
                    scene.Strip([at, at + Shapes.Turn(new(radius, 0), start)], pitch * 0.01f, Tone.Grey(0.9f), 0.8f);
                }
            }
        }
    }
}
