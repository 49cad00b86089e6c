using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Industry and what stands beside it: halls and yards, tank farms.</summary>
internal static class Works
{
    public static void PaintIndustrial(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        float s = scene.Span;
        Surroundings.Lay(scene, Neighbourhood.Works);
        scene.Polygon(Shapes.Rect(scene.Camera.Target, 6 * s, 6 * s), random.Pick(palette.Asphalt.Lit(1.15f), palette.Concrete, palette.Soil, palette.Rough), 0.75f);
        Vector2[] street = scene.Across(scene.Camera.Target + new Vector2(0, random.Range(-0.15, 0.15) * s), 0);
        scene.Road(street, random.Pick(2, 2, 4));
        scene.Traffic(street, 1.7f, random.Range(15, 40));
        if (random.Chance(0.5)) scene.Road(scene.Across(scene.Camera.Target + new Vector2(random.Range(-0.4, 0.4) * s, 0), MathF.PI / 2), 2);
        if (random.Chance(0.35)) RailwayYard.Track(scene, scene.Across(scene.Camera.Target + new Vector2(0, random.Range(0.25, 0.4) * s), 0));
        float step = random.Range(0.24, 0.4) * s;
        Camera camera = scene.Camera;
        for (float x = camera.Min.X; x < camera.Max.X + step; x += step)
        {
            for (float y = camera.Min.Y; y < camera.Max.Y + step; y += step * random.Range(0.7, 0.9))
            {
                var at = new Vector2(x + random.Range(-0.08, 0.08) * step, y);
                float length = random.Range(0.66, 0.95) * step, width = random.Range(0.4, 0.66) * step;
                if (!camera.Sees(at, step) || !scene.Free(at, width * 0.52f)) continue;
                if (random.Chance(0.12)) Yard(scene, at, length, width);
                else Hall(scene, at, length, width);
                scene.Take(at, length + 4, width + 4);
            }
        }
        if (random.Chance(0.35)) ParkingLot.Lot(scene, scene.Camera.Target + new Vector2(random.Range(-0.3, 0.3), random.Range(-0.3, 0.3)) * s, 0.2f * s, 2, 0, random.Range(0.4, 0.9));
        Surroundings.Parked(scene, random.Range(0.001, 0.005));
        scene.Woods(15, random.Range(0.02, 0.14), 1.8f, 3.4f, 0.6f);
    }

    static void Hall(Scene scene, Vector2 at, float length, float width)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Tone wall = palette.Wall().Mix(palette.FlatRoof(), 0.4f), roof = palette.FlatRoof();
        float height = random.Range(7, 14);
        switch (random.Below(5))
        {
            case 0:
                // Sawtooth: a row of sheds, steep glass to one side.
                int teeth = Math.Max(3, (int)(length / random.Range(9, 15)));
                float pitch = length / teeth;
                for (int i = 0; i < teeth; i++)
                {
                    float x = at.X - length / 2 + i * pitch;
                    Vector2 a = new(x, at.Y - width / 2), b = new(x + pitch, at.Y - width / 2), c = new(x + pitch, at.Y + width / 2), d = new(x, at.Y + width / 2);
                    float ridge = height + pitch * 0.4f;
                    scene.CastHull([new(a, 0), new(b, 0), new(c, 0), new(d, 0), new(a, ridge), new(d, ridge), new(b, height), new(c, height)]);
                    scene.Raise(new(x + pitch / 2, at.Y), 0, () =>
                    {
                        scene.Face([new(a, 0), new(b, 0), new(b, height), new(a, ridge)], wall);
                        scene.Face([new(c, 0), new(d, 0), new(d, ridge), new(c, height)], wall);
                        scene.Face([new(b, 0), new(c, 0), new(c, height), new(b, height)], wall);
                        scene.Face([new(d, 0), new(a, 0), new(a, ridge), new(d, ridge)], new Tone(0.3f, 0.4f, 0.48f));
                        scene.Face([new(a, ridge), new(b, height), new(c, height), new(d, ridge)], roof);
                    });
                }
                break;
            case 1:
                // Parallel gabled bays.
                int bays = Math.Max(2, (int)(width / random.Range(12, 20)));
                for (int i = 0; i < bays; i++)
                    scene.House(new(at.X, at.Y - width / 2 + (i + 0.5f) * width / bays), length, width / bays, 0, height, height + width / bays * 0.18f, wall, roof.Vary(random, 0.03f), false);
                break;
            default:
                scene.FlatRoofed(at, length, width, 0, height, random.Chance(0.3) ? 2 : 0, random.Whole(4, 16));
                int skylights = random.Chance(0.6) ? (int)(length / random.Range(7, 14)) : 0;
                Tone glass = random.Chance(0.5) ? Tone.Grey(0.94f) : new Tone(0.35f, 0.45f, 0.52f);
                scene.Raise(at, 0.02f, () =>
                {
                    for (int i = 1; i < skylights; i++)
                        scene.Add(Shapes.Rect(new(at.X - length / 2 + i * length / skylights, at.Y), 1.6f, width * 0.7f), height);
                    scene.Paint(glass, 0.8f);
                });
                break;
        }
        if (random.Chance(0.5))
        {
            // Lorries backed up to their docks.
            for (float x = -length / 2 + 6; x < length / 2 - 4; x += random.Range(4.5, 9))
                if (random.Chance(0.65)) scene.Truck(at + new Vector2(x, -width / 2 - 7.5f), -MathF.PI / 2);
        }
        if (random.Chance(0.16)) Chimney(scene, at + new Vector2(length * 0.56f, random.Range(-0.3, 0.3) * width));
        if (random.Chance(0.2))
            for (int i = 0; i < random.Whole(2, 5); i++) scene.Cylinder(at + new Vector2(-length * 0.56f, -width / 2 + i * 7.5f), 3.2f, random.Range(9, 18), Tone.Grey(0.8f), Tone.Grey(0.88f));
    }

    static void Chimney(Scene scene, Vector2 at)
    {
        float high = scene.Random.Range(28, 60);
        scene.Cylinder(at, 2.2f, high, Tone.Hsv(15, 0.3f, 0.6f), Tone.Grey(0.15f));
    }

    static void Yard(Scene scene, Vector2 at, float length, float width)
    {
        SeededRandom random = scene.Random;
        scene.Polygon(Shapes.Rect(at, length, width), scene.Palette.Concrete.Vary(random, 0.12f));
        for (float x = -length / 2 + 5; x < length / 2 - 4; x += 7)
        {
            for (float y = -width / 2 + 8; y < width / 2 - 6; y += 14)
            {
                int layers = random.Below(4);
                if (layers == 0) continue;
                Tone paint = scene.Palette.Paint();
                scene.Box(at + new Vector2(x, y), 2.5f, 12.2f, 0, 2.6f * layers, paint.Lit(0.85f), paint);
            }
        }
    }

    public static void PaintTanks(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = random.Pick(Neighbourhood.Works, Neighbourhood.Waste, Neighbourhood.Meadow, Neighbourhood.Works, Neighbourhood.Fields);
        Surroundings.Lay(scene, around);
        float s = scene.Span, radius = random.Range(0.045, 0.115) * s, step = radius * random.Range(2.6, 3.5);
        int columns = Math.Max(1, (int)(random.Range(0.7, 1.15) * s / step)), rows = Math.Max(1, (int)(random.Range(0.5, 1.1) * s / step));
        Vector2 middle = scene.Camera.Target + new Vector2(random.Range(-0.1, 0.1), random.Range(-0.1, 0.1)) * s;
        Tone ground = random.Pick(palette.Soil, palette.Concrete, palette.Sand.Lit(0.9f), palette.Rough), bund = random.Chance(0.5) ? ground.Lit(1.2f) : palette.Grass;
        scene.Polygon(Shapes.Rect(middle, columns * step + 14, rows * step + 14), ground);
        scene.Take(middle, columns * step + 14, rows * step + 14);
        bool staggered = random.Chance(0.2), bunds = random.Chance(0.65), floating = random.Chance(0.35);
        float tall = random.Range(9, 16);
        Tone paint = random.Chance(0.75) ? Tone.Grey(random.Range(0.82, 0.97)) : palette.FlatRoof();
        float pipe = Math.Max(0.6f, 0.003f * s);
        for (int r = 0; r < rows; r++)
        {
            float y = middle.Y + (r - (rows - 1) / 2f) * step;
            if (bunds)
            {
                for (int c = 0; c < columns; c++)
                {
                    var cell = new Vector2(middle.X + (c - (columns - 1) / 2f) * step, y);
                    scene.AddStrip(Closed(Shapes.Rect(cell, step * 0.94f, step * 0.94f)), 1.6f);
                }
                scene.Paint(bund);
            }
            scene.AddStrip([new(middle.X - columns * step / 2, y - radius * 1.2f), new(middle.X + columns * step / 2, y - radius * 1.2f)], pipe);
            scene.AddStrip([new(middle.X - columns * step / 2, y - radius * 1.2f - 2), new(middle.X + columns * step / 2, y - radius * 1.2f - 2)], pipe);
            scene.Paint(Tone.Grey(0.75f));
            for (int c = 0; c < columns; c++)
            {
                if (random.Chance(0.1)) continue;
                var at = new Vector2(middle.X + (c - (columns - 1) / 2f + (staggered ? (r % 2) * 0.5f - 0.25f : 0)) * step, y);
                float own = radius * (random.Chance(0.3) ? random.Range(0.5, 0.85) : random.Range(0.92, 1.08));
                Tank(scene, at, own, Math.Min(tall * random.Range(0.8, 1.15), own * 1.6f), random.Chance(0.15) ? palette.FlatRoof() : paint, floating && random.Chance(0.8));
            }
        }
        Surroundings.PassingRoad(scene, rows * step / 2 + 8, random.Pick(0f, MathF.PI));
        if (random.Chance(0.5)) Surroundings.PassingRoad(scene, columns * step / 2 + 8, random.Pick(MathF.PI / 2, -MathF.PI / 2));
        Surroundings.Grow(scene, around);
    }

    static Vector2[] Closed(Vector2[] outline) => [.. outline, outline[0]];

    static void Tank(Scene scene, Vector2 at, float radius, float height, Tone paint, bool floating)
    {
        SeededRandom random = scene.Random;
        float sunk = floating ? height * random.Range(0.15, 0.7) : 0, stair = random.Range(0, 6.3);
        scene.Cylinder(at, radius, height, paint.Lit(0.95f), paint, () =>
        {
            Vector2[] inner = Shapes.Ellipse(at, radius * 0.93f, radius * 0.93f, 0, 28);
            if (floating)
            {
                // The rim's shadow lies on the sunken roof.
                scene.Polygon(inner, paint.Lit(0.58f), 1, height);
                Vector2 shift = scene.Sun.ShadowPerMetre * sunk;
                if (shift.Length() > radius * 0.7f) shift *= radius * 0.7f / shift.Length();
                scene.Polygon([.. inner.Select(p => at + (p - at) * (1 - shift.Length() / radius * 0.5f) + shift * 0.5f)], paint.Lit(0.84f), 1, height);
            }
            else
            {
                scene.AddStrip(Shapes.Ellipse(at, radius * 0.55f, radius * 0.55f, 0, 24), radius * 0.03f, height);
                for (int i = 0; i < 8; i++) scene.AddStrip([at, at + Shapes.Turn(new(radius * 0.95f, 0), stair + i * MathF.PI / 4)], radius * 0.02f, height);
                scene.Paint(paint.Lit(0.78f), 0.7f);
                scene.Polygon(Shapes.Ellipse(at, radius * 0.08f, radius * 0.08f, 0, 12), paint.Lit(0.5f), 1, height);
            }
            scene.Line(new(at + Shapes.Turn(new(radius, 0), stair), height), new(at + Shapes.Turn(new(radius * 1.04f, 0), stair + 0.7f), 0), radius * 0.05f, Tone.Grey(0.45f));
        });
    }
}
