using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Outlines and lines on the ground, metres.</summary>
internal static class Shapes
{
    public static Vector2 Turn(Vector2 v, float angle)
    {
        (float sin, float cos) = MathF.SinCos(angle);
        return new(v.X * cos - v.Y * sin, v.X * sin + v.Y * cos);
    }

    public static Vector2[] Rect(Vector2 middle, float length, float width, float angle = 0)
    {
        float l = length / 2, w = width / 2;
        return [middle + Turn(new(-l, -w), angle), middle + Turn(new(l, -w), angle), middle + Turn(new(l, w), angle), middle + Turn(new(-l, w), angle)];
    }

    public static Vector2[] Ellipse(Vector2 middle, float rx, float ry, float angle = 0, int corners = 36) => Arc(middle, rx, ry, 0, 2 * MathF.PI * (corners - 1) / corners, angle, corners);

    public static Vector2[] Arc(Vector2 middle, float rx, float ry, float from, float to, float angle = 0, int points = 24)
    {
        var arc = new Vector2[points];
        for (int i = 0; i < points; i++)
        {
            (float sin, float cos) = MathF.SinCos(from + (to - from) * i / (points - 1));
            arc[i] = middle + Turn(new(rx * cos, ry * sin), angle);
        }
        return arc;
    }

    /// <summary>A rounded, uneven patch: three harmonics around a circle.</summary>
    public static Vector2[] Blob(Vector2 middle, float rx, float ry, float unevenness, SeededRandom random, int corners = 40)
    {
        float turn = random.Range(0, Math.PI), a = random.Range(0, 6.3), b = random.Range(0, 6.3), c = random.Range(0, 6.3);
        var blob = new Vector2[corners];
        for (int i = 0; i < corners; i++)
        {
            float t = 2 * MathF.PI * i / corners;
            float r = 1 + unevenness * (0.5f * MathF.Sin(2 * t + a) + 0.35f * MathF.Sin(3 * t + b) + 0.25f * MathF.Sin(5 * t + c));
            blob[i] = middle + Turn(new(rx * r * MathF.Cos(t), ry * r * MathF.Sin(t)), turn);
        }
        return blob;
    }

    /// <summary>A smooth line through the points (Catmull–Rom).</summary>
    public static Vector2[] Curve(ReadOnlySpan<Vector2> through, int steps = 8)
    {
        List<Vector2> curve = [];
        for (int i = 0; i + 1 < through.Length; i++)
        {
            Vector2 a = through[Math.Max(0, i - 1)], b = through[i], c = through[i + 1], d = through[Math.Min(through.Length - 1, i + 2)];
            for (int s = 0; s < steps; s++)
            {
                float t = s / (float)steps;
                curve.Add(0.5f * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t));
            }
        }
        curve.Add(through[^1]);
        return [.. curve];
    }

    /// <summary>The outline of a line drawn with a broad pen.</summary>
    public static Vector2[] Strip(ReadOnlySpan<Vector2> line, float width)
    {
        var outline = new Vector2[2 * line.Length];
        for (int i = 0; i < line.Length; i++)
        {
            Vector2 side = Normal(line, i) * (width / 2);
            outline[i] = line[i] + side;
            outline[2 * line.Length - 1 - i] = line[i] - side;
        }
        return outline;
    }

    /// <summary>The line moved to its left by a distance.</summary>
    public static Vector2[] Beside(ReadOnlySpan<Vector2> line, float distance)
    {
        var beside = new Vector2[line.Length];
        for (int i = 0; i < line.Length; i++) beside[i] = line[i] + Normal(line, i) * distance;
        return beside;
    }

    /// <summary>To the left of the line, unit length, lengthened at a bend so that both sides keep their distance.</summary>
    static Vector2 Normal(ReadOnlySpan<Vector2> line, int i)
    {
        Vector2 before = Direction(line[Math.Max(0, i - 1)], line[Math.Max(1, i)]), after = Direction(line[Math.Min(line.Length - 2, i)], line[Math.Min(line.Length - 1, i + 1)]);
        Vector2 mean = Direction(Vector2.Zero, before + after);
        float cos = Math.Max(0.5f, Vector2.Dot(mean, after));
        return new Vector2(-mean.Y, mean.X) / cos;
    }

    static Vector2 Direction(Vector2 from, Vector2 to)
    {
        Vector2 d = to - from;
        return d.LengthSquared() > 1e-12f ? Vector2.Normalize(d) : Vector2.UnitX;
    }

    public static float Length(ReadOnlySpan<Vector2> line)
    {
        float length = 0;
        for (int i = 0; i + 1 < line.Length; i++) length += Vector2.Distance(line[i], line[i + 1]);
        return length;
    }

    /// <summary>Places every <paramref name="step"/> metres along a line, with the direction there.</summary>
    public static IEnumerable<(Vector2 At, float Angle)> Along(Vector2[] line, float step, float start = 0)
    {
        float next = start, walked = 0;
        for (int i = 0; i + 1 < line.Length; i++)
        {
            Vector2 d = line[i + 1] - line[i];
            float length = d.Length(), angle = MathF.Atan2(d.Y, d.X);
            for (; next <= walked + length; next += step) yield return (line[i] + d * ((next - walked) / Math.Max(length, 1e-6f)), angle);
            walked += length;
        }
    }

    /// <summary>Twice the signed area's sign decides: positive for anticlockwise.</summary>
    public static float Area(ReadOnlySpan<Vector2> outline)
    {
        float area = 0;
        for (int i = 0; i < outline.Length; i++)
        {
            Vector2 a = outline[i], b = outline[(i + 1) % outline.Length];
            area += a.X * b.Y - a.Y * b.X;
        }
        return area / 2;
    }

    /// <summary>Andrew's monotone chain; anticlockwise. Sorts <paramref name="points"/>.</summary>
    public static void ConvexHull(Span<Vector2> points, List<Vector2> hull)
    {
        points.Sort((a, b) => a.X != b.X ? a.X.CompareTo(b.X) : a.Y.CompareTo(b.Y));
        hull.Clear();
        for (int pass = 0; pass < 2; pass++)
        {
            int start = hull.Count;
            foreach (Vector2 p in points)
            {
                while (hull.Count >= start + 2 && Cross(hull[^2], hull[^1], p) <= 0) hull.RemoveAt(hull.Count - 1);
                hull.Add(p);
            }
            hull.RemoveAt(hull.Count - 1);
            points.Reverse();
        }
    }

    static float Cross(Vector2 o, Vector2 a, Vector2 b) => (a.X - o.X) * (b.Y - o.Y) - (a.Y - o.Y) * (b.X - o.X);
}
