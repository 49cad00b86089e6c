using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Streets with houses. Dense and sparse are two ends of one scale, and their ranges touch.</summary>
internal static class Residential
{
    public static void PaintDense(Scene scene)
    {
        SeededRandom random = scene.Random;
        bool terraced = random.Chance(0.25);
        Streets(scene, lot: terraced ? random.Range(6.5, 8) : random.Range(10.5, 19), depth: random.Range(17, 27), fill: random.Range(0.88, 1), trees: random.Range(0.02, 0.3), terraced);
    }

    public static void PaintSparse(Scene scene)
    {
        SeededRandom random = scene.Random;
        Streets(scene, lot: random.Range(27, 58), depth: random.Range(34, 62), fill: random.Range(0.6, 0.95), trees: random.Range(0.12, 0.6), terraced: false);
    }

    static void Streets(Scene scene, float lot, float depth, float fill, float trees, bool terraced)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Camera camera = scene.Camera;
        bool sparse = lot > 24;
        scene.Clear(random.Chance(0.25) ? palette.Rough : palette.Grass);
        float street = sparse ? random.Range(5, 7) : random.Range(6, 9), pitch = 2 * depth + street + 3;
        float bow = random.Chance(sparse ? 0.6 : 0.3) ? random.Range(-0.35, 0.35) : 0, wave = random.Range(0.8, 1.6) * scene.Span;
        // The middle of the picture lies beside a street, not always on one.
        Vector2 origin = camera.Target + new Vector2(random.Range(0, lot), random.Range(0, pitch));
        float Bent(float x) => bow * wave / 6 * MathF.Sin((x - origin.X) / wave * 6);

        float block = lot * random.Whole(sparse ? 4 : 6, sparse ? 7 : 12), cross = sparse ? street : street * 0.9f;
        int low = (int)MathF.Floor((camera.Min.Y - origin.Y) / pitch) - 1, high = (int)MathF.Ceiling((camera.Max.Y - origin.Y) / pitch) + 1;
        int left = (int)MathF.Floor((camera.Min.X - origin.X) / block) - 1, right = (int)MathF.Ceiling((camera.Max.X - origin.X) / block) + 1;
        Tone asphalt = palette.Asphalt.Vary(random, 0.08f), pavement = palette.Concrete.Mix(asphalt, 0.3f), paving = palette.Concrete.Vary(random, 0.1f);
        bool pavements = !sparse || random.Chance(0.3);
        List<Vector2[]> streets = [];
        for (int r = low; r <= high; r++)
        {
            List<Vector2> line = [];
            for (float x = camera.Min.X - lot; x <= camera.Max.X + lot; x += lot / 2) line.Add(new(x, origin.Y + r * pitch + Bent(x)));
            streets.Add([.. line]);
        }
        List<Vector2[]> crossings = [];
        for (int c = left; c <= right; c++)
        {
            float x = origin.X + c * block;
            crossings.Add([new(x, camera.Min.Y - 5), new(x, camera.Max.Y + 5)]);
        }
        if (pavements)
        {
            foreach (Vector2[] line in streets.Concat(crossings)) scene.AddStrip(line, street + 3.4f);
            scene.Paint(pavement);
        }
        foreach (Vector2[] line in streets) scene.AddStrip(line, street);
        foreach (Vector2[] line in crossings) scene.AddStrip(line, cross);
        scene.Paint(asphalt);
        foreach (Vector2[] line in streets.Concat(crossings)) scene.Take(line.Length > 2 ? [line[0], line[^1]] : line, 0.1f);

        for (int r = low; r <= high; r++)
        {
            foreach (int side in (int[])[-1, 1])
            {
                for (float x = camera.Min.X - lot; x < camera.Max.X + lot; x += lot)
                {
                    float snapped = origin.X + MathF.Floor((x - origin.X) / lot) * lot + lot / 2;
                    float toCross = Math.Abs(snapped - origin.X - MathF.Round((snapped - origin.X) / block) * block);
                    var front = new Vector2(snapped, origin.Y + r * pitch + Bent(snapped) + side * street / 2);
                    if (toCross < cross / 2 + lot * 0.3f || !camera.Sees(front, depth) || !random.Chance(fill)) continue;
                    float slope = MathF.Atan(bow * MathF.Cos((snapped - origin.X) / wave * 6));
                    Plot(scene, front, slope, side, lot, depth, paving, terraced);
                }
            }
            if (random.Chance(0.8)) scene.Traffic(streets[r - low], street * 0.36f, sparse ? 60 : random.Range(11, 28));
        }
        foreach (Vector2[] line in streets)
            if (random.Chance(0.4)) scene.Row(Shapes.Beside(line, street / 2 + 2), random.Range(8, 18), random.Range(1.6, 2.8), 0.7);
        scene.Woods(sparse ? 9.5f : 7.5f, trees, 1.6f, sparse ? 5f : 3.6f, 0.4f);
    }

    /// <param name="front">Middle of the plot's edge on the street.</param>
    /// <param name="side">1: the plot lies to the north of its street; −1: to the south.</param>
    static void Plot(Scene scene, Vector2 front, float slope, int side, float lot, float depth, Tone paving, bool terraced)
    {
        SeededRandom random = scene.Random;
        Vector2 At(float along, float inward) => front + Shapes.Turn(new(along, side * inward), slope);
        float setBack = terraced ? 6 : lot > 24 ? random.Range(10, 20) : random.Range(6, 8.5);
        float length = terraced ? lot * 0.99f : Math.Min(lot * random.Range(0.62, 0.85), random.Range(11, 20)), width = terraced ? 9 : Math.Min(random.Range(7.5, 12), depth * 0.5f);
        Vector2 house = At(random.Range(-0.06, 0.06) * lot, setBack + width / 2);
        if (random.Chance(0.3)) scene.Polygon(Shapes.Rect(At(0, depth / 2), lot * 0.96f, depth, slope), scene.Palette.Rough.Vary(random, 0.12f), 0.5f);
        float drive = random.Pick(-1f, 1f) * (length / 2 - 1.5f);
        if (!terraced) scene.Polygon([At(drive - 1.6f, 0), At(drive + 1.6f, 0), At(drive + 1.6f, setBack + 1), At(drive - 1.6f, setBack + 1)], paving);
        if (random.Chance(0.5) && setBack > 5.5f) scene.Car(At(drive, setBack * 0.52f), slope + MathF.PI / 2);
        if (!terraced && random.Chance(lot > 24 ? 0.3 : 0.1))
        {
            Vector2 pool = At(random.Range(-0.2, 0.2) * lot, setBack + width + 6);
            scene.Polygon(Shapes.Rect(pool, 10, 6.4f, slope), paving);
            scene.Polygon(random.Chance(0.5) ? Shapes.Rect(pool, 8, 4, slope) : Shapes.Blob(pool, 4, 2.4f, 0.3f, random, 20), Tone.Hsv(188, 0.55f, 0.78f));
            scene.Take(pool, 10, 7, slope);
        }
        if (random.Chance(0.25)) scene.House(At(random.Range(-0.35, 0.35) * lot, depth - 3), 4, 3, slope, 2.2f, 3, scene.Palette.Wall(), scene.Palette.Roof(), false);
        if (terraced)
        {
            scene.House(house, length, width, slope, 6, 8.5f, scene.Palette.Wall(), scene.Palette.Roof().Vary(random, 0.06f), false);
            scene.Take(house, length, width, slope);
        }
        else
        {
            scene.AnyHouse(house, length, width, slope + (lot > 24 ? random.Range(-0.3, 0.3) : random.Range(-0.04, 0.04)));
        }
    }
}
