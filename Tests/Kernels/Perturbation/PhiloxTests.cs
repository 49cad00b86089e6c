using System.Runtime.Intrinsics;
using NUnit.Framework;
using Osprey.Kernels.Perturbation;

namespace Osprey.Tests.Kernels.Perturbation;

[TestFixture]
public class PhiloxTests
{
    /// <summary>The known answers that Random123 (Salmon et al.) publishes for philox4x32-10.</summary>
    [TestCase(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [TestCase(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [TestCase(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Known_answers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint r0, uint r1, uint r2, uint r3)
    {
        Vector512<uint> v0 = Vector512.Create(c0), v1 = Vector512.Create(c1), v2 = Vector512.Create(c2), v3 = Vector512.Create(c3);
        Philox.Generate(ref c0, ref c1, ref c2, ref c3, k0, k1);
        Assert.That((c0, c1, c2, c3), Is.EqualTo((r0, r1, r2, r3)));
        Philox.Generate(ref v0, ref v1, ref v2, ref v3, k0, k1);
        Assert.That((v0, v1, v2, v3), Is.EqualTo((Vector512.Create(r0), Vector512.Create(r1), Vector512.Create(r2), Vector512.Create(r3))));
    }

    [Test]
    public void Lanes_count_apart()
    {
        Vector512<uint> v0 = Vector512<uint>.Indices, v1 = Vector512<uint>.Zero, v2 = v1, v3 = v1;
        Philox.Generate(ref v0, ref v1, ref v2, ref v3, 7, 9);
        for (uint lane = 0; lane < 16; lane++)
        {
            uint c0 = lane, c1 = 0, c2 = 0, c3 = 0;
            Philox.Generate(ref c0, ref c1, ref c2, ref c3, 7, 9);
            Assert.That((v0[(int)lane], v1[(int)lane], v2[(int)lane], v3[(int)lane]), Is.EqualTo((c0, c1, c2, c3)));
        }
    }

    [Test]
    public void Units_lie_in_their_interval()
    {
        Assert.That(Philox.Unit(0u), Is.Zero);
        Assert.That(Philox.Unit(uint.MaxValue), Is.EqualTo(1 - MathF.ScaleB(1, -24)));
        Assert.That(Gaussian.Pair(uint.MaxValue, 0, out _), Is.EqualTo(Math.Sqrt(2 * 24 * Math.Log(2))).Within(1e-5), "the farthest normal value there is");
        Assert.That(Gaussian.Pair(0, 0, out float second), Is.Zero);
        Assert.That(second, Is.Zero);
    }
}
