using ILGPU;

namespace Osprey.Tests.Ptx;

/// <summary>
/// A few instructions, run on one warp or several. They find their inputs in %a0, %a1… (.b32) or %b0, %b1… (.b64) and leave the result in %d or %e; a
/// first input of %a0 comes from the first array, and so on, one value for each thread.
/// </summary>
static class PtxSnippet
{
    public static uint[] Run(string body, params uint[][] inputs) => Run(body, 32, inputs);

    public static uint[] Run(string body, int threads, params uint[][] inputs)
    {
        var memory = new PtxGlobalMemory();
        PtxBuffer<uint> result = memory.Empty<uint>(threads);
        Launch(memory, body, threads, "st.global.b32 [%out], %d;", result, [.. inputs.Select(i => memory.Holding<uint>(i))], "b32", "%a", 4);
        return result.ToArray();
    }

    public static ulong[] Run64(string body, params ulong[][] inputs)
    {
        var memory = new PtxGlobalMemory();
        PtxBuffer<ulong> result = memory.Empty<ulong>(32);
        Launch(memory, body, 32, "st.global.b64 [%out], %e;", result, [.. inputs.Select(i => memory.Holding<ulong>(i))], "b64", "%b", 8);
        return result.ToArray();
    }

    static void Launch<T>(PtxGlobalMemory memory, string body, int threads, string store, PtxBuffer<T> result, PtxBuffer<T>[] inputs, string type, string name, int bytes)
        where T : unmanaged
    {
        string parameters = string.Concat(inputs.Select((_, k) => $", .param .align 8 .b8 in{k}[16]"));
        string loads = string.Concat(inputs.Select((_, k) => $"ld.param.b64 %at, [in{k}]; add.u64 %at, %at, %offset; ld.global.{type} {name}{k}, [%at];\n"));
        PtxKernel kernel = PtxKernel.FromText($$"""
            .version 7.8
            .target sm_80
            .address_size 64
            .visible .entry Snippet(.param .align 8 .b8 result[16]{{parameters}})
            {
            .reg .b32 %a<8>; .reg .b64 %b<8>; .reg .b32 %d, %thread; .reg .b64 %e, %at, %out, %offset; .reg .pred %p, %q; .reg .b16 %h<4>;
            mov.u32 %thread, %tid.x;
            mul.wide.u32 %offset, %thread, {{bytes}};
            ld.param.b64 %out, [result];
            add.u64 %out, %out, %offset;
            {{loads}}
            {{body}}
            {{store}}
            ret;
            }
            """, stepLimit: 100_000);
        kernel.Launch(memory, new KernelConfig(1, threads), [result, .. inputs]);
    }

    /// <summary>The same value in every lane.</summary>
    public static uint[] All(uint value, int threads = 32) => [.. Enumerable.Repeat(value, threads)];

    public static uint[] All(float value) => All(BitConverter.SingleToUInt32Bits(value));

    public static ulong[] All64(ulong value) => [.. Enumerable.Repeat(value, 32)];

    /// <summary>Each lane's own value.</summary>
    public static uint[] Each(Func<int, uint> value, int threads = 32) => [.. Enumerable.Range(0, threads).Select(value)];
}
