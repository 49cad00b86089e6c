using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Osprey.Interop.Formats;

namespace Osprey.Interop.Faiss;

/// <summary>FAISS's flat index in a Python of its own, kept alive between commands: a peer to measure against. Rows and answers pass through files.</summary>
/// <remarks>
/// The child times its own calls, so neither the pipe nor Python's start counts. It is started with <c>OMP_WAIT_POLICY=passive</c> and
/// <c>OPENBLAS_THREAD_TIMEOUT=20</c>, so that its threads do not hold the cores while others are timed: OpenBLAS's otherwise spin for some 100 ms after a
/// product, and FAISS is no faster for it. <c>OPENBLAS_CORETYPE=SkylakeX</c> is set where the processor has AVX-512: Debian's OpenBLAS does not know newer
/// ones and would run five times slower. Variables that the user has set stay as they are.
/// </remarks>
public sealed class FaissProcess : IDisposable
{
    /// <summary>Names the Python to use instead of those that are looked for.</summary>
    public const string PythonVariable = "OSPREY_PYTHON";

    readonly Process process;
    readonly string folder;

    FaissProcess(Process process, string version, string blas, string folder)
    {
        this.process = process;
        this.folder = folder;
        Version = version;
        Blas = blas;
    }

    /// <summary>FAISS's version.</summary>
    public string Version { get; }

    /// <summary>File name of the library that multiplies for it: <c>libopenblasp-r0.3.21.so</c>.</summary>
    public string Blas { get; }

    /// <summary>
    /// Whether that is the reference implementation, which Debian installs where nothing else asks for a better one. It is a hundred times slower than
    /// OpenBLAS, and FAISS on it is no peer to measure against.
    /// </summary>
    public bool HasReferenceBlas => Blas.StartsWith("libblas.", StringComparison.Ordinal);

    /// <summary>Starts the first Python that has FAISS: the one that <c>OSPREY_PYTHON</c> names, else every <c>python3</c> on the path, else the system's.</summary>
    /// <param name="threads">Threads of FAISS and of its BLAS, 1 or more.</param>
    /// <param name="reason">Where none was found, why, in a few words.</param>
    public static FaissProcess? TryStart(int threads, out string reason)
    {
        if (threads < 1) throw new ArgumentException($"threads is {threads}; give 1 or more");
        string[] candidates = [.. Candidates()];
        foreach (string python in candidates)
        {
            if (TryStart(python, threads) is { } started)
            {
                reason = "";
                return started;
            }
        }
        reason = candidates.Length == 0 ? "no python3 was found" : $"no faiss in {string.Join(", ", candidates)}";
        return null;
    }

    /// <summary>Pythons in the order in which they are tried.</summary>
    internal static IEnumerable<string> Candidates()
    {
        if (Environment.GetEnvironmentVariable(PythonVariable) is { Length: > 0 } named) return [named];
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), "/usr/bin", "/usr/local/bin"];
        return folders.Select(f => Path.Combine(f, "python3")).Where(File.Exists).Distinct();
    }

    static FaissProcess? TryStart(string python, int threads)
    {
        var start = new ProcessStartInfo(python) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string word in (string[])["-u", "-c", Script()]) start.ArgumentList.Add(word);
        string count = threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OMP_NUM_THREADS"] = start.Environment["OPENBLAS_NUM_THREADS"] = count;
        start.Environment.TryAdd("OMP_WAIT_POLICY", "passive");
        start.Environment.TryAdd("OPENBLAS_THREAD_TIMEOUT", "20");
        if (System.Runtime.Intrinsics.X86.Avx512BW.IsSupported) start.Environment.TryAdd("OPENBLAS_CORETYPE", "SkylakeX");
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        if (process.StandardOutput.ReadLine() is not string greeting)
        {
            Stop(process);
            return null;
        }
        using JsonDocument json = JsonDocument.Parse(greeting);
        // In memory where the system has such a folder: gigabytes of rows need not see a disk.
        string parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        string folder = Path.Combine(parent, "osprey-faiss-" + Path.GetRandomFileName());
        Directory.CreateDirectory(folder);
        return new FaissProcess(process, json.RootElement.GetProperty("version").GetString()!, json.RootElement.GetProperty("blas").GetString()!, folder);
    }

    static string Script()
    {
        using Stream stream = typeof(FaissProcess).Assembly.GetManifestResourceStream("faiss_peer.py")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Makes a flat index of the rows in place of the last one.</summary>
    /// <param name="rows">[N, dimension].</param>
    /// <param name="dimension">1 or more.</param>
    /// <param name="l2">Squared distance instead of inner product.</param>
    /// <returns>Seconds that adding the rows took, their reading not counted.</returns>
    public double Index(ReadOnlySpan<float> rows, int dimension, bool l2)
    {
        string path = Path.Combine(folder, "rows.npy");
        Npy.Write(path, rows, rows.Length / dimension, dimension);
        double seconds = Ask(new { @do = "index", rows = path, l2 });
        File.Delete(path);
        return seconds;
    }

    /// <summary>Sets what the next searches of the index look for, [Q, dimension]; for few queries also FAISS's faster way on this machine.</summary>
    public void SetQueries(ReadOnlySpan<float> queries, int dimension)
    {
        string path = Path.Combine(folder, "queries.npy");
        Npy.Write(path, queries, queries.Length / dimension, dimension);
        Ask(new { @do = "queries", path });
        File.Delete(path);
    }

    /// <returns>Seconds of the search alone.</returns>
    public double Search(int k) => Ask(new { @do = "search", k });

    /// <summary>The last search's ids and scores, [Q, k] each.</summary>
    public (long[] Ids, float[] Scores) Answer()
    {
        string ids = Path.Combine(folder, "ids.npy"), scores = Path.Combine(folder, "scores.npy");
        Ask(new { @do = "save", ids, scores });
        return (Npy.ReadInt64s(ids).Values, Npy.ReadSingles(scores).Values);
    }

    /// <summary>Ends the child at once; a call that waits for it fails.</summary>
    public void Kill()
    {
        if (!process.HasExited) process.Kill();
    }

    double Ask<T>(T command)
    {
        string? answer = null;
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(command));
            process.StandardInput.Flush();
            answer = process.StandardOutput.ReadLine();
        }
        catch (IOException)
        {
            // A pipe that broke says no more than one that ended.
        }
        string line = answer ?? throw new InvalidOperationException($"the Python that runs FAISS {Version} has ended");
        using JsonDocument json = JsonDocument.Parse(line);
        if (json.RootElement.TryGetProperty("error", out JsonElement error)) throw new InvalidOperationException($"FAISS {Version} answers: {error.GetString()}");
        return json.RootElement.GetProperty("seconds").GetDouble();
    }

    static void Stop(Process process)
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before: what was not sent is lost with it.
        }
        if (!process.WaitForExit(2000)) process.Kill();
        process.Dispose();
    }

    public void Dispose()
    {
        Stop(process);
        Directory.Delete(folder, recursive: true);
    }
}
