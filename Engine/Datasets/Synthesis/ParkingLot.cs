using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Rows of stalls with lines, cars and planted islands.</summary>
internal static class ParkingLot
{
    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        Neighbourhood around = Surroundings.Any(random);
        Surroundings.Lay(scene, around);
        float s = scene.Span, length = random.Range(0.75, 1.25) * s;
        int modules = Math.Max(2, (int)(random.Range(0.6, 1.15) * s / 17));
        var middle = scene.Camera.Target + new Vector2(random.Range(-0.08, 0.08), random.Range(-0.08, 0.08)) * s;
        Lot(scene, middle, length, modules, 0, random.Range(0.2, 0.97));
        if (random.Chance(0.6))
        {
            float depth = random.Range(18, 45);
            Vector2 at = middle + new Vector2(random.Range(-0.2, 0.2) * length, random.Pick(-1f, 1f) * (modules * 8.5f + depth / 2 + 6));
            scene.FlatRoofed(at, length * random.Range(0.5, 0.9), depth, 0, random.Range(6, 13), random.Whole(1, 3), random.Below(9));
            scene.Take(at, length * 0.9f, depth);
        }
        Surroundings.PassingRoad(scene, modules * 8.5f + 4, random.Pick(0f, MathF.PI));
        Surroundings.Grow(scene, around);
    }

    /// <summary>A lot of double rows, 17 m each, along the angle.</summary>
    /// <param name="full">0…1 of the stalls are occupied.</param>
    public static void Lot(Scene scene, Vector2 middle, float length, int modules, float angle, float full)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Tone ground = random.Chance(0.75) ? palette.Asphalt.Vary(random, 0.1f) : palette.Concrete.Vary(random, 0.1f);
        float width = modules * 17;
        Vector2 At(float x, float y) => middle + Shapes.Turn(new(x, y), angle);
        scene.Polygon(Shapes.Rect(middle, length + 8, width + 4, angle), palette.Concrete.Lit(0.9f));
        scene.Polygon(Shapes.Rect(middle, length + 6, width + 2, angle), ground);
        scene.Take(middle, length + 8, width + 5, angle);
        int stalls = (int)(length / 2.7f);
        bool islands = random.Chance(0.55), median = random.Chance(0.35), slanted = random.Chance(0.2);
        float slant = slanted ? random.Pick(-0.45f, 0.45f) : 0, pen = Math.Max(0.14f, 0.45f / scene.Camera.Scale(new(middle, 0)));
        bool lines = scene.Camera.Scale(new(middle, 0)) > 0.9f;
        List<Vector2> planted = [];
        for (int m = 0; m < modules; m++)
        {
            float back = -width / 2 + (m + 0.5f) * 17;
            scene.AddStrip([At(-length / 2, back), At(length / 2, back)], pen);
            foreach (int side in (int[])[-1, 1])
            {
                for (int i = 0; i <= stalls; i++)
                {
                    float x = -length / 2 + i * 2.7f, lean = slant * 5.2f;
                    if (lines && scene.Camera.Sees(At(x, back), 8)) scene.AddStrip([At(x, back), At(x + lean, back + side * 5.2f)], pen);
                }
            }
            scene.Paint(Palette.Marking, 0.85f);
            if (median) scene.Strip([At(-length / 2, back), At(length / 2, back)], 1.4f, palette.Grass);
            if (islands)
            {
                foreach (float x in (float[])[-length / 2, 0, length / 2])
                {
                    scene.Polygon(Shapes.Ellipse(At(x, back), 1.9f, 5.4f, angle, 20), palette.Concrete);
                    scene.Polygon(Shapes.Ellipse(At(x, back), 1.5f, 5, angle, 20), palette.Grass);
                    planted.Add(At(x, back + 2.6f));
                    planted.Add(At(x, back - 2.6f));
                }
            }
            foreach (int side in (int[])[-1, 1])
            {
                // Cars crowd towards some doors: a gradient along the row.
                float crowd = random.Range(-0.5, 0.5);
                for (int i = 0; i < stalls; i++)
                {
                    float x = -length / 2 + (i + 0.5f) * 2.7f;
                    if (!random.Chance(full + crowd * x / length) || (islands && Math.Min(Math.Abs(x), length / 2 - Math.Abs(x)) < 3)) continue;
                    scene.Car(At(x + slant * 2.6f, back + side * (median ? 3.3f : 2.7f)), angle + MathF.PI / 2 - slant * side + (random.Chance(0.5) ? MathF.PI : 0));
                }
            }
            for (int i = 0; i < 2; i++)
                if (random.Chance(0.4)) scene.Car(At(random.Range(-0.45, 0.45) * length, back + 8.5f - random.Range(-1, 1)), angle);
        }
        foreach (Vector2 at in planted) scene.AnyTree(at, random.Range(1.3, 2.3));
        if (random.Chance(0.5))
            for (float x = -length / 2 + 10; x < length / 2; x += 30)
                for (int m = 0; m < modules; m += 2) scene.Pole(At(x, -width / 2 + (m + 0.5f) * 17), 10, Tone.Grey(0.7f));
    }
}
