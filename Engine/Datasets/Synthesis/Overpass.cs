using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

/// <summary>Highway junctions: a cloverleaf, or a diamond with ramps; a road on a bridge over another.</summary>
internal static class Overpass
{
    /// <summary>A road held at a height along a line: parapets, slab and shadow.</summary>
    public static void Deck(Scene scene, Vector2[] line, int lanes, float high, int layer, Func<float, float>? profile = null)
    {
        float width = lanes * 3.4f + 2;
        Tone concrete = scene.Palette.Concrete, asphalt = scene.Palette.Asphalt.Lit(1.12f);
        float Height(int i) => high * (profile?.Invoke(i / (line.Length - 1f)) ?? 1);
        Vector2[] left = Shapes.Beside(line, width / 2), right = Shapes.Beside(line, -width / 2);
        for (int i = 0; i + 1 < line.Length; i++)
        {
            int a = i, b = i + 1;
            float ha = Height(a), hb = Height(b);
            scene.CastHull([new(left[a], ha), new(right[a], ha), new(left[b], hb), new(right[b], hb)]);
            scene.Raise((line[a] + line[b]) / 2, Math.Max(ha, hb), () =>
            {
                Side(right[a], right[b], ha, hb);
                Side(left[b], left[a], hb, ha);
                Slab(scene, left[a], left[b], right[b], right[a], ha, hb, concrete);
                Vector2 Inner(Vector2 from, Vector2 to) => from + (to - from) * (0.8f / width);
                Slab(scene, Inner(left[a], right[a]), Inner(left[b], right[b]), Inner(right[b], left[b]), Inner(right[a], left[a]), ha, hb, asphalt);
            }, layer);
        }
        scene.Raise(line[line.Length / 2], high, () =>
        {
            if (profile is null) scene.Markings(line, lanes, 3.4f, high);
        }, layer + 1);

        void Side(Vector2 from, Vector2 to, float hf, float ht) =>
            scene.Face([new(from, Math.Max(0, hf - 1.6f)), new(to, Math.Max(0, ht - 1.6f)), new(to, ht + 0.8f), new(from, hf + 0.8f)], concrete.Lit(0.85f));
    }

    static void Slab(Scene scene, Vector2 a, Vector2 b, Vector2 c, Vector2 d, float ha, float hb, Tone tone)
    {
        // Anticlockwise from above: along the left side the line runs away, so go back on it.
        scene.Face([new(a, ha), new(d, ha), new(c, hb), new(b, hb)], tone);
    }

    public static void Paint(Scene scene)
    {
        SeededRandom random = scene.Random;
        Palette palette = scene.Palette;
        Neighbourhood around = Surroundings.Any(random);
        Surroundings.Lay(scene, around);
        float s = scene.Span;
        int lanes = random.Pick(4, 6, 6), upper = random.Pick(2, 4, 6);
        Vector2 middle = scene.Camera.Target + new Vector2(random.Range(-0.07, 0.07), random.Range(-0.07, 0.07)) * s;
        float skew = MathF.PI / 2 + random.Range(-0.22, 0.22), high = 8;
        Vector2[] below = scene.Across(middle, 0), above = scene.Across(middle, skew);
        Vector2 u = Vector2.UnitX, v = Shapes.Turn(Vector2.UnitX, skew);
        float wa = lanes * 1.7f, wb = upper * 1.7f;
        Tone asphalt = palette.Asphalt.Vary(random, 0.06f);
        bool clover = random.Chance(0.65);

        List<Vector2[]> ramps = [];
        float loop = random.Range(0.085, 0.13) * s, far = Math.Max(random.Range(0.36, 0.5) * s, 3.4f * loop);
        float bulge = clover ? 0.6f * Math.Max(wa, wb) + 1.75f * loop + 16 : far * 0.5f;
        foreach ((int a, int b) in ((int, int)[])[(1, 1), (1, -1), (-1, 1), (-1, -1)])
        {
            Vector2 right = u * a, up = v * b;
            if (clover)
            {
                Vector2 hub = middle + right * (wa * 0.6f + loop + 4) + up * (wb * 0.6f + loop + 4);
                List<Vector2> points = [];
                // From the road below, round the hub, on to the road above: three quarters of a circle between the two tangents.
                float r = loop;
                Vector2 start = hub - up * r, end = hub - right * r;
                points.Add(middle + right * (wb + loop * 0.2f) + up * (wa - 1));
                for (int i = 0; i <= 20; i++)
                {
                    float t = -MathF.PI / 2 + i / 20f * 1.5f * MathF.PI;
                    points.Add(hub + right * (r * MathF.Cos(t)) + up * (r * MathF.Sin(t)));
                }
                points.Insert(1, (points[0] + start) / 2);
                points.Add((end + middle + up * (wa + loop * 0.2f) + right * (wb - 1)) / 2);
                ramps.Add([.. points[2..^1]]);
            }
            Vector2[] outer = Shapes.Curve([middle + right * (far + 0.3f * s) + up * (wa - 2), middle + right * far + up * (wa + 3), middle + right * bulge + up * bulge, middle + up * far + right * (wb + 3), middle + up * (far + 0.3f * s) + right * (wb - 2)], 10);
            if (clover || random.Chance(0.85)) ramps.Add(outer);
        }
        foreach (Vector2[] ramp in ramps) scene.AddStrip(ramp, 9.5f);
        scene.AddStrip(below, 2 * wa + 9);
        scene.Paint(palette.Rough, 0.8f);
        foreach (Vector2[] ramp in ramps) scene.AddStrip(ramp, 6.4f);
        scene.Paint(asphalt.Lit(1.08f));
        foreach (Vector2[] ramp in ramps)
        {
            scene.AddStrip(Shapes.Beside(ramp, 2.6f), 0.3f);
            scene.AddStrip(Shapes.Beside(ramp, -2.6f), 0.3f);
        }
        scene.Paint(Palette.Marking, 0.6f);
        scene.Road(below, lanes, 3.4f, false, asphalt);
        scene.Strip(below, 1.6f, random.Chance(0.5) ? palette.Grass : palette.Concrete);
        scene.Road(above, upper, 3.4f, true, asphalt.Lit(1.05f));
        // The upper road rises from the ground to the bridge and falls again.
        float reach = 0.3f * s;
        Vector2[] hill = [.. Enumerable.Range(0, 21).Select(i => middle + v * (reach * (i / 10f - 1)))];
        Deck(scene, hill, upper, high, 1, t => Math.Clamp(1.35f * MathF.Sin(t * MathF.PI), 0, 1));
        foreach (Vector2[] ramp in ramps) scene.Take(ramp, 8);
        scene.Traffic(below, wa * 0.5f, random.Range(12, 40));
        scene.Traffic(below, wa * 0.85f, random.Range(16, 50));
        scene.Traffic([middle + v * (reach * 0.32f), middle - v * (reach * 0.32f)], wb * 0.5f, random.Range(14, 34), high, 2);
        scene.Traffic([middle + v * 2 * s, middle + v * reach], wb * 0.5f, random.Range(14, 34));
        scene.Traffic([middle - v * reach, middle - v * 2 * s], wb * 0.5f, random.Range(14, 34));
        foreach (Vector2[] ramp in ramps)
            foreach ((Vector2 at, float angle) in Shapes.Along(ramp, random.Range(18, 60), random.Range(0, 30)))
                if (random.Chance(0.6)) scene.Car(at, angle);
        Surroundings.Grow(scene, around);
    }
}
