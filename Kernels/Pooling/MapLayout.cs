namespace Osprey.Kernels.Pooling;

/// <summary>The order of a feature map's values in memory.</summary>
public enum MapLayout
{
    /// <summary>N, C, h, w: a channel's plane lies together.</summary>
    ChannelsFirst,

    /// <summary>N, h, w, C: a position's channels lie together. PyTorch's <c>channels_last</c>.</summary>
    ChannelsLast,
}
