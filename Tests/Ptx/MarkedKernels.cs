using System.Reflection;
using Osprey.Kernels;

namespace Osprey.Tests.Ptx;

/// <summary>The methods that carry <see cref="CudaKernelAttribute"/>: generic ones once for each instantiation named there.</summary>
static class MarkedKernels
{
    public static IReadOnlyList<MethodInfo> All { get; } =
    [
        .. from type in typeof(CudaKernelAttribute).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           from mark in method.GetCustomAttributes<CudaKernelAttribute>()
           select mark.TypeArguments.Count == 0 ? method : method.MakeGenericMethod([.. mark.TypeArguments]),
    ];

    /// <summary><c>Type.Method</c>, or <c>Type.Method&lt;Functor,…&gt;</c>.</summary>
    public static string Name(MethodInfo kernel)
    {
        string functors = string.Join(',', kernel.GetGenericArguments().Select(Short));
        return $"{Short(kernel.DeclaringType!)}.{kernel.Name}{(functors.Length > 0 ? $"<{functors}>" : "")}";
    }

    static string Short(Type type) =>
        type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(',', type.GetGenericArguments().Select(Short))}>" : type.Name;
}
