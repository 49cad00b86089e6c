using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

internal static class Vegetation
{
    public static void Tree(this Scene scene, Vector2 at, float radius, Tone tone, bool conifer = false)
    {
        if (!scene.Camera.Sees(at, radius * 4)) return;
        if (conifer) Conifer(scene, at, radius * 0.75f, tone);
        else Broadleaf(scene, at, radius, tone);
    }

    public static void AnyTree(this Scene scene, Vector2 at, float radius) =>
        scene.Tree(at, radius, scene.Palette.Tree(), scene.Palette.Season != Season.Autumn && scene.Random.Chance(0.15));

    static void Broadleaf(Scene scene, Vector2 at, float radius, Tone tone)
    {
        SeededRandom random = scene.Random;
        var middle = new Vector3(at, radius * random.Range(1.05, 1.4));
        Vector2 fallen = scene.Sun.Shadow(middle);
        float stretch = 1 + 0.5f * scene.Sun.ShadowPerMetre.Length();
        scene.CastPlate(Shapes.Ellipse(fallen, radius * stretch * 0.92f, radius * 0.92f, MathF.Atan2(scene.Sun.ShadowPerMetre.Y, scene.Sun.ShadowPerMetre.X), 12), 0);

        float pixels = radius * scene.Camera.Scale(middle);
        Vector3 sun = scene.Sun.Direction;
        if (pixels < 5)
        {
            scene.Raise(at, 0, () =>
            {
                scene.AddGlobe(middle, radius);
                scene.Paint(tone.Lit(0.72f));
                scene.AddGlobe(middle + sun * radius * 0.4f, radius * 0.62f);
                scene.Paint(tone.Lit(1.12f));
            });
            return;
        }
        // A crown of clumps, the sunward ones lighter.
        int clumps = pixels > 10 ? 12 : 7;
        var clump = new (Vector3 At, float Radius, float Light)[clumps];
        for (int i = 0; i < clumps; i++)
        {
            Vector3 direction = Vector3.Normalize(new(random.Normal(), random.Normal(), Math.Abs(random.Normal()) + 0.1f));
            float reach = random.Range(0.45, 0.78);
            clump[i] = (middle + direction * radius * reach, radius * random.Range(0.3, 0.46), Vector3.Dot(direction, sun) + random.Range(-0.25, 0.25));
        }
        scene.Raise(at, 0, () =>
        {
            if (scene.Camera.Oblique) scene.Line(new(at, 0), middle, radius * 0.16f, new Tone(0.25f, 0.2f, 0.16f));
            scene.AddGlobe(middle, radius * 0.86f);
            scene.Paint(tone.Lit(0.6f));
            for (int step = 0; step < 3; step++)
            {
                foreach ((Vector3 p, float r, float light) in clump)
                    if (Math.Clamp((int)((light + 0.6f) * 2), 0, 2) == step) scene.AddGlobe(p, r);
                scene.Paint(tone.Lit(0.72f + 0.27f * step));
            }
        });
    }

    static void Conifer(Scene scene, Vector2 at, float radius, Tone tone)
    {
        float height = radius * scene.Random.Range(3, 4.4);
        const int Corners = 9;
        float turn = scene.Random.Range(0, 0.7);
        var skirt = new Vector3[Corners];
        for (int i = 0; i < Corners; i++)
        {
            (float sin, float cos) = MathF.SinCos(turn + i * 2 * MathF.PI / Corners);
            skirt[i] = new(at.X + radius * cos, at.Y + radius * sin, height * 0.12f);
        }
        var tip = new Vector3(at, height);
        scene.CastHull([.. skirt, tip]);
        Tone dark = tone.Mix(new(0.08f, 0.16f, 0.12f), 0.4f);
        scene.Raise(at, 0, () =>
        {
            for (int i = 0; i < Corners; i++) scene.Face([skirt[i], skirt[(i + 1) % Corners], tip], dark.Lit(i % 2 == 0 ? 0.9f : 1.08f));
        });
    }

    /// <summary>Trees over the picture where ground is free, thicker in some places than in others.</summary>
    /// <param name="share">0…1 of the places on a grid of <paramref name="spacing"/> metres.</param>
    public static void Woods(this Scene scene, float spacing, float share, float smallest, float largest, float clumping = 0)
    {
        SeededRandom random = scene.Random;
        Camera camera = scene.Camera;
        // A glance at the horizon must not cost ten thousand trees.
        Vector2 extent = camera.Max - camera.Min;
        spacing = Math.Max(spacing, MathF.Sqrt(extent.X * extent.Y / 5500));
        float wave = random.Range(0.5, 1.2) * camera.Span, ax = random.Range(0, 6), ay = random.Range(0, 6), bx = random.Range(0, 6);
        for (float x = camera.Min.X - spacing; x < camera.Max.X + spacing; x += spacing)
        {
            for (float y = camera.Min.Y - spacing; y < camera.Max.Y + spacing; y += spacing)
            {
                var at = new Vector2(x + random.Range(-0.45, 0.45) * spacing, y + random.Range(-0.45, 0.45) * spacing);
                float radius = random.Range(smallest, largest);
                float thick = MathF.Sin(at.X / wave * 6 + ax) + MathF.Sin(at.Y / wave * 7 + ay) + MathF.Sin((at.X + at.Y) / wave * 11 + bx);
                if (!random.Chance(Math.Clamp(share * (1 + clumping * thick), 0, 1))) continue;
                if (camera.Sees(at, radius * 4) && scene.Free(at, radius * 0.7f)) scene.AnyTree(at, radius);
            }
        }
    }

    /// <summary>Trees in a line.</summary>
    public static void Row(this Scene scene, Vector2[] line, float step, float radius, double share = 0.9)
    {
        Tone tone = scene.Palette.Tree();
        foreach ((Vector2 at, _) in Shapes.Along(line, step))
        {
            if (!scene.Random.Chance(share)) continue;
            scene.Tree(at + new Vector2(scene.Random.Range(-0.2, 0.2), scene.Random.Range(-0.2, 0.2)) * step, radius * scene.Random.Range(0.75, 1.2), tone.Vary(scene.Random, 0.12f));
        }
    }
}
