namespace Osprey.Engine.Images;

/// <summary>Gaussian blur of an interleaved RGB picture of floats: rows, then columns; edges repeated; the kernel cut at 2.5σ and normalised.</summary>
static class GaussianBlur
{
    /// <param name="picture">[height, width, 3]; blurred in place.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="sigma">Standard deviation in pixels, more than 0.</param>
    public static void Apply(float[] picture, int width, int height, float sigma)
    {
        for (int pass = 0; pass < 2; pass++)
        {
            (int length, int lines, int along, int across) = pass == 0 ? (width, height, 3, 3 * width) : (height, width, 3 * width, 3);
            int radius = Math.Min(length - 1, (int)MathF.Ceiling(2.5f * sigma));
            float[] weights = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(i => MathF.Exp(-i * i / (2 * sigma * sigma)))];
            float sum = weights.Sum();
            var line = new float[length];
            for (int l = 0; l < lines; l++)
            {
                for (int c = 0; c < 3; c++)
                {
                    int start = l * across + c;
                    for (int i = 0; i < length; i++) line[i] = picture[start + i * along];
                    for (int i = 0; i < length; i++)
                    {
                        float value = 0;
                        for (int k = -radius; k <= radius; k++) value += weights[k + radius] * line[Math.Clamp(i + k, 0, length - 1)];
                        picture[start + i * along] = value / sum;
                    }
                }
            }
        }
    }
}
