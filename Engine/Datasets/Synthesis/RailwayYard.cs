using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Parallel tracks that fan out of a throat, with trains standing on them.</summary>
internal static class RailwayYard
{
    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Works, Neighbourhood.Suburb, Neighbourhood.Waste, Neighbourhood.Meadow, Neighbourhood.Works);
        Surroundings.Lay(scene, around);
        float s = scene.Span, gap = random.Range(4.8, 6.2);
        int tracks = Math.Clamp((int)(random.Range(0.3, 0.8) * s / gap), 4, 26);
        float bend = random.Chance(0.5) ? random.Range(-0.12, 0.12) : 0, throat = random.Chance(0.5) ? random.Pick(-1f, 1f) : 0;
        Vector2 middle = scene.Camera.Target + new Vector2(0, random.Range(-0.12, 0.12) * s);
        Tone ballast = random.Pick(palette.Soil.Lit(0.75f), palette.Asphalt.Lit(1.1f), palette.Concrete.Lit(0.75f), palette.Soil.Mix(palette.Asphalt, 0.5f));

        Vector2[] Line(float place)
        {
            List<Vector2> points = [];
            for (int i = -30; i <= 30; i++)
            {
                float x = i * s / 9, near = 1;
                // Towards the throat the tracks close in upon each other.
                if (throat != 0) near = 1 - 0.82f * Smooth(Math.Clamp((throat * x / s + 0.05f) / 0.75f, 0, 1));
                points.Add(middle + new Vector2(x, place * gap * near + bend * s * (x / s) * (x / s)));
            }
            return [.. points];
        }
        float half = (tracks - 1) / 2f;
        Vector2[] top = Line(half + 1), bottom = Line(-half - 1);
        scene.Polygon([.. bottom, .. top.Reverse()], ballast);
        for (int i = 0; i + 1 < bottom.Length; i++) scene.Take((bottom[i] + top[i + 1]) / 2, s / 9 + 2, Vector2.Distance(bottom[i], top[i]) + 3);
        for (int i = 0; i < 24; i++) scene.Polygon(Shapes.Blob(middle + new Vector2(random.Range(-1, 1) * s, random.Range(-0.5, 0.5) * tracks * gap), 0.08f * s, 3, 0.4f, random, 16), random.Pick(ballast.Lit(0.75f), palette.Rough, ballast.Lit(1.2f)), 0.35f);
        List<Vector2[]> lines = [.. Enumerable.Range(0, tracks).Select(t => Line(t - half))];
        foreach (Vector2[] line in lines) Track(scene, line, false);
        float busy = random.Range(0.2, 0.75);
        foreach (Vector2[] line in lines)
            if (random.Chance(busy)) Train(scene, line, s);
        if (random.Chance(0.4))
        {
            for (int i = 0; i < tracks; i += 4)
            {
                Vector2[] poles = Line(i - half + 0.5f);
                foreach ((Vector2 at, _) in Shapes.Along(poles, 45, random.Range(0, 45)))
                    if (scene.Camera.Sees(at, 12)) scene.Pole(at, 8, Tone.Grey(0.4f));
            }
        }
        if (random.Chance(0.4) && tracks > 6)
        {
            int at = random.Whole(1, 3);
            Vector2 place = middle + new Vector2(random.Range(-0.2, 0.2) * s, (half + 1 + at) * gap);
            scene.FlatRoofed(place, random.Range(0.4, 0.8) * s, 2.2f * gap, 0, 7, 1, 4);
        }
        if (random.Chance(0.6)) Surroundings.PassingRoad(scene, tracks * gap / 2 + 14, random.Pick(0f, MathF.PI));
        Surroundings.Grow(scene, around);
    }

    static float Smooth(float t) => t * t * (3 - 2 * t);

    public static void Track(Scene scene, Vector2[] line, bool bed = true)
    {
        Tone ballast = scene.Palette.Soil.Mix(scene.Palette.Asphalt, 0.5f);
        if (bed)
        {
            scene.Strip(line, 4.4f, ballast);
            scene.Take(line, 6);
        }
        float pixel = 1 / scene.Camera.Scale(new(scene.Camera.Target, 0));
        scene.Strip(line, 2.6f, ballast.Lit(0.62f), 0.8f);
        if (pixel < 0.45f) scene.AddDashes(line, 2.5f, 0.3f, 0.75f);
        scene.Paint(new Tone(0.26f, 0.21f, 0.18f), 0.75f);
        float rail = Math.Max(0.13f, 0.75f * pixel);
        scene.AddStrip(Shapes.Beside(line, 0.72f), rail);
        scene.AddStrip(Shapes.Beside(line, -0.72f), rail);
        scene.Paint(Tone.Hsv(25, 0.08f, 0.66f), 0.85f);
    }

    static void Train(Scene scene, Vector2[] line, float span)
    {
        SeededRandom random = scene.Random;
        float length = random.Range(12, 19), start = Shapes.Length(line) / 2 + random.Range(-0.9, 0.3) * span;
        int wagons = random.Whole(2, 14);
        bool passenger = random.Chance(0.3);
        Tone livery = scene.Palette.Paint();
        int i = 0;
        foreach ((Vector2 at, float angle) in Shapes.Along(line, length + 1.3f, start).Take(wagons))
        {
            i++;
            Tone paint = passenger ? livery : random.Chance(0.5) ? livery : scene.Palette.Paint().Mix(scene.Palette.Soil, 0.35f);
            if (!scene.Camera.Sees(at, length)) continue;
            if (passenger) scene.House(at, length, 2.9f, angle, 3.2f, 3.8f, livery, Tone.Grey(0.75f).Mix(livery, 0.3f), false);
            else if (i % 7 == 1 || !random.Chance(0.3)) scene.Box(at, length, 2.9f, angle, random.Range(3, 3.9), paint.Lit(0.9f), paint);
            else
            {
                scene.Box(at, length, 2.8f, angle, 2.4f, paint.Lit(0.85f), paint.Lit(0.7f));
                Tone load = random.Pick(Tone.Grey(0.15f), scene.Palette.Sand, scene.Palette.Soil);
                scene.Raise(at, 0.02f, () => scene.Polygon(Shapes.Rect(at, length * 0.92f, 2.2f, angle), load, 1, 2.4f));
            }
        }
    }
}
