using System.Numerics;

namespace Osprey.Engine.Datasets.Synthesis;

internal static class Vehicles
{
    static readonly Tone Glass = new(0.17f, 0.19f, 0.23f);

    public static void Car(this Scene scene, Vector2 at, float angle, float z = 0, int layer = 0)
    {
        if (!scene.Camera.Sees(at, 6)) return;
        SeededRandom random = scene.Random;
        Tone paint = scene.Palette.Paint();
        float length = random.Range(4, 4.9), width = random.Range(1.75, 1.95), high = random.Range(1.3, 1.8);
        Vector2[] body = Shapes.Rect(at, length, width, angle);
        if (scene.Camera.Scale(new(at, z)) * length < 9)
        {
            // A speck: its colour is all there is to see.
            scene.Raise(at, z, () => scene.Polygon(body, paint, 1, z + 0.8f), layer);
            return;
        }
        Vector2[] cabin = Shapes.Rect(at + Shapes.Turn(new(-0.25f, 0), angle), length * 0.56f, width * 0.86f, angle), roof = Shapes.Rect(at + Shapes.Turn(new(-0.3f, 0), angle), length * 0.4f, width * 0.8f, angle);
        if (z == 0) scene.CastHull([new(body[0], 0), new(body[1], 0), new(body[2], 0), new(body[3], 0), new(cabin[0], high), new(cabin[1], high), new(cabin[2], high), new(cabin[3], high)]);
        scene.Raise(at, z, () =>
        {
            Buildings.Prism(scene, body, z + 0.2f, z + 0.85f, paint.Lit(0.9f), paint);
            Buildings.Prism(scene, cabin, z + 0.85f, z + high, Glass, Glass);
            scene.Polygon(roof, paint.Lit(1.05f), 1, z + high);
        }, layer);
    }

    public static void Truck(this Scene scene, Vector2 at, float angle, float z = 0, int layer = 0)
    {
        if (!scene.Camera.Sees(at, 14)) return;
        SeededRandom random = scene.Random;
        float length = random.Range(7, 13);
        Tone box = random.Chance(0.6) ? Tone.Grey(random.Range(0.75, 0.95)) : scene.Palette.Paint(), cab = scene.Palette.Paint();
        scene.Box(at, length, 2.5f, angle, 3.4f, box.Lit(0.85f), box, 0, z, layer);
        scene.Box(at + Shapes.Turn(new(length / 2 + 1.4f, 0), angle), 2.1f, 2.4f, angle, 2.7f, cab.Lit(0.8f), cab, 0, z, layer);
    }

    /// <summary>Cars both ways along a road, keeping right.</summary>
    /// <param name="gap">Mean metres between cars of one lane.</param>
    public static void Traffic(this Scene scene, Vector2[] line, float offset, float gap, float z = 0, int layer = 0)
    {
        foreach (float side in (float[])[-1, 1])
        {
            float start = scene.Random.Range(0, gap);
            foreach ((Vector2 at, float angle) in Shapes.Along(Shapes.Beside(line, side * offset), gap, start))
            {
                if (!scene.Random.Chance(0.6)) continue;
                Vector2 moved = at + Shapes.Turn(new(scene.Random.Range(-0.35, 0.35) * gap, 0), angle);
                float heading = side > 0 ? angle + MathF.PI : angle;
                if (scene.Random.Chance(0.12)) scene.Truck(moved, heading, z, layer);
                else scene.Car(moved, heading, z, layer);
            }
        }
    }

    /// <param name="length">Metres from bow to stern.</param>
    public static void Boat(this Scene scene, Vector2 at, float length, float angle, bool sails, bool moving = false)
    {
        if (!scene.Camera.Sees(at, length * 2)) return;
        SeededRandom random = scene.Random;
        float half = length / 2, beam = length * (length > 20 ? random.Range(0.16, 0.22) : random.Range(0.26, 0.34)), board = Math.Clamp(length * 0.08f, 0.6f, 5);
        Tone hull = random.Chance(0.72) ? Tone.Grey(random.Range(0.84, 0.98)) : scene.Palette.Paint(), deck = random.Chance(0.35) ? Tone.Hsv(32, 0.3f, 0.68f) : hull.Lit(0.93f);
        Vector2[] Outline(float share) =>
        [
            at + Shapes.Turn(new(-half * share, -beam * 0.4f * share), angle), at + Shapes.Turn(new(half * 0.35f * share, -beam * 0.5f * share), angle),
            at + Shapes.Turn(new(half * 0.78f * share, -beam * 0.27f * share), angle), at + Shapes.Turn(new(half * share, 0), angle),
            at + Shapes.Turn(new(half * 0.78f * share, beam * 0.27f * share), angle), at + Shapes.Turn(new(half * 0.35f * share, beam * 0.5f * share), angle),
            at + Shapes.Turn(new(-half * share, beam * 0.4f * share), angle),
        ];
        Vector2[] outline = Outline(1), inner = Outline(0.82f);
        if (moving)
        {
            scene.Polygon([at + Shapes.Turn(new(half * 0.6f, 0), angle), at + Shapes.Turn(new(-length * 2.6f, beam * 1.1f), angle), at + Shapes.Turn(new(-length * 2.6f, -beam * 1.1f), angle)], Tone.Grey(0.9f), 0.35f);
            scene.Strip([at, at + Shapes.Turn(new(-length * 2, 0), angle)], beam * 0.6f, Tone.Grey(0.96f), 0.5f);
        }
        scene.CastPlate(outline, board);
        float cabin = random.Range(0.26, 0.42);
        Vector2[] house = Shapes.Rect(at + Shapes.Turn(new(-half * random.Range(0.1, 0.35), 0), angle), length * cabin, beam * 0.62f, angle);
        Tone trim = random.Chance(0.3) ? scene.Palette.Paint() : Glass.Mix(hull, 0.3f);
        float mast = length * random.Range(1, 1.3);
        Vector2 foot = at + Shapes.Turn(new(half * 0.15f, 0), angle), boom = at + Shapes.Turn(new(-half * 0.7f, 0), angle);
        if (sails) scene.CastPlate(Shapes.Strip([foot, foot + scene.Sun.ShadowPerMetre * mast], 0.25f), 0);
        scene.Raise(at, 0, () =>
        {
            Buildings.Prism(scene, outline, 0, board, hull.Lit(0.85f), hull);
            scene.Polygon(inner, deck, 1, board);
            if (sails)
            {
                scene.Polygon(house, deck.Lit(0.8f), 1, board);
                scene.Line(new(foot, board), new(foot, mast), 0.22f, Tone.Grey(0.92f));
                scene.Line(new(foot, board + 1.2f), new(boom, board + 1.2f), 0.35f, trim);
            }
            else
            {
                Buildings.Prism(scene, house, board, board * 1.4f + 1.1f, trim, hull);
            }
        });
    }

    /// <summary>An airliner on the ground, nose along the angle.</summary>
    /// <param name="length">Metres; the span of the wings is about the same.</param>
    public static void Plane(this Scene scene, Vector2 at, float length, float angle)
    {
        if (!scene.Camera.Sees(at, length)) return;
        SeededRandom random = scene.Random;
        Tone paint = random.Chance(0.8) ? Tone.Grey(random.Range(0.88, 0.98)) : scene.Palette.Paint().Mix(Tone.Grey(1), 0.4f), tail = scene.Palette.Paint();
        float l = length / 2, w = length * 0.055f, z = length * 0.1f;
        Vector2 P(float x, float y) => at + Shapes.Turn(new(x * l, y * l), angle);
        Vector2[] body = [P(-1, 0), P(-0.75f, -0.09f), P(0.7f, -0.11f), P(0.92f, -0.07f), P(1, 0), P(0.92f, 0.07f), P(0.7f, 0.11f), P(-0.75f, 0.09f)];
        Vector2[] wings = [P(0.28f, 0.08f), P(-0.28f, 0.98f), P(-0.42f, 0.98f), P(-0.14f, 0.08f), P(-0.14f, -0.08f), P(-0.42f, -0.98f), P(-0.28f, -0.98f), P(0.28f, -0.08f)];
        Vector2[] elevator = [P(-0.7f, 0.05f), P(-0.95f, 0.36f), P(-1.03f, 0.36f), P(-0.9f, 0), P(-1.03f, -0.36f), P(-0.95f, -0.36f), P(-0.7f, -0.05f)];
        scene.CastPlate(body, z);
        scene.CastPlate(wings, z);
        scene.CastPlate(elevator, z);
        scene.Raise(at, 0, () =>
        {
            scene.Polygon(wings, paint.Lit(0.84f), 1, z * 0.9f);
            foreach (float side in (float[])[-1, 1])
                foreach (float reach in length > 45 ? (float[])[0.34f, 0.62f] : [0.36f])
                    scene.Polygon(Shapes.Rect(P(0.2f - reach * 0.45f, side * reach), l * 0.2f, w * 1.1f, angle), Tone.Grey(0.55f), 1, z * 0.7f);
            scene.Polygon(elevator, paint.Lit(0.82f), 1, z * 1.3f);
            Buildings.Prism(scene, body, z * 0.5f, z * 1.25f, paint.Lit(0.8f), paint);
            scene.Strip([P(-0.8f, 0), P(0.8f, 0)], w * 0.9f, paint.Lit(1.1f), 0.8f, z * 1.35f);
            // Both sides of the fin: a plate has no back.
            Vector3[] fin = [new(P(-0.68f, 0), z * 1.25f), new(P(-0.98f, 0), z * 1.25f), new(P(-1.06f, 0), z * 2.9f), new(P(-0.92f, 0), z * 2.9f)];
            scene.Face(fin, tail);
            scene.Face([fin[3], fin[2], fin[1], fin[0]], tail);
        });
    }
}
