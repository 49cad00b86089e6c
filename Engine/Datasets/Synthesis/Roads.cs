using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

internal static class Roads
{
    /// <summary>A paved road with markings, and its ground taken.</summary>
    /// <param name="lanes">In all; one is a track without markings.</param>
    public static void Road(this Scene scene, Vector2[] line, int lanes, float laneWidth = 3.4f, bool verge = true, Tone? surface = null, float z = 0)
    {
        float width = lanes * laneWidth + 1;
        Tone tone = surface ?? scene.Palette.Asphalt.Vary(scene.Random, 0.06f);
        if (verge) scene.Strip(line, width + 3, scene.Palette.Rough, 0.7f, z);
        scene.Strip(line, width, tone, 1, z);
        if (lanes >= 2) scene.Markings(line, lanes, laneWidth, z);
        if (z == 0) scene.Take(line, width);
    }

    public static void Markings(this Scene scene, Vector2[] line, int lanes, float laneWidth, float z = 0)
    {
        if (scene.Camera.Scale(new(scene.Camera.Target, 0)) < 0.9f) return;
        float half = lanes * laneWidth / 2, pen = Math.Max(0.18f, 0.5f / scene.Camera.Scale(new(scene.Camera.Target, 0)));
        if (lanes >= 4)
        {
            scene.AddStrip(Shapes.Beside(line, half), pen, z);
            scene.AddStrip(Shapes.Beside(line, -half), pen, z);
        }
        for (int i = 1; i < lanes; i++)
        {
            Vector2[] between = Shapes.Beside(line, -half + i * laneWidth);
            if (lanes >= 4 && 2 * i == lanes) scene.AddStrip(between, pen * 1.6f, z);
            else scene.AddDashes(between, pen, 3, 6, z);
        }
        scene.Paint(Palette.Marking, 0.75f);
    }

    public static void AddDashes(this Scene scene, Vector2[] line, float width, float dash, float gap, float z = 0)
    {
        foreach ((Vector2 at, float angle) in Shapes.Along(line, dash + gap))
            if (scene.Camera.Sees(at, dash)) scene.Add(Shapes.Rect(at, dash, width, angle), z);
    }

    /// <summary>A line that crosses the whole picture and beyond.</summary>
    public static Vector2[] Across(this Scene scene, Vector2 through, float angle, float bend = 0)
    {
        float reach = Vector2.Distance(scene.Camera.Min, scene.Camera.Max);
        Vector2 along = Shapes.Turn(Vector2.UnitX, angle), side = new(-along.Y, along.X);
        float a = scene.Random.Range(-1, 1) * bend * scene.Span, b = scene.Random.Range(-1, 1) * bend * scene.Span;
        if (bend == 0) return [through - along * reach, through, through + along * reach];
        List<Vector2> points = [];
        int steps = 2 * Math.Max(2, (int)(reach / (0.45f * scene.Span)));
        for (int i = -steps; i <= steps; i++)
        {
            float t = i * reach / steps, u = t / scene.Span;
            points.Add(through + along * t + side * (a * (MathF.Sin(2.1f * u + b) - MathF.Sin(b)) + b * (1 - MathF.Cos(1.4f * u))));
        }
        return Shapes.Curve([.. points], 6);
    }
}
