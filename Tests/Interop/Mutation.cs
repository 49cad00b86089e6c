namespace Osprey.Tests.Interop;

/// <summary>Seeded damage to a file: changed bytes, cuts, insertions, and extreme numbers written over it.</summary>
static class Mutation
{
    static readonly byte[] Extremes = [0, 1, 0x7f, 0x80, 0xff];

    public static byte[] Of(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at))); break;
                case 4: for (int i = at; i < Math.Min(at + 8, bytes.Count); i++) bytes[i] = Extremes[random.Next(Extremes.Length)]; break;
                default: if (random.Next(4) == 0) bytes.RemoveRange(at, bytes.Count - at); break;
            }
            if (bytes.Count == 0) break;
        }
        return [.. bytes];
    }
}
