namespace Osprey.Engine.Datasets.Synthesis;

internal enum Season
{
    Spring,
    Summer,
    Autumn,
    Dry,
    Winter,
    Snow,
}

/// <summary>The colours of one place on one day. Every class draws from the same ones, so that colour alone tells none apart.</summary>
internal sealed class Palette
{
    readonly SeededRandom _random;

    public Palette(SeededRandom random)
    {
        _random = random;
        Season = random.Pick(
            Season.Spring, Season.Spring, Season.Summer, Season.Summer, Season.Summer, Season.Summer, Season.Autumn, Season.Autumn,
            Season.Dry, Season.Dry, Season.Dry, Season.Winter, Season.Snow);
        Grass = (Season switch
        {
            Season.Spring => Tone.Hsv(random.Range(78, 108), random.Range(0.38, 0.58), random.Range(0.46, 0.6)),
            Season.Summer => Tone.Hsv(random.Range(70, 110), random.Range(0.3, 0.5), random.Range(0.36, 0.52)),
            Season.Autumn => Tone.Hsv(random.Range(48, 80), random.Range(0.3, 0.48), random.Range(0.42, 0.56)),
            Season.Dry => Tone.Hsv(random.Range(34, 52), random.Range(0.25, 0.45), random.Range(0.58, 0.75)),
            Season.Winter => Tone.Hsv(random.Range(40, 80), random.Range(0.12, 0.28), random.Range(0.4, 0.5)),
            _ => Tone.Hsv(215, 0.04f, random.Range(0.86, 0.96)),
        }).Vary(random, 0.06f);
        Soil = random.Chance(0.2)
            ? Tone.Hsv(random.Range(12, 22), random.Range(0.35, 0.52), random.Range(0.45, 0.62))
            : Tone.Hsv(random.Range(26, 42), random.Range(0.16, 0.4), random.Range(0.38, 0.66));
        Sand = Tone.Hsv(random.Range(34, 46), random.Range(0.12, 0.36), random.Range(0.72, 0.9));
        float worn = random.Range(0.24, 0.5);
        Asphalt = Tone.Hsv(random.Chance(0.5) ? 30 : 215, random.Range(0, 0.08), worn);
        Concrete = Tone.Hsv(random.Range(30, 50), random.Range(0.02, 0.1), random.Range(0.6, 0.78));
        Water = random.Below(7) switch
        {
            0 => Tone.Hsv(random.Range(205, 225), random.Range(0.45, 0.7), random.Range(0.25, 0.42)),
            1 => Tone.Hsv(random.Range(140, 175), random.Range(0.25, 0.45), random.Range(0.25, 0.42)),
            2 => Tone.Hsv(random.Range(30, 60), random.Range(0.22, 0.4), random.Range(0.32, 0.5)),
            3 => Tone.Hsv(random.Range(180, 198), random.Range(0.35, 0.55), random.Range(0.42, 0.6)),
            4 => Tone.Hsv(random.Range(190, 240), random.Range(0.2, 0.5), random.Range(0.1, 0.2)),
            5 => Tone.Hsv(random.Range(190, 220), random.Range(0.06, 0.18), random.Range(0.45, 0.6)),
            _ => Tone.Hsv(random.Range(85, 130), random.Range(0.2, 0.36), random.Range(0.2, 0.32)),
        };
        Trees = [.. Enumerable.Range(0, 4).Select(_ => NewTree())];
        RoofFamily = random.Below(5);
    }

    public Season Season { get; }

    public Tone Grass { get; }

    public Tone Soil { get; }

    public Tone Sand { get; }

    public Tone Asphalt { get; }

    public Tone Concrete { get; }

    public Tone Water { get; }

    public Tone[] Trees { get; }

    public static Tone Marking => Tone.Grey(0.92f);

    int RoofFamily { get; }

    public Tone Rough => Grass.Mix(Soil, 0.35f);

    public Tone Tree() => Trees[_random.Below(Trees.Length)].Vary(_random, 0.14f);

    Tone NewTree() => Season switch
    {
        Season.Autumn when _random.Chance(0.65) => Tone.Hsv(_random.Range(15, 56), _random.Range(0.45, 0.7), _random.Range(0.38, 0.6)),
        Season.Dry => Tone.Hsv(_random.Range(60, 100), _random.Range(0.24, 0.4), _random.Range(0.28, 0.42)),
        Season.Winter when _random.Chance(0.6) => Tone.Hsv(_random.Range(20, 45), _random.Range(0.1, 0.24), _random.Range(0.3, 0.42)),
        Season.Snow => Tone.Hsv(_random.Range(70, 150), _random.Range(0.06, 0.24), _random.Range(0.26, 0.5)),
        Season.Spring => Tone.Hsv(_random.Range(80, 112), _random.Range(0.36, 0.55), _random.Range(0.34, 0.5)),
        _ => Tone.Hsv(_random.Range(88, 130), _random.Range(0.3, 0.5), _random.Range(0.24, 0.38)),
    };

    /// <summary>A pitched roof: towns keep to a family, with exceptions.</summary>
    public Tone Roof()
    {
        int family = _random.Chance(0.22) ? _random.Below(5) : RoofFamily;
        Tone roof = family switch
        {
            0 => Tone.Hsv(_random.Range(8, 22), _random.Range(0.4, 0.62), _random.Range(0.45, 0.7)),
            1 => Tone.Hsv(_random.Range(200, 230), _random.Range(0.04, 0.14), _random.Range(0.28, 0.45)),
            2 => Tone.Hsv(_random.Range(20, 38), _random.Range(0.2, 0.38), _random.Range(0.32, 0.55)),
            3 => Tone.Grey(_random.Range(0.55, 0.8)),
            _ => Tone.Hsv(_random.Range(25, 45), _random.Range(0.05, 0.2), _random.Range(0.5, 0.72)),
        };
        return Season == Season.Snow && _random.Chance(0.6) ? Tone.Grey(_random.Range(0.82, 0.95)) : roof;
    }

    /// <summary>A flat roof: gravel, membrane, sheet metal.</summary>
    public Tone FlatRoof() => _random.Below(8) switch
    {
        0 or 1 => Tone.Grey(_random.Range(0.8, 0.95)),
        2 or 3 => Tone.Hsv(_random.Range(30, 50), _random.Range(0.03, 0.12), _random.Range(0.5, 0.75)),
        4 => Tone.Grey(_random.Range(0.3, 0.45)),
        5 => Tone.Hsv(_random.Range(200, 220), _random.Range(0.2, 0.4), _random.Range(0.45, 0.7)),
        6 => Tone.Hsv(_random.Range(10, 25), _random.Range(0.3, 0.5), _random.Range(0.4, 0.58)),
        _ => Tone.Hsv(_random.Range(120, 170), _random.Range(0.1, 0.25), _random.Range(0.45, 0.62)),
    };

    public Tone Wall() => Tone.Hsv(_random.Range(20, 50), _random.Range(0.03, 0.25), _random.Range(0.6, 0.88));

    public Tone Paint() => _random.Below(9) switch
    {
        0 or 1 or 2 => Tone.Grey(_random.Range(0.82, 0.97)),
        3 or 4 => Tone.Grey(_random.Range(0.06, 0.2)),
        5 => Tone.Grey(_random.Range(0.4, 0.65)),
        6 => Tone.Hsv(_random.Range(-8, 10), 0.75f, _random.Range(0.45, 0.75)),
        7 => Tone.Hsv(_random.Range(210, 228), 0.65f, _random.Range(0.35, 0.65)),
        _ => Tone.Hsv(_random.Range(0, 360), _random.Range(0.2, 0.6), _random.Range(0.4, 0.75)),
    };

    public Tone Crop() => Season switch
    {
        Season.Snow => Grass.Vary(_random, 0.08f).Mix(Soil, _random.Range(0, 0.35)),
        _ => _random.Below(8) switch
        {
            0 or 1 => Grass.Vary(_random, 0.16f),
            2 => Tone.Hsv(_random.Range(80, 120), _random.Range(0.35, 0.6), _random.Range(0.3, 0.55)),
            3 => Tone.Hsv(_random.Range(44, 60), _random.Range(0.35, 0.6), _random.Range(0.6, 0.8)),
            4 => Soil.Vary(_random, 0.15f),
            5 => Soil.Mix(Grass, 0.5f).Vary(_random, 0.15f),
            6 => Tone.Hsv(_random.Range(34, 44), _random.Range(0.2, 0.34), _random.Range(0.62, 0.8)),
            _ => Tone.Hsv(_random.Range(60, 90), _random.Range(0.3, 0.5), _random.Range(0.42, 0.62)),
        },
    };
}
