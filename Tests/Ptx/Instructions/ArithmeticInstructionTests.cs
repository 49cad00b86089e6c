using NUnit.Framework;
using static Osprey.Tests.Ptx.PtxSnippet;

namespace Osprey.Tests.Ptx.Instructions;

/// <summary>Instructions of single lanes against results worked out by hand or read off the PTX ISA's own definitions.</summary>
[TestFixture]
public class ArithmeticInstructionTests
{
    [TestCase("add.s32 %d, %a0, %a1;", 0xffffffffu, 2u, 1u)]
    [TestCase("add.sat.s32 %d, %a0, %a1;", 0x7fffffffu, 2u, 0x7fffffffu)]
    [TestCase("sub.s32 %d, %a0, %a1;", 1u, 3u, 0xfffffffeu)]
    [TestCase("mul.lo.s32 %d, %a0, %a1;", 0x10001u, 0x10001u, 0x20001u)]
    [TestCase("mul.hi.u32 %d, %a0, %a1;", 0xffffffffu, 0xffffffffu, 0xfffffffeu)]
    [TestCase("mul.hi.s32 %d, %a0, %a1;", 0xffffffffu, 0xffffffffu, 0u)]
    [TestCase("mul.hi.s32 %d, %a0, %a1;", 0x80000000u, 2u, 0xffffffffu)]
    [TestCase("mad.lo.s32 %d, %a0, %a1, 5;", 7u, 6u, 47u)]
    [TestCase("div.s32 %d, %a0, %a1;", 0xfffffff9u, 2u, 0xfffffffdu)] // −7/2 = −3
    [TestCase("rem.s32 %d, %a0, %a1;", 0xfffffff9u, 2u, 0xffffffffu)]
    [TestCase("div.u32 %d, %a0, %a1;", 0xfffffff9u, 2u, 0x7ffffffcu)]
    [TestCase("min.s32 %d, %a0, %a1;", 0xffffffffu, 2u, 0xffffffffu)]
    [TestCase("min.u32 %d, %a0, %a1;", 0xffffffffu, 2u, 2u)]
    [TestCase("max.s32 %d, %a0, %a1;", 0xffffffffu, 2u, 2u)]
    [TestCase("sad.s32 %d, %a0, %a1, 10;", 0xffffffffu, 2u, 13u)]
    [TestCase("shl.b32 %d, %a0, %a1;", 3u, 31u, 0x80000000u)]
    [TestCase("shl.b32 %d, %a0, %a1;", 3u, 32u, 0u)]
    [TestCase("shr.s32 %d, %a0, %a1;", 0x80000000u, 4u, 0xf8000000u)]
    [TestCase("shr.s32 %d, %a0, %a1;", 0x80000000u, 40u, 0xffffffffu)]
    [TestCase("shr.u32 %d, %a0, %a1;", 0x80000000u, 4u, 0x08000000u)]
    [TestCase("shf.l.wrap.b32 %d, %a0, %a1, 8;", 0x11223344u, 0xaabbccddu, 0xbbccdd11u)]
    [TestCase("shf.r.wrap.b32 %d, %a0, %a1, 8;", 0x11223344u, 0xaabbccddu, 0xdd112233u)]
    [TestCase("shf.r.clamp.b32 %d, %a0, %a1, 40;", 0x11223344u, 0xaabbccddu, 0xaabbccddu)]
    [TestCase("bfe.u32 %d, %a0, %a1, 8;", 0x12345678u, 4u, 0x67u)]
    [TestCase("bfe.s32 %d, %a0, %a1, 4;", 0x00000f00u, 8u, 0xffffffffu)]
    [TestCase("bfe.s32 %d, %a0, %a1, 8;", 0xf0000000u, 28u, 0xffffffffu)]
    [TestCase("bfe.s32 %d, %a0, %a1, 0;", 0xffffffffu, 3u, 0u)]
    [TestCase("bfi.b32 %d, %a0, %a1, 8, 4;", 0xffffffabu, 0u, 0xb00u)]
    [TestCase("prmt.b32 %d, %a0, %a1, 0x7250;", 0x33221100u, 0x77665544u, 0x77225500u)]
    [TestCase("prmt.b32 %d, %a0, %a1, 0x8c01;", 0x332211f0u, 0x776655c4u, 0xfffff011u)] // a selector with 8: the sign of the byte
    [TestCase("dp4a.s32.s32 %d, %a0, %a1, 100;", 0xff02fd04u, 0x01010203u, 107u)] // 4·3 − 3·2 + 2·1 − 1·1 = 7
    [TestCase("dp4a.u32.u32 %d, %a0, %a1, 0;", 0xff000001u, 0x02000003u, 513u)]
    [TestCase("lop3.b32 %d, %a0, %a1, 0xff00ff00, 0xe8;", 0xf0f0f0f0u, 0xccccccccu, 0xfcc0fcc0u)] // the majority of three
    [TestCase("popc.b32 %d, %a0;", 0xf0f00001u, 0u, 9u)]
    [TestCase("clz.b32 %d, %a0;", 0x00010000u, 0u, 15u)]
    [TestCase("clz.b32 %d, %a0;", 0u, 0u, 32u)]
    [TestCase("brev.b32 %d, %a0;", 0x00000003u, 0u, 0xc0000000u)]
    [TestCase("bfind.u32 %d, %a0;", 0x00010000u, 0u, 16u)]
    [TestCase("bfind.s32 %d, %a0;", 0xffffffffu, 0u, 0xffffffffu)]
    [TestCase("not.b32 %d, %a0;", 0xf0f0f0f0u, 0u, 0x0f0f0f0fu)]
    [TestCase("neg.s32 %d, %a0;", 5u, 0u, 0xfffffffbu)]
    [TestCase("abs.s32 %d, %a0;", 0xfffffffbu, 0u, 5u)]
    [TestCase("setp.lt.s32 %p, %a0, %a1; selp.b32 %d, 1, 0, %p;", 0xffffffffu, 2u, 1u)]
    [TestCase("setp.lo.u32 %p, %a0, %a1; selp.b32 %d, 1, 0, %p;", 0xffffffffu, 2u, 0u)]
    [TestCase("setp.eq.and.s32 %p|%q, %a0, 7, %p; selp.b32 %d, 1, 0, %q;", 7u, 2u, 0u, "setp.eq.s32 %p, %a1, 2;")]
    [TestCase("setp.eq.or.s32 %p|%q, %a0, 8, !%p; selp.b32 %d, 1, 0, %q;", 7u, 2u, 1u, "setp.eq.s32 %p, %a1, 2;")]
    [TestCase("mov.b64 %e, {%a0, %a1}; mov.b64 {%a2, %a3}, %e; mov.b32 %d, %a3;", 7u, 9u, 9u)]
    [TestCase("mov.b32 {%h0, %h1}, %a0; mov.b32 %d, {%h1, %h0};", 0x12345678u, 0u, 0x56781234u)]
    public void Integers(string text, uint a, uint b, uint result, string before = "") => Assert.That(Run(before + text, All(a), All(b)), Is.EqualTo(All(result)));

    [TestCase("mul.wide.u32 %e, %a0, %a1;", 0xffffffffUL, 0xffffffffUL, 0xfffffffe00000001UL)]
    [TestCase("mul.wide.s32 %e, %a0, %a1;", 0xffffffffUL, 5UL, 0xfffffffffffffffbUL)]
    [TestCase("mad.wide.u32 %e, %a0, %a1, 1;", 0xffffffffUL, 2UL, 0x1ffffffffUL)]
    [TestCase("mul.hi.u64 %e, %b0, %b1;", 0x8000000000000000UL, 6UL, 3UL)]
    [TestCase("mul.hi.s64 %e, %b0, %b1;", 0x8000000000000000UL, 6UL, 0xfffffffffffffffdUL)]
    [TestCase("shr.s64 %e, %b0, 63;", 0x8000000000000000UL, 0UL, ulong.MaxValue)]
    [TestCase("cvt.s64.s32 %e, %a0;", 0x80000000UL, 0UL, 0xffffffff80000000UL)]
    [TestCase("cvt.u64.u32 %e, %a0;", 0x80000000UL, 0UL, 0x80000000UL)]
    [TestCase("cvt.s64.s8 %e, %a0;", 0x17fUL, 0UL, 0x7fUL)]
    [TestCase("cvt.s64.s8 %e, %a0;", 0x180UL, 0UL, 0xffffffffffffff80UL)]
    [TestCase("add.f64 %e, %b0, %b1;", 0x3ff0000000000000UL, 0x4000000000000000UL, 0x4008000000000000UL)]
    [TestCase("cvt.f64.f32 %e, %a0;", 0x40400000UL, 0UL, 0x4008000000000000UL)]
    public void Wide(string text, ulong a, ulong b, ulong result) =>
        Assert.That(Run64($"cvt.u32.u64 %a0, %b0; cvt.u32.u64 %a1, %b1; {text}", All64(a), All64(b)), Is.EqualTo(All64(result)));

    [TestCase("add.f32 %d, %a0, %a1;", 1f, 2f, 3f)]
    [TestCase("fma.rn.f32 %d, %a0, %a1, 0fBF800000;", 1.0000001f, 1.0000001f, 2.3841858e-7f)] // (1+u)² − 1 = 2u + u², once rounded; without fusing u² is lost
    [TestCase("fma.rn.f32 %d, %a0, %a1, 0fBF800001;", 1.0000001f, 1.0000001f, 1.1920930e-7f)] // u + u²
    [TestCase("fma.rn.sat.f32 %d, %a0, %a1, 0f00000000;", 3f, 2f, 1f)]
    [TestCase("div.rn.f32 %d, %a0, %a1;", 1f, 3f, 0.333333343f)]
    [TestCase("min.f32 %d, %a0, %a1;", float.NaN, 2f, 2f)]
    [TestCase("min.NaN.f32 %d, %a0, %a1;", float.NaN, 2f, float.NaN)]
    [TestCase("max.f32 %d, %a0, %a1;", -0f, 0f, 0f)]
    [TestCase("mul.ftz.f32 %d, %a0, %a1;", 1e-30f, 1e-10f, 0f)]
    [TestCase("mul.f32 %d, %a0, %a1;", 1e-30f, 1e-10f, 1e-40f)]
    [TestCase("neg.f32 %d, %a0;", 2f, 0f, -2f)]
    [TestCase("abs.f32 %d, %a0;", -2f, 0f, 2f)]
    [TestCase("copysign.f32 %d, %a0, %a1;", -2f, 3f, -3f)]
    [TestCase("sqrt.rn.f32 %d, %a0;", 2f, 0f, 1.41421354f)]
    [TestCase("cvt.rni.f32.f32 %d, %a0;", 2.5f, 0f, 2f)]
    [TestCase("cvt.rmi.f32.f32 %d, %a0;", -2.5f, 0f, -3f)]
    [TestCase("cvt.rzi.s32.f32 %d, %a0; cvt.rn.f32.s32 %d, %d;", -2.9f, 0f, -2f)]
    [TestCase("cvt.rni.s32.f32 %d, %a0; cvt.rn.f32.s32 %d, %d;", 3.5f, 0f, 4f)]
    [TestCase("cvt.rzi.s32.f32 %d, %a0; cvt.rn.f32.s32 %d, %d;", float.NaN, 0f, 0f)]
    [TestCase("cvt.rzi.s32.f32 %d, %a0; cvt.rn.f32.s32 %d, %d;", 1e20f, 0f, 2147483648f)] // the largest, then rounded up
    [TestCase("cvt.rzi.u32.f32 %d, %a0; cvt.rn.f32.s32 %d, %d;", -5f, 0f, 0f)]
    [TestCase("setp.ne.f32 %p, %a0, %a0; selp.f32 %d, 0f3F800000, 0f00000000, %p;", float.NaN, 0f, 0f)]
    [TestCase("setp.neu.f32 %p, %a0, %a0; selp.f32 %d, 0f3F800000, 0f00000000, %p;", float.NaN, 0f, 1f)]
    [TestCase("setp.leu.f32 %p, %a0, %a1; selp.f32 %d, 0f3F800000, 0f00000000, %p;", float.NaN, 0f, 1f)]
    [TestCase("testp.subnormal.f32 %p, %a0; selp.f32 %d, 0f3F800000, 0f00000000, %p;", 1e-40f, 0f, 1f)]
    public void Floats(string text, float a, float b, float result) =>
        Assert.That(Run(text, All(a), All(b)).Select(BitConverter.UInt32BitsToSingle), Is.All.EqualTo(result));

    [TestCase("cvt.rn.f32.s32 %d, %a0;", 16777217u, 16777216f)]
    [TestCase("cvt.rp.f32.s32 %d, %a0;", 16777217u, 16777218f)]
    [TestCase("cvt.rm.f32.s32 %d, %a0;", 16777219u, 16777218f)]
    [TestCase("cvt.rz.f32.s32 %d, %a0;", 0xfefffffdu, -16777218f)] // −16,777,219
    [TestCase("cvt.rn.f32.u32 %d, %a0;", 0xffffffffu, 4294967296f)]
    [TestCase("cvt.rz.f32.u32 %d, %a0;", 0xffffffffu, 4294967040f)]
    public void Integers_become_floats_by_the_rounding_that_is_named(string text, uint a, float result) =>
        Assert.That(Run(text, All(a)).Select(BitConverter.UInt32BitsToSingle), Is.All.EqualTo(result));

    [TestCase("cvt.rn.f32.f64 %a0, %b0; cvt.f64.f32 %e, %a0;", 1.00000001, 1.0)]
    [TestCase("cvt.rp.f32.f64 %a0, %b0; cvt.f64.f32 %e, %a0;", 1.00000001, 1.00000011920928955)]
    [TestCase("cvt.rm.f32.f64 %a0, %b0; cvt.f64.f32 %e, %a0;", -1.00000001, -1.00000011920928955)]
    [TestCase("cvt.rz.f32.f64 %a0, %b0; cvt.f64.f32 %e, %a0;", 0.99999999, 0.999999940395355225)]
    [TestCase("fma.rn.f64 %e, %b0, %b0, 0dBFF0000000000000;", 1.0000000000000004, 8.8817841970012543e-16)] // 4u + 4u²
    public void Doubles(string text, double a, double result) =>
        Assert.That(Run64(text, All64(BitConverter.DoubleToUInt64Bits(a))).Select(BitConverter.UInt64BitsToDouble), Is.All.EqualTo(result));

    [TestCase("cvt.rn.bf16.f32 %h0, %a0; mov.b32 %d, {%h0, %h0};", 0x3f808000u, 0x3f803f80u)] // a tie goes to the even one
    [TestCase("cvt.rn.bf16.f32 %h0, %a0; mov.b32 %d, {%h0, %h0};", 0x3f818000u, 0x3f823f82u)]
    [TestCase("cvt.rz.bf16.f32 %h0, %a0; mov.b32 %d, {%h0, %h0};", 0x3f81ffffu, 0x3f813f81u)]
    [TestCase("cvt.rn.bf16x2.f32 %d, %a0, 0f40000000;", 0x3f800000u, 0x3f804000u)] // the first source is the upper half
    [TestCase("cvt.rn.f16x2.f32 %d, %a0, 0f40000000;", 0x3f800000u, 0x3c004000u)]
    [TestCase("cvt.rn.f16.f32 %h0, %a0; cvt.f32.f16 %d, %h0;", 0x3f801001u, 0x3f802000u)]
    [TestCase("cvt.rz.f16.f32 %h0, %a0; cvt.f32.f16 %d, %h0;", 0x3f801fffu, 0x3f800000u)]
    [TestCase("cvt.sat.s8.s32 %d, %a0;", 300u, 127u)]
    [TestCase("cvt.sat.s8.s32 %d, %a0;", 0xfffffe00u, 0xffffff80u)]
    [TestCase("cvt.u32.u8 %d, %a0;", 0x1ffu, 0xffu)]
    public void Narrow_types(string text, uint a, uint result) => Assert.That(Run(text, All(a)), Is.EqualTo(All(result)));

    [TestCase("ex2.approx.f32", 3.3, -22)]
    [TestCase("lg2.approx.f32", 3.3, -22)]
    [TestCase("rcp.approx.f32", 3.3, -23)]
    [TestCase("rsqrt.approx.f32", 3.3, -22)]
    [TestCase("sqrt.approx.f32", 3.3, -22)]
    public void Approximations_are_off_by_what_the_manual_allows(string opcode, double a, int errorExponent)
    {
        double exact = opcode[..2] switch { "ex" => Math.Pow(2, (float)a), "lg" => Math.Log2((float)a), "rc" => 1 / (double)(float)a, "rs" => 1 / Math.Sqrt((float)a), _ => Math.Sqrt((float)a) };
        float got = BitConverter.UInt32BitsToSingle(Run($"{opcode} %d, %a0;", All((float)a))[0]);
        Assert.That(got, Is.EqualTo(exact).Within(exact * Math.Pow(2, errorExponent) + 1e-7).And.Not.EqualTo((float)exact));
    }
}
