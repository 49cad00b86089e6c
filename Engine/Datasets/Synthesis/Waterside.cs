using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>River, beach and harbour. They share their water, so only its edge tells them apart.</summary>
internal static class Waterside
{
    public static void PaintRiver(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = Surroundings.Any(random);
        Surroundings.Lay(scene, around);
        float s = scene.Span, width = random.Range(0.09, 0.3) * s;
        Vector2[] line = scene.Across(scene.Camera.Target + new Vector2(0, random.Range(-0.12, 0.12) * s), 0, random.Range(0.16, 0.4));
        bool sandy = random.Chance(0.45);
        scene.Strip(line, width * 1.5f, palette.Rough.Lit(0.9f), 0.5f);
        scene.Strip(line, width * random.Range(1.12, 1.35), sandy ? palette.Sand.Mix(palette.Soil, 0.4f) : palette.Soil.Lit(0.7f), 0.9f);
        scene.Strip(line, width, palette.Water);
        scene.Strip(line, width * 0.6f, palette.Water.Lit(0.82f), 0.5f);
        Ripples(scene, line, width);
        if (sandy)
        {
            foreach ((Vector2 at, float angle) in Shapes.Along(line, random.Range(0.3, 0.6) * s, random.Range(0, 0.3) * s))
                if (random.Chance(0.7)) SandBar(scene, at + Shapes.Turn(new(0, random.Range(-0.42, 0.42) * width), angle), angle, width);
        }
        scene.Take(line, width * 1.08f);
        if (random.Chance(0.4)) Bridge(scene, line, width);
        foreach (float side in (float[])[-1, 1])
            if (random.Chance(0.6)) scene.Row(Shapes.Beside(line, side * (width * 0.5f + random.Range(4, 9))), random.Range(5, 9), random.Range(2.2, 4), random.Range(0.4, 0.95));
        if (random.Chance(0.25))
            foreach ((Vector2 at, float angle) in Shapes.Along(line, 0.5f * s, random.Range(0, 0.5) * s)) scene.Boat(at, random.Range(6, 0.07 * s + 8), angle, false, true);
        Surroundings.Grow(scene, around);
    }

    /// <summary>A spindle along the current, its edge uneven.</summary>
    static void SandBar(Scene scene, Vector2 at, float angle, float width)
    {
        SeededRandom random = scene.Random;
        float half = width * random.Range(0.45, 0.9), thick = width * random.Range(0.07, 0.14), phase = random.Range(0, 6.3);
        var bar = new Vector2[28];
        for (int i = 0; i < bar.Length; i++)
        {
            (float sin, float cos) = MathF.SinCos(2 * MathF.PI * i / bar.Length);
            bar[i] = at + Shapes.Turn(new(half * cos, thick * sin * MathF.Abs(sin) * (1 + 0.35f * MathF.Sin(4 * cos + phase)) + 0.1f * half * cos * cos), angle);
        }
        scene.Polygon(bar, scene.Palette.Sand.Mix(scene.Palette.Soil, 0.25f));
    }

    static void Ripples(Scene scene, Vector2[] line, float width)
    {
        SeededRandom random = scene.Random;
        foreach ((Vector2 at, float angle) in Shapes.Along(line, 0.02f * scene.Span))
        {
            if (!scene.Camera.Sees(at, width)) continue;
            Vector2 moved = at + Shapes.Turn(new(0, random.Range(-0.42, 0.42) * width), angle);
            scene.Add(Shapes.Ellipse(moved, random.Range(0.01, 0.04) * scene.Span, 0.003f * scene.Span, angle, 10));
        }
        scene.Paint(scene.Palette.Water.Lit(1.25f), 0.4f);
    }

    static void Bridge(Scene scene, Vector2[] line, float width)
    {
        SeededRandom random = scene.Random;
        (Vector2 at, float angle) = Shapes.Along(line, 1, Shapes.Length(line) * 0.5f + random.Range(-0.25, 0.25) * scene.Span).First();
        float across = angle + MathF.PI / 2 + random.Range(-0.2, 0.2), high = random.Range(5, 9);
        int lanes = random.Pick(2, 2, 4);
        Vector2 along = Shapes.Turn(Vector2.UnitX, across);
        Vector2[] deck = [at - along * (width * 0.75f + 6), at + along * (width * 0.75f + 6)], road = scene.Across(at, across);
        scene.Road(road, lanes);
        Overpass.Deck(scene, deck, lanes, high, 1);
        scene.Traffic(deck, lanes > 2 ? 5.1f : 1.7f, random.Range(10, 30), high, 2);
    }

    public static void PaintBeach(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Meadow, Neighbourhood.Suburb, Neighbourhood.Waste, Neighbourhood.Woods, Neighbourhood.Suburb);
        Surroundings.Lay(scene, around);
        float s = scene.Span, reach = 3 * s;
        Vector2[] shore = scene.Across(scene.Camera.Target + new Vector2(0, random.Range(-0.22, 0.2) * s), 0, random.Range(0.03, 0.16));
        float beach = random.Range(0.1, 0.34) * s;
        Tone sea = palette.Water, sand = random.Chance(0.8) ? palette.Sand : palette.Soil.Lit(1.1f), shallow = sea.Mix(sand, 0.35f);
        Vector2[] land = Shapes.Beside(shore, beach);
        scene.AddStrip(Shapes.Beside(shore, beach * 0.5f), beach);
        scene.Add(Shapes.Strip(land, beach * 0.12f));
        scene.Paint(sand);
        for (int i = 0; i < 30; i++)
        {
            (Vector2 at, float angle) = Place(shore, random);
            scene.Add(Shapes.Ellipse(at + Shapes.Turn(new(0, random.Range(0.3, 0.95) * beach), angle), random.Range(0.02, 0.09) * s, random.Range(0.004, 0.014) * s, angle, 14));
        }
        scene.Paint(sand.Lit(0.86f), 0.45f);
        // Out to sea in bands: wet sand, surf, shallows, deep.
        Sea(scene, Shapes.Beside(shore, 0.02f * s), reach, sand.Mix(sea, 0.45f));
        Sea(scene, shore, reach, shallow);
        for (int i = 1; i <= 6; i++) Sea(scene, Shapes.Beside(shore, -i * 0.045f * s), reach, shallow.Mix(sea, i / 6f));
        scene.Take([.. Shapes.Beside(shore, -reach / 2 + beach)], reach);
        int waves = random.Whole(1, 4);
        for (int w = 0; w < waves; w++)
        {
            float off = w * random.Range(0.025, 0.05) * s + 0.004f * s, phase = random.Range(0, 6.3), breaks = random.Range(0.3, 1);
            Vector2[] foam = new Vector2[shore.Length];
            Vector2[] moved = Shapes.Beside(shore, -off);
            for (int i = 0; i < foam.Length; i++) foam[i] = moved[i] + new Vector2(0, 0.006f * s * MathF.Sin(i * 1.3f + phase));
            for (int i = 0; i + 1 < foam.Length; i++)
            {
                if (w > 0 && MathF.Sin(i * 0.8f + phase) > breaks) continue;
                scene.AddStrip([foam[i], foam[i + 1]], (w == 0 ? 0.012f : 0.007f) * s * (1 + 0.5f * MathF.Sin(i * 0.9f + phase)));
            }
        }
        scene.Paint(Tone.Grey(0.96f), 0.85f);

        bool busy = random.Chance(0.6);
        if (busy)
        {
            foreach ((Vector2 at, float angle) in Shapes.Along(shore, random.Range(5, 10)))
            {
                if (!random.Chance(0.6) || !scene.Camera.Sees(at, beach)) continue;
                Vector2 spot = at + Shapes.Turn(new(random.Range(-2, 2), random.Range(0.15, 0.7) * beach), angle);
                Parasol(scene, spot);
            }
        }
        if (random.Chance(0.3))
        {
            (Vector2 at, float angle) = Place(shore, random);
            Vector2[] pier = [at + Shapes.Turn(new(0, beach * 0.6f), angle), at + Shapes.Turn(new(0, -0.35f * s), angle)];
            scene.CastPlate(Shapes.Strip(pier, 5), 3);
            scene.Raise(at, 0, () => scene.Strip(pier, 5, Tone.Hsv(32, 0.25f, 0.6f), 1, 3));
        }
        if (random.Chance(0.35))
            for (int i = random.Whole(1, 4); i > 0; i--) scene.Boat(scene.Camera.Target + new Vector2(random.Range(-0.45, 0.45), random.Range(-0.5, -0.25)) * s, random.Range(7, 14), random.Range(0, 6.3), random.Chance(0.5), random.Chance(0.4));
        if (random.Chance(0.5))
        {
            Vector2[] promenade = Shapes.Beside(shore, beach + 8);
            scene.Road(promenade, 2);
            scene.Traffic(promenade, 1.7f, 18);
            scene.Row(Shapes.Beside(shore, beach + 1), 9, 2.2f, 0.7);
        }
        Surroundings.Grow(scene, around);
    }

    static (Vector2 At, float Angle) Place(Vector2[] line, SeededRandom random) => Shapes.Along(line, 1, Shapes.Length(line) * random.Range(0.25, 0.75)).First();

    static void Parasol(Scene scene, Vector2 at)
    {
        Tone tone = scene.Palette.Paint().Mix(Tone.Grey(0.95f), scene.Random.Chance(0.4) ? 0.9f : 0.1f);
        float radius = scene.Random.Range(1.2, 1.9);
        Vector2[] outline = Shapes.Ellipse(at, radius, radius, 0, 10);
        scene.CastPlate(outline, 2);
        scene.Raise(at, 0, () => scene.Polygon(outline, tone, 1, 2));
        scene.Strip([at + new Vector2(1.5f, 0), at + new Vector2(3.4f, 0.4f)], 0.9f, scene.Palette.Paint());
    }

    /// <summary>Everything to the south of a line that runs east.</summary>
    static void Sea(Scene scene, Vector2[] line, float reach, Tone tone) =>
        scene.Polygon([.. line, line[^1] + new Vector2(0, -reach), line[0] + new Vector2(0, -reach)], tone);

    public static void PaintHarbour(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Works, Neighbourhood.Suburb, Neighbourhood.Meadow, Neighbourhood.Works);
        Surroundings.Lay(scene, around);
        float s = scene.Span, reach = 3 * s, quayY = scene.Camera.Target.Y + random.Range(0.05, 0.38) * s, x0 = scene.Camera.Target.X;
        Tone quay = palette.Concrete.Vary(random, 0.1f);
        scene.Polygon(Shapes.Rect(new(x0, quayY + 10), 2 * reach, 24), quay);
        scene.Polygon(Shapes.Rect(new(x0, quayY - reach), 2 * reach, 2 * reach), palette.Water);
        for (int i = 0; i < 14; i++)
            scene.Polygon(Shapes.Blob(scene.Camera.Target + new Vector2(random.Range(-0.8, 0.8), random.Range(-0.8, 0.2)) * s, 0.2f * s, 0.07f * s, 0.4f, random, 20), palette.Water.Lit(random.Pick(0.86f, 1.12f)), 0.25f);
        scene.Polygon(Shapes.Rect(new(x0, quayY + 10), 2 * reach, 24), quay);
        scene.Strip([new(x0 - reach, quayY - 1.4f), new(x0 + reach, quayY - 1.4f)], 1.2f, quay.Lit(0.45f));
        scene.Take(new(x0, quayY - reach + 11), 2 * reach, 2 * reach + 22);

        bool ships = random.Chance(0.22);
        float boat = ships ? random.Range(0.18, 0.3) * s : random.Range(8, 15), berth = ships ? boat * 1.25f : boat * 0.46f;
        float pitch = 2 * boat + (ships ? 30 : random.Range(11, 20)), sailing = random.Range(0, 0.8), fill = random.Range(0.5, 0.98);
        float depth = random.Range(0.5, 1.1) * s;
        Tone planks = random.Chance(0.5) ? palette.Concrete.Lit(0.95f) : Tone.Hsv(32, random.Range(0.12, 0.3), random.Range(0.5, 0.7));
        float start = x0 + random.Range(-0.5, 0.5) * pitch;
        int count = (int)((scene.Camera.Max.X - scene.Camera.Min.X) / pitch / 2) + 1;
        for (int i = -count; i <= count; i++)
        {
            float x = start + i * pitch;
            float length = depth * random.Range(0.8, 1.05), wide = ships ? 14 : 2.6f;
            scene.Polygon(Shapes.Rect(new(x + scene.Sun.ShadowPerMetre.X, quayY - length / 2 + scene.Sun.ShadowPerMetre.Y), wide, length), palette.Water.Lit(0.5f), 0.8f);
            scene.Polygon(Shapes.Rect(new(x, quayY - length / 2), wide, length), planks);
            if (!ships && random.Chance(0.5)) scene.Polygon(Shapes.Rect(new(x, quayY - length), boat * 1.5f, 2.6f), planks);
            for (float y = quayY - berth; y > quayY - length; y -= berth)
            {
                foreach (int side in (int[])[-1, 1])
                {
                    if (!ships) scene.Polygon(Shapes.Rect(new(x + side * boat * 0.36f, y + berth / 2), boat * 0.7f, 0.7f), planks);
                    if (!random.Chance(fill)) continue;
                    if (ships) scene.Boat(new(x + side * (wide / 2 + boat * 0.12f), y), boat * random.Range(0.8, 1), MathF.PI / 2, false);
                    else scene.Boat(new(x + side * (boat * 0.54f + 1.6f), y), boat * random.Range(0.72, 1.05), side > 0 ? MathF.PI : 0, random.Chance(sailing));
                }
            }
        }
        for (int i = random.Below(4); i > 0; i--) scene.Boat(new(x0 + random.Range(-0.45, 0.45) * s, quayY - depth - random.Range(10, 0.3 * s)), boat * random.Range(0.6, 1), random.Range(0, 6.3), random.Chance(sailing), random.Chance(0.6));
        if (random.Chance(0.35)) ParkingLot.Lot(scene, new(x0 + random.Range(-0.2, 0.2) * s, quayY + 42), 0.5f * s, 2, 0, random.Range(0.3, 0.9));
        if (random.Chance(0.6)) Surroundings.PassingRoad(scene, quayY - scene.Camera.Target.Y + 66, 0);
        for (float x = x0 - s; x < x0 + s; x += 14)
            if (random.Chance(0.4)) scene.Car(new(x, quayY + 14), random.Pick(0f, 1.57f));
        Surroundings.Grow(scene, around);
    }
}
