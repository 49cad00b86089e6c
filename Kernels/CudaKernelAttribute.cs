namespace Osprey.Kernels;

/// <summary>
/// Marks a static method as an explicitly grouped ILGPU kernel. Every method so marked is compiled to PTX for each supported
/// architecture by the test PtxGateTests, which needs no GPU; a kernel without the mark escapes that check.
/// </summary>
/// <param name="typeArguments">The functors of one instantiation of a generic kernel, in order; repeat the attribute for each instantiation that is loaded.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class CudaKernelAttribute(params Type[] typeArguments) : Attribute
{
    public IReadOnlyList<Type> TypeArguments { get; } = typeArguments;
}
