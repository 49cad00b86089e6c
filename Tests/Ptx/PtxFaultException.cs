namespace Osprey.Tests.Ptx;

/// <summary>What the GPU would do is undefined, or the interpreter does not know the instruction: the message names the line, and the thread where one is at fault.</summary>
sealed class PtxFaultException(string message) : Exception(message);
