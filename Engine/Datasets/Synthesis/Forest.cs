using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>A closed canopy, with clearings, a track or a brook now and then.</summary>
internal static class Forest
{
    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Camera camera = scene.Camera;
        scene.Clear(palette.Season == Season.Snow ? palette.Grass : palette.Rough.Lit(random.Range(0.55, 0.85)));
        if (random.Chance(0.32)) scene.Road(scene.Across(camera.Target + new Vector2(0, random.Range(-0.3, 0.3) * scene.Span), random.Range(0, 3.1), 0.12f), 1, random.Range(3, 5), true, palette.Soil);
        else if (random.Chance(0.15))
        {
            Vector2[] brook = scene.Across(camera.Target, random.Range(0, 3.1), 0.16f);
            scene.Strip(brook, 6, palette.Water);
            scene.Take(brook, 5);
        }
        if (random.Chance(0.35))
        {
            Vector2 at = camera.Target + Shapes.Turn(new(random.Range(0.15, 0.5) * scene.Span, 0), random.Range(0, 6.3));
            float size = random.Range(0.08, 0.2) * scene.Span;
            scene.Polygon(Shapes.Blob(at, size, size * 0.7f, 0.5f, random), palette.Grass);
            scene.Take(at, size * 1.1f, size * 0.9f);
            if (random.Chance(0.3)) scene.AnyHouse(at, 10, 8, random.Range(0, 3.1));
        }
        float spacing = random.Range(4.6, 7.4), share = random.Chance(0.2) ? random.Range(0.5, 0.75) : random.Range(0.88, 1);
        float conifers = random.Pick(0f, 0f, 0.25f, 0.6f, 1f);
        Vector2 extent = camera.Max - camera.Min;
        spacing = Math.Max(spacing, MathF.Sqrt(extent.X * extent.Y / 5000));
        for (float x = camera.Min.X - spacing; x < camera.Max.X + spacing; x += spacing)
        {
            for (float y = camera.Min.Y - spacing; y < camera.Max.Y + spacing; y += spacing)
            {
                var at = new Vector2(x + random.Range(-0.45, 0.45) * spacing, y + random.Range(-0.45, 0.45) * spacing);
                float radius = spacing * random.Range(0.5, 0.85);
                if (!random.Chance(share) || !camera.Sees(at, radius * 4) || !scene.Free(at, radius * 0.5f)) continue;
                scene.Tree(at, radius, palette.Tree(), random.Chance(conifers));
            }
        }
    }
}
