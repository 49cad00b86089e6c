using Osprey.Interop.Torch;
using Osprey.Kernels.Normalization;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Rows brought to unit length beside torch's eager operations, forward or both ways.</summary>
public sealed class NormalizationContest : Contest
{
    readonly int count, dimension;
    readonly bool bothWays;
    readonly RowNormalization kernel;
    readonly Tensor rows, leaf, unit, norms, gradUnit, gradRows;

    public NormalizationContest(Device device, int count, int dimension, bool bothWays)
    {
        (this.count, this.dimension, this.bothWays) = (count, dimension, bothWays);
        kernel = new RowNormalization(device);
        using DisposeScope scope = NewDisposeScope();
        rows = randn(count, dimension);
        leaf = rows.clone().requires_grad_(true);
        unit = zeros_like(rows);
        norms = zeros(count);
        gradUnit = randn(count, dimension);
        gradRows = zeros_like(rows);
        scope.Detach(rows, leaf, unit, norms, gradUnit, gradRows);
        Peers = [Peer.Here("torch", __version__, Torch)];
    }

    /// <summary>The rows; on the way back the unit rows and their gradient.</summary>
    public override double BytesRead => sizeof(float) * (double)count * dimension * (bothWays ? 3 : 1);

    /// <summary>The unit rows; on the way back the rows' gradient.</summary>
    public override double BytesWritten => sizeof(float) * (double)count * dimension * (bothWays ? 2 : 1);

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        kernel.Forward(TensorMemory.Read(rows), count, dimension, TensorMemory.Write(unit), TensorMemory.Write(norms));
        if (bothWays)
            kernel.Backward(TensorMemory.Read(unit), TensorMemory.Read(norms), TensorMemory.Read(gradUnit), count, dimension, TensorMemory.Write(gradRows));
    }

    void Torch()
    {
        if (!bothWays)
        {
            Eager.Run(() => Eager.UnitRows(rows));
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        autograd.grad([Eager.UnitRows(leaf)], [leaf], [gradUnit]);
    }

    public override double? MaxError()
    {
        Ours();
        using DisposeScope scope = NewDisposeScope();
        Tensor x = rows.to(float64).requires_grad_(true), y = Eager.UnitRows(x);
        double forward = Eager.Error(unit, y.detach());
        return bothWays ? Math.Max(forward, Eager.Error(gradRows, autograd.grad([y], [x], [gradUnit.to(float64)])[0])) : forward;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach (Tensor t in new[] { rows, leaf, unit, norms, gradUnit, gradRows }) t.Dispose();
        kernel.Dispose();
    }
}
