using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Baseball, tennis and golf: greens and lines among the same parks and suburbs.</summary>
internal static class Sports
{
    public static void PaintBaseball(Scene scene)
    {
        SeededRandom random = scene.Random;
        Neighbourhood around = random.Pick(Neighbourhood.Meadow, Neighbourhood.Suburb, Neighbourhood.Suburb, Neighbourhood.Woods, Neighbourhood.Works);
        Surroundings.Lay(scene, around);
        float s = scene.Span;
        int fields = random.Chance(0.22) ? random.Whole(2, 4) : 1;
        Tone dirt = random.Chance(0.8) ? scene.Palette.Soil.Mix(Tone.Hsv(22, 0.5f, 0.62f), random.Range(0.2, 0.8)) : scene.Palette.Sand;
        Vector2 middle = scene.Camera.Target + new Vector2(random.Range(-0.05, 0.05), random.Range(-0.05, 0.05)) * s;
        float size = fields == 1 ? random.Range(0.68, 0.95) * s : 0.5f * s;
        for (int i = 0; i < fields; i++)
        {
            float facing = fields == 1 ? random.Range(0, 6.28) : i * MathF.PI / 2;
            Vector2 home = fields == 1 ? middle - Shapes.Turn(new(size * 0.5f, 0), facing + MathF.PI / 4) : middle + Shapes.Turn(new(size * 0.1f, size * 0.1f), facing);
            Diamond(scene, home, facing, size, dirt);
        }
        if (random.Chance(0.5)) Surroundings.PassingRoad(scene, 0.55f * s, random.Range(0, 6.28));
        if (random.Chance(0.3)) ParkingLot.Lot(scene, middle + Shapes.Turn(new(0.85f * s, 0), random.Range(0, 6.3)), 0.4f * s, 2, 0, random.Range(0.2, 0.8));
        Surroundings.Grow(scene, around);
    }

    /// <param name="facing">The first-base line's direction; the third-base line lies 90° to its left.</param>
    /// <param name="size">From home to the outfield fence, metres.</param>
    static void Diamond(Scene scene, Vector2 home, float facing, float size, Tone dirt)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        // An infield of 27 m on a 100 m field, more on small ones.
        float side = size * random.Range(0.27, 0.36);
        Vector2 P(float x, float y) => home + Shapes.Turn(new(x, y), facing);
        Vector2[] Fan(float radius, float from = 0, float to = MathF.PI / 2) => [home, .. Shapes.Arc(home, radius, radius, facing + from, facing + to, 0, 28)];
        Tone grass = palette.Season == Season.Snow ? palette.Grass.Lit(0.95f) : palette.Grass.Mix(Tone.Hsv(100, 0.5f, 0.48f), random.Range(0.1, 0.6));
        bool track = random.Chance(0.55);
        scene.Polygon(Fan(size, -0.12f, MathF.PI / 2 + 0.12f), track ? dirt : grass);
        scene.Polygon(Shapes.Ellipse(home, side * 0.5f, side * 0.5f), track || random.Chance(0.5) ? dirt : grass);
        scene.Polygon(Fan(size * 0.955f), grass);
        if (random.Chance(0.6))
        {
            // Mown in rings or in straight bands.
            for (int i = 0; i < 10; i += 2)
            {
                float r0 = size * (0.4f + i * 0.055f), r1 = r0 + size * 0.055f;
                scene.Add([.. Shapes.Arc(home, r0, r0, facing, facing + MathF.PI / 2, 0, 20), .. Shapes.Arc(home, r1, r1, facing + MathF.PI / 2, facing, 0, 20)]);
            }
            scene.Paint(grass.Lit(1.16f), 0.6f);
        }
        Vector2 mound = P(side * 0.5f, side * 0.5f);
        // The infield: dirt out to an arc around the mound, cut by the foul lines; grass inside the bases.
        List<Vector2> infield = [home];
        float reach = side * random.Range(0.86, 0.98);
        for (int i = 0; i <= 24; i++)
        {
            float t = i / 24f * MathF.PI / 2;
            Vector2 direction = new(MathF.Cos(t), MathF.Sin(t));
            // Where a ray from home leaves the circle around the mound.
            float along = 0.5f * side * (direction.X + direction.Y), off = 0.5f * side * side - along * along;
            infield.Add(P(0, 0) + Shapes.Turn(direction * (along + MathF.Sqrt(Math.Max(0, reach * reach - off))), facing));
        }
        scene.Polygon([.. infield], dirt);
        if (random.Chance(0.85))
        {
            float pad = side * 0.1f;
            scene.Polygon([P(pad, pad), P(side - pad, pad), P(side - pad, side - pad), P(pad, side - pad)], grass);
        }
        foreach ((float x, float y) in ((float, float)[])[(side, 0), (side, side), (0, side)]) scene.Polygon(Shapes.Ellipse(P(x * 0.985f, y * 0.985f), side * 0.12f, side * 0.12f), dirt);
        scene.Polygon(Shapes.Ellipse(home, side * 0.18f, side * 0.18f), dirt);
        scene.Polygon(Shapes.Ellipse(mound, side * 0.1f, side * 0.1f), dirt);
        float pen = Math.Max(0.25f, 0.5f / scene.Camera.Scale(new(home, 0)));
        scene.AddStrip([home, P(size * 0.95f, 0)], pen);
        scene.AddStrip([home, P(0, size * 0.95f)], pen);
        foreach ((float x, float y) in ((float, float)[])[(0, 0), (side, 0), (side, side), (0, side), (side / 2, side / 2)]) scene.Add(Shapes.Rect(P(x, y), 1.1f, 1.1f, facing));
        scene.Paint(Palette.Marking);

        // Fence, dugouts, stands, lights.
        Vector2[] fence = [.. Shapes.Arc(home, size, size, facing - 0.1f, facing + MathF.PI / 2 + 0.1f, 0, 24)];
        for (int i = 0; i + 1 < fence.Length; i++)
        {
            (Vector2 a, Vector2 b) = (fence[i], fence[i + 1]);
            scene.CastHull([new(a, 0), new(b, 0), new(a, 2.5f), new(b, 2.5f)]);
            scene.Raise((a + b) / 2, 0, () => scene.Line(new(a, 2.4f), new(b, 2.4f), 0.35f, new Tone(0.18f, 0.3f, 0.22f)));
        }
        scene.Box(P(side * 0.62f, -side * 0.3f), side * 0.42f, 3, facing, 2.4f, Tone.Grey(0.6f), palette.Roof());
        scene.Box(P(-side * 0.3f, side * 0.62f), 3, side * 0.42f, facing, 2.4f, Tone.Grey(0.6f), palette.Roof());
        if (random.Chance(0.5))
            for (int i = 0; i < 4; i++) scene.Box(P(-side * 0.42f - i * 1.4f, -side * 0.42f - i * 1.4f), 1.3f, side * 0.7f, facing + MathF.PI / 4, 1 + i * 0.8f, Tone.Grey(0.6f), Tone.Grey(0.78f));
        foreach ((float x, float y) in ((float, float)[])[(0.3f, -0.1f), (-0.1f, 0.3f), (0.75f, -0.1f), (-0.1f, 0.75f)])
            scene.Pole(P(x * size, y * size), 20, Tone.Grey(0.75f), 0.5f);
        scene.Take(P(size * 0.42f, size * 0.42f), size * 1.3f, size * 1.3f, facing + MathF.PI / 4);
    }

    public static void PaintTennis(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Meadow, Neighbourhood.Suburb, Neighbourhood.Suburb, Neighbourhood.Woods, Neighbourhood.Works);
        Surroundings.Lay(scene, around);
        float s = scene.Span;
        int columns = Math.Clamp((int)(random.Range(0.35, 0.95) * s / 17.5f), 1, 8), rows = Math.Clamp((int)(random.Range(0.3, 0.9) * s / 36), 1, 3);
        Vector2 middle = scene.Camera.Target + new Vector2(random.Range(-0.08, 0.08), random.Range(-0.08, 0.08)) * s;
        Tone Surface() => random.Below(6) switch
        {
            0 => Tone.Hsv(random.Range(205, 222), random.Range(0.4, 0.6), random.Range(0.45, 0.62)),
            1 or 2 => Tone.Hsv(random.Range(110, 155), random.Range(0.25, 0.45), random.Range(0.34, 0.52)),
            3 => Tone.Hsv(random.Range(10, 22), random.Range(0.45, 0.6), random.Range(0.55, 0.7)),
            4 => palette.Asphalt.Vary(random, 0.1f),
            _ => palette.Grass.Lit(0.95f),
        };
        Tone outside = Surface(), inside = random.Chance(0.72) ? Surface() : outside;
        float width = columns * 17.5f, length = rows * 36;
        scene.Polygon(Shapes.Rect(middle, width + 5, length + 5), palette.Concrete.Vary(random, 0.08f));
        scene.Polygon(Shapes.Rect(middle, width + 1, length + 1), outside);
        float pen = Math.Max(0.1f, 0.55f / scene.Camera.Scale(new(middle, 0)));
        for (int c = 0; c < columns; c++)
        {
            for (int r = 0; r < rows; r++)
            {
                Vector2 at = middle + new Vector2((c - (columns - 1) / 2f) * 17.5f, (r - (rows - 1) / 2f) * 36);
                scene.Polygon(Shapes.Rect(at, 10.97f, 23.77f), inside);
                void L(float x0, float y0, float x1, float y1) => scene.AddStrip([at + new Vector2(x0, y0), at + new Vector2(x1, y1)], pen);
                foreach (int side in (int[])[-1, 1])
                {
                    L(side * 5.485f, -11.9f, side * 5.485f, 11.9f);
                    L(side * 4.115f, -11.9f, side * 4.115f, 11.9f);
                    L(-5.485f, side * 11.885f, 5.485f, side * 11.885f);
                    L(-4.115f, side * 6.4f, 4.115f, side * 6.4f);
                }
                L(0, -6.4f, 0, 6.4f);
                scene.Paint(Palette.Marking, 0.95f);
                // The net: a dark line with its white tape, and its shadow.
                Vector2 left = at + new Vector2(-6.4f, 0), right = at + new Vector2(6.4f, 0);
                scene.CastHull([new(left, 0), new(right, 0), new(left, 1), new(right, 1)]);
                scene.Raise(at, 0, () =>
                {
                    scene.Line(new(left, 0.5f), new(right, 0.5f), 0.5f, Tone.Grey(0.22f), 1.2f);
                    scene.Line(new(left, 1), new(right, 1), 0.12f, Tone.Grey(0.95f));
                });
            }
        }
        Vector2[] corners = Shapes.Rect(middle, width + 1, length + 1);
        for (int i = 0; i < 4; i++)
        {
            (Vector2 a, Vector2 b) = (corners[i], corners[(i + 1) % 4]);
            scene.CastPlate(Shapes.Strip([a + scene.Sun.ShadowPerMetre * 3, b + scene.Sun.ShadowPerMetre * 3], 0.25f), 0);
            scene.Raise((a + b) / 2, 0, () => scene.Line(new(a, 3), new(b, 3), 0.15f, Tone.Grey(0.35f)));
        }
        foreach (Vector2 corner in corners) scene.Pole(corner, 9, Tone.Grey(0.7f));
        scene.Take(middle, width + 6, length + 6);
        if (random.Chance(0.4))
        {
            Vector2 club = middle + new Vector2(random.Range(-0.2, 0.2) * s, random.Pick(-1f, 1f) * (length / 2 + 16));
            scene.AnyHouse(club, random.Range(14, 24), 10, 0);
        }
        if (random.Chance(0.35))
        {
            Vector2 at = middle + new Vector2(random.Pick(-1f, 1f) * (width / 2 + 24), 0);
            ParkingLot.Lot(scene, at, length * 0.9f, 2, MathF.PI / 2, random.Range(0.2, 0.9));
        }
        if (random.Chance(0.45)) Surroundings.PassingRoad(scene, Math.Max(width, length) / 2 + 22, random.Range(0, 6.28));
        Surroundings.Grow(scene, around);
    }

    public static void PaintGolf(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        float s = scene.Span;
        Neighbourhood around = random.Pick(Neighbourhood.Woods, Neighbourhood.Meadow, Neighbourhood.Meadow);
        Surroundings.Lay(scene, around);
        Tone rough = palette.Rough.Vary(random, 0.08f).Lit(0.88f), fairway = palette.Season == Season.Snow ? palette.Grass.Lit(0.93f) : palette.Grass.Mix(Tone.Hsv(92, 0.48f, 0.6f), random.Range(0.3, 0.7)), green = fairway.Lit(1.28f);
        scene.Polygon(Shapes.Rect(scene.Camera.Target, 6 * s, 6 * s), rough, 0.6f);
        int holes = random.Whole(1, 2);
        float turn = random.Range(0, 3.14), gap = s * random.Range(0.36, 0.52);
        for (int i = 0; i < holes + 2; i++)
        {
            float y = (i - (holes + 1) / 2f) * gap, length = s * random.Range(0.75, 1.3), width = s * random.Range(0.13, 0.2);
            float shift = random.Range(-0.25, 0.25) * s, bend = random.Range(-0.16, 0.16) * s;
            Vector2 P(float t, float off) => scene.Camera.Target + Shapes.Turn(new(shift + (t - 0.5f) * length, y + bend * MathF.Sin(t * MathF.PI) + off), turn);
            Vector2[] spine = Shapes.Curve([P(0.12f, 0), P(0.35f, 0), P(0.6f, 0), P(0.88f, 0)], 8);
            Fairway(scene, spine, width, fairway);
            Vector2 flag = P(1.02f, 0);
            scene.Polygon(Shapes.Blob(flag, width * 0.75f, width * 0.6f, 0.3f, random), fairway.Lit(1.05f));
            scene.Polygon(Shapes.Blob(flag, width * 0.48f, width * 0.38f, 0.25f, random), green);
            scene.Pole(flag, 4, Tone.Grey(0.95f), 0.3f);
            scene.Polygon(Shapes.Rect(P(0, 0), width * 0.5f, width * 0.28f, turn), green.Lit(0.95f));
            for (int b = random.Whole(2, 5); b > 0; b--)
            {
                bool nearGreen = random.Chance(0.65);
                Vector2 at = nearGreen ? flag + Shapes.Turn(new(width * random.Range(0.75, 1), 0), random.Range(0, 6.3)) : P(random.Range(0.3, 0.8), random.Pick(-1f, 1f) * width * 0.62f);
                float size = width * random.Range(0.2, 0.36);
                Vector2[] bunker = Shapes.Blob(at, size, size * 0.62f, 0.55f, random, 28);
                scene.Polygon([.. bunker.Select(p => p + scene.Sun.ShadowPerMetre * 0.5f)], rough.Lit(0.6f), 0.6f);
                scene.Polygon(bunker, palette.Sand.Lit(1.12f));
                scene.Take(at, size * 2, size * 1.6f);
            }
            scene.Take(spine, width * 1.05f);
            scene.Take(flag, width * 1.4f, width * 1.4f);
        }
        if (random.Chance(0.5))
        {
            Vector2 at = scene.Camera.Target + Shapes.Turn(new(random.Range(-0.35, 0.35) * s, gap / 2), turn);
            Vector2[] pond = Shapes.Blob(at, s * random.Range(0.06, 0.13), s * 0.06f, 0.45f, random);
            scene.Polygon(pond, palette.Water);
            scene.Take(at, 0.2f * s, 0.1f * s, turn);
        }
        if (random.Chance(0.6)) scene.Road(scene.Across(scene.Camera.Target + Shapes.Turn(new(0, gap * 0.48f), turn), turn, 0.05f), 1, 2.2f, false, palette.Concrete);
        scene.Woods(Math.Max(8, s / 30), random.Range(0.16, 0.5), 2.6f, 5.5f, 0.5f);
    }

    static void Fairway(Scene scene, Vector2[] spine, float width, Tone tone)
    {
        // Wider in the middle, round at the ends.
        int n = spine.Length;
        var left = new Vector2[n];
        var right = new Vector2[n];
        float a = scene.Random.Range(0, 6.3), b = scene.Random.Range(0, 6.3);
        for (int i = 0; i < n; i++)
        {
            float t = i / (n - 1f), round = MathF.Sqrt(Math.Max(0, 1 - MathF.Pow(Math.Abs(2 * t - 1), 6)));
            Vector2 d = Vector2.Normalize(spine[Math.Min(n - 1, i + 1)] - spine[Math.Max(0, i - 1)]), side = new(-d.Y, d.X);
            left[i] = spine[i] + side * (width / 2 * round * (1 + 0.22f * MathF.Sin(5 * t + a)));
            right[i] = spine[i] - side * (width / 2 * round * (1 + 0.22f * MathF.Sin(6 * t + b)));
        }
        scene.Polygon([.. left, .. right.Reverse()], tone);
        for (int i = 0; i + 2 < n; i += 4) scene.Add([left[i], left[i + 2], right[i + 2], right[i]]);
        scene.Paint(tone.Lit(1.1f), 0.55f);
    }
}
