namespace Osprey.Kernels.Pooling;

/// <summary>The shape of a feature map [N,C,h,w] and the order of its values in memory, without gaps.</summary>
public readonly record struct MapShape
{
    /// <exception cref="ArgumentException">A size is not positive (the batch may be 0), the map has 2³¹ values or more, or the layout is none.</exception>
    public MapShape(int batch, int channels, int height, int width, MapLayout layout = MapLayout.ChannelsFirst)
    {
        if (batch < 0 || channels <= 0 || height <= 0 || width <= 0)
            throw new ArgumentException($"a feature map of {batch} x {channels} x {height} x {width}; the batch is 0 or more, the others 1 or more");
        if ((Int128)batch * channels * height * width > int.MaxValue)
            throw new ArgumentException($"a feature map of {batch} x {channels} x {height} x {width} has more than {int.MaxValue} values; use a smaller batch");
        if (!Enum.IsDefined(layout)) throw new ArgumentException($"unknown layout {layout}; give {string.Join(", ", Enum.GetNames<MapLayout>())}");
        (Batch, Channels, Height, Width, Layout) = (batch, channels, height, width, layout);
    }

    public int Batch { get; }

    public int Channels { get; }

    public int Height { get; }

    public int Width { get; }

    public MapLayout Layout { get; }

    /// <summary>Values of one channel of one image: h·w.</summary>
    public int Plane => Height * Width;

    /// <summary>Planes: N·C.</summary>
    public int Rows => Batch * Channels;

    public int Length => Rows * Plane;

    public override string ToString() => $"{Batch} x {Channels} x {Height} x {Width}{(Layout == MapLayout.ChannelsLast ? " channels-last" : "")}";
}
