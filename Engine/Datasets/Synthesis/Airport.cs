using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>A marked runway with its taxiway; apron, terminal and aircraft.</summary>
internal static class Airport
{
    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Meadow, Neighbourhood.Fields, Neighbourhood.Waste, Neighbourhood.Meadow, Neighbourhood.Suburb);
        Surroundings.Lay(scene, around);
        float s = scene.Span, width = random.Range(32, 52), reach = 3 * s;
        bool apronFirst = random.Chance(0.35);
        float runwayY = scene.Camera.Target.Y + (apronFirst ? -0.42f * s : random.Range(-0.16, 0.16) * s), x0 = scene.Camera.Target.X;
        float taxiY = runwayY + width / 2 + random.Range(40, 70);
        Tone asphalt = palette.Asphalt.Vary(random, 0.08f), apron = random.Chance(0.6) ? palette.Concrete.Vary(random, 0.08f) : asphalt.Lit(1.15f);
        scene.Polygon(Shapes.Rect(new(x0, (runwayY + taxiY) / 2), 2 * reach, taxiY - runwayY + 2.4f * width), palette.Grass.Vary(random, 0.1f));
        scene.Take(new(x0, (runwayY + taxiY) / 2), 2 * reach, taxiY - runwayY + 2.4f * width);

        // One end of the runway is often in the picture: the piano keys are what the eye looks for.
        float end = x0 - random.Range(0.05, 0.9) * s, sign = random.Pick(-1f, 1f);
        float X(float fromEnd) => x0 + sign * (end - x0 + fromEnd);
        scene.Polygon([new(X(-40), runwayY - width / 2 - 4), new(X(2 * reach), runwayY - width / 2 - 4), new(X(2 * reach), runwayY + width / 2 + 4), new(X(-40), runwayY + width / 2 + 4)], asphalt.Lit(0.85f));
        scene.Polygon([new(X(-30), runwayY - width / 2), new(X(2 * reach), runwayY - width / 2), new(X(2 * reach), runwayY + width / 2), new(X(-30), runwayY + width / 2)], asphalt);
        scene.Polygon([new(X(80), runwayY - width / 5), new(X(300), runwayY - width / 7), new(X(300), runwayY + width / 7), new(X(80), runwayY + width / 5)], Tone.Grey(0.12f), 0.3f);
        void Bar(float from, float length, float y, float thick)
        {
            var at = new Vector2(X(from + length / 2), runwayY + y);
            if (scene.Camera.Sees(at, length)) scene.Add(Shapes.Rect(at, length, thick));
        }
        for (int i = 0; i < 12; i++)
        {
            float y = (i - 5.5f) * width / 14 + Math.Sign(i - 5.5f) * width * 0.03f;
            Bar(6, 30, y, width * 0.04f);
        }
        for (float at = 60; at < reach; at += 50) Bar(at, 28, 0, Math.Max(0.9f, width * 0.03f));
        foreach (float at in (float[])[150, 300])
            foreach (float y in (float[])[-0.24f, 0.24f]) Bar(at, 40, y * width, width * 0.12f);
        Bar(0, 2 * reach, -width / 2 + 1, 0.9f);
        Bar(0, 2 * reach, width / 2 - 1, 0.9f);
        scene.Paint(Palette.Marking, 0.92f);

        scene.AddStrip([new(x0 - reach, taxiY), new(x0 + reach, taxiY)], 20);
        List<float> stubs = [X(4), X(0.42f * s + 60), X(1.1f * s + 60)];
        foreach (float x in stubs)
        {
            float lean = random.Chance(0.5) ? random.Range(-40, 40) : 0;
            scene.AddStrip([new(x, runwayY), new(x + lean * 0.5f, (runwayY + taxiY) / 2), new(x + lean, taxiY)], 20);
        }
        scene.Paint(asphalt.Lit(1.06f));
        scene.AddStrip([new(x0 - reach, taxiY), new(x0 + reach, taxiY)], Math.Max(0.5f, 0.6f / scene.Camera.Scale(new(x0, taxiY, 0))));
        scene.Paint(Tone.Hsv(48, 0.75f, 0.85f), 0.8f);
        if (apronFirst || random.Chance(0.5)) Apron(scene, new(x0 + random.Range(-0.1, 0.1) * s, taxiY + 10), apron);
        if (random.Chance(0.6)) scene.Plane(new(X(random.Range(60, 0.8 * s)), random.Chance(0.5) ? runwayY : taxiY), random.Range(30, 60), sign > 0 ? 0 : MathF.PI);
        if (random.Chance(0.4)) Surroundings.PassingRoad(scene, 0.35f * s + taxiY - scene.Camera.Target.Y, random.Pick(0f, MathF.PI));
        Surroundings.Grow(scene, around);
    }

    static void Apron(Scene scene, Vector2 edge, Tone ground)
    {
        SeededRandom random = scene.Random;
        float s = scene.Span, length = random.Range(0.7, 1.2) * s, depth = random.Range(90, 130);
        scene.Polygon(Shapes.Rect(edge + new Vector2(0, depth / 2), length, depth), ground);
        for (float x = -length / 2; x < length / 2; x += 12) scene.AddStrip([edge + new Vector2(x, 0), edge + new Vector2(x, depth)], 0.35f);
        scene.Paint(ground.Lit(0.8f), 0.5f);
        scene.Take(edge + new Vector2(0, depth / 2 + 25), length + 10, depth + 70);
        float size = random.Range(34, 58), step = size * random.Range(1.15, 1.5);
        for (float x = -length / 2 + step / 2; x < length / 2 - step / 3; x += step)
        {
            scene.Strip([edge + new Vector2(x, 4), edge + new Vector2(x, depth - 18)], 0.7f, Tone.Hsv(48, 0.7f, 0.85f), 0.7f);
            if (random.Chance(0.72)) scene.Plane(edge + new Vector2(x, depth - size * 0.62f), size * random.Range(0.85, 1.05), MathF.PI / 2 + random.Range(-0.03, 0.03));
            if (random.Chance(0.6)) scene.Truck(edge + new Vector2(x + size * 0.5f, depth - 22), random.Range(0, 6.3));
            scene.Box(edge + new Vector2(x + 6, depth + 2), 4, 18, 0.2f, 5, Tone.Grey(0.7f), Tone.Grey(0.78f));
        }
        scene.FlatRoofed(edge + new Vector2(0, depth + 26), length * 0.94f, 34, 0, random.Range(11, 18), 3, 12);
        if (random.Chance(0.4)) scene.Box(edge + new Vector2(random.Range(-0.3, 0.3) * length, depth + 52), 9, 9, 0, 38, Tone.Grey(0.75f), Tone.Grey(0.5f), 6);
        if (random.Chance(0.7)) ParkingLot.Lot(scene, edge + new Vector2(random.Range(-0.1, 0.1) * length, depth + 84), length * 0.7f, 3, 0, random.Range(0.4, 0.9));
    }
}
