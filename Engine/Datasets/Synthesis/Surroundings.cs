using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

internal enum Neighbourhood
{
    Meadow,
    Woods,
    Suburb,
    Fields,
    Works,
    Waste,
}

/// <summary>What lies around a subject. Any class may lie in any neighbourhood, so neither ground nor clutter tells the class.</summary>
internal static class Surroundings
{
    public static Neighbourhood Any(SeededRandom random) => random.Pick(
        Neighbourhood.Meadow, Neighbourhood.Meadow, Neighbourhood.Woods, Neighbourhood.Suburb, Neighbourhood.Suburb, Neighbourhood.Fields, Neighbourhood.Works, Neighbourhood.Waste);

    /// <summary>Ground of the whole picture. Call first.</summary>
    public static void Lay(Scene scene, Neighbourhood kind)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Camera camera = scene.Camera;
        Tone ground = kind switch
        {
            Neighbourhood.Works => random.Pick(palette.Concrete, palette.Asphalt, palette.Soil, palette.Rough),
            Neighbourhood.Waste => random.Pick(palette.Soil, palette.Sand, palette.Rough),
            Neighbourhood.Woods => palette.Rough.Lit(0.8f),
            _ => random.Chance(0.25) ? palette.Rough : palette.Grass,
        };
        scene.Clear(ground);
        if (kind == Neighbourhood.Fields) Fields.Patchwork(scene, random.Range(0.3, 0.6) * scene.Span);
        Vector2 extent = camera.Max - camera.Min;
        int patches = kind == Neighbourhood.Fields ? 4 : 26;
        for (int i = 0; i < patches; i++)
        {
            var at = new Vector2(camera.Min.X + random.Range(0, 1) * extent.X, camera.Min.Y + random.Range(0, 1) * extent.Y);
            Tone other = random.Pick(palette.Rough, palette.Grass, palette.Soil, ground.Lit(0.85f), ground.Lit(1.12f));
            float size = random.Range(0.04, 0.2) * scene.Span;
            scene.Polygon(Shapes.Blob(at, size, size * random.Range(0.4, 1), 0.5f, random, 24), other, random.Range(0.12, 0.5));
        }
        if (random.Chance(0.1)) scene.Polygon(Shapes.Blob(camera.Target + Away(scene) * 0.55f, 0.2f * scene.Span, 0.11f * scene.Span, 0.5f, random), palette.Water);
    }

    /// <summary>A direction from the middle, one picture's width long.</summary>
    static Vector2 Away(Scene scene) => Shapes.Turn(new(scene.Span, 0), scene.Random.Range(0, 6.28));

    /// <summary>A road that passes by the subject, with traffic; its ground is taken.</summary>
    /// <param name="clear">Metres from the middle that stay free.</param>
    public static void PassingRoad(Scene scene, float clear, float angle)
    {
        SeededRandom random = scene.Random;
        int lanes = random.Pick(2, 2, 4);
        Vector2 side = Shapes.Turn(new(0, clear + lanes * 2.5f + random.Range(2, 0.12 * scene.Span)), angle);
        Vector2[] line = scene.Across(side, angle);
        scene.Road(line, lanes);
        scene.Traffic(line, lanes > 2 ? 5.1f : 1.7f, random.Range(14, 50));
        if (random.Chance(0.4)) scene.Row(Shapes.Beside(line, lanes * 1.7f + 5), random.Range(8, 16), random.Range(2, 3.5));
    }

    /// <summary>Houses, sheds, cars and trees on the ground nobody took. Call last.</summary>
    public static void Grow(Scene scene, Neighbourhood kind)
    {
        SeededRandom random = scene.Random;
        float s = scene.Span;
        switch (kind)
        {
            case Neighbourhood.Suburb:
                Houses(scene, Math.Max(random.Range(20, 34), s / 22), random.Range(0.45, 0.85));
                scene.Woods(11, random.Range(0.12, 0.35), 1.8f, 4);
                break;
            case Neighbourhood.Works:
                Sheds(scene, random.Range(45, 80), 0.6f);
                Parked(scene, random.Range(0.001, 0.004));
                scene.Woods(16, random.Range(0.02, 0.15), 1.8f, 3.5f, 0.5f);
                break;
            case Neighbourhood.Woods:
                scene.Woods(random.Range(6.5, 8.5), random.Range(0.6, 0.95), 2.6f, 4.6f, 0.2f);
                break;
            case Neighbourhood.Fields:
                scene.Woods(18, 0.06f, 2, 4, 1.2f);
                break;
            case Neighbourhood.Waste:
                scene.Woods(Math.Max(10, s / 25), random.Range(0.02, 0.12), 1, 2.6f, 1);
                break;
            default:
                scene.Woods(Math.Max(9, s / 28), random.Range(0.08, 0.35), 2, 4.6f, 0.8f);
                break;
        }
    }

    static IEnumerable<Vector2> Grid(Scene scene, float step)
    {
        Camera camera = scene.Camera;
        for (float x = camera.Min.X; x < camera.Max.X; x += step)
            for (float y = camera.Min.Y; y < camera.Max.Y; y += step)
                if (camera.Sees(new(x, y), step)) yield return new(x, y);
    }

    static void Houses(Scene scene, float step, float share)
    {
        SeededRandom random = scene.Random;
        float turn = random.Pick(0f, MathF.PI / 2);
        foreach (Vector2 place in Grid(scene, step))
        {
            Vector2 at = place + new Vector2(random.Range(-0.15, 0.15), random.Range(-0.15, 0.15)) * step;
            if (!random.Chance(share) || !scene.Free(at, 9)) continue;
            scene.AnyHouse(at, random.Range(9, 15), random.Range(7, 10), turn + random.Range(-0.1, 0.1));
            if (random.Chance(0.4)) scene.Car(at + Shapes.Turn(new(random.Range(-2, 2), step * 0.42f), turn), turn + MathF.PI / 2);
        }
    }

    public static void Sheds(Scene scene, float step, float share)
    {
        SeededRandom random = scene.Random;
        foreach (Vector2 place in Grid(scene, step))
        {
            float length = random.Range(0.35, 0.8) * step, width = random.Range(0.3, 0.5) * step;
            bool upright = random.Chance(0.5);
            if (!random.Chance(share) || !scene.Free(place, length / 2)) continue;
            if (random.Chance(0.65)) scene.FlatRoofed(place, length, width, upright ? MathF.PI / 2 : 0, random.Range(5, 12), random.Below(4), random.Below(7));
            else scene.House(place, length, width, upright ? MathF.PI / 2 : 0, random.Range(5, 8), random.Range(8.5, 11), scene.Palette.Wall(), scene.Palette.FlatRoof(), false);
            scene.Take(place, length + 3, length + 3);
        }
    }

    static void ParkedRow(Scene scene, Vector2 at, float angle)
    {
        for (int i = scene.Random.Whole(1, 6); i > 0; i--)
            if (scene.Random.Chance(0.8)) scene.Car(at + Shapes.Turn(new(0, i * 2.7f - 8), angle), angle);
    }

    /// <param name="density">Thirty times this is the chance of a short row of cars at each of a grid's places.</param>
    public static void Parked(Scene scene, float density)
    {
        SeededRandom random = scene.Random;
        foreach (Vector2 place in Grid(scene, 16))
            if (random.Chance(density * 30) && scene.Free(place, 8)) ParkedRow(scene, place + new Vector2(random.Range(-4, 4), random.Range(-4, 4)), random.Pick(0f, MathF.PI / 2));
    }
}
