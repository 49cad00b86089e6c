using System.Diagnostics;
using NUnit.Framework;
using Osprey.Interop.Formats;

namespace Osprey.Tests.Interop;

[TestFixture]
public sealed class PostgresCopyTests
{
    static byte[] Written(Action<PostgresCopyWriter> rows)
    {
        using var stream = new MemoryStream();
        var copy = new PostgresCopyWriter(stream);
        rows(copy);
        copy.End();
        return stream.ToArray();
    }

    const string Head = "5047434f50590aff0d0a00" + "00000000" + "00000000", Tail = "ffff";

    [Test]
    public void No_rows_are_header_and_trailer() => Assert.That(Convert.ToHexStringLower(Written(_ => { })), Is.EqualTo(Head + Tail));

    [Test]
    public void A_row_has_the_bytes_of_the_documented_format()
    {
        byte[] bytes = Written(copy =>
        {
            copy.BeginRow(4);
            copy.Write(258L);
            copy.Write("é/a");
            copy.Write("");
            copy.WriteVector([1, -2.5f]);
        });
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(
            Head + "0004"
            + "00000008" + "0000000000000102"
            + "00000004" + "c3a92f61"
            + "00000000"
            + "0000000c" + "0002" + "0000" + "3f800000" + "c0200000"
            + Tail));
    }

    [Test]
    public void A_halfvec_has_two_bytes_a_value_rounded_to_even()
    {
        byte[] bytes = Written(copy =>
        {
            copy.BeginRow(1);
            // 1 + 2⁻¹¹ lies in the middle of 1 and its neighbour 1 + 2⁻¹⁰.
            copy.WriteHalfVector([1, -2.5f, 1 + 1 / 2048f, 65504]);
        });
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(Head + "0001" + "0000000c" + "0004" + "0000" + "3c00" + "c100" + "3c00" + "7bff" + Tail));
    }

    [Test]
    public void What_the_server_would_refuse_is_refused_here()
    {
        Assert.That(() => Written(c => c.WriteVector([0, float.NaN])), Throws.TypeOf<NotSupportedException>().With.Message.Contains("value 1 of a vector is NaN"));
        Assert.That(() => Written(c => c.WriteVector([float.PositiveInfinity])), Throws.TypeOf<NotSupportedException>());
        Assert.That(() => Written(c => c.WriteHalfVector([65520])), Throws.TypeOf<NotSupportedException>().With.Message.Contains("65520"));
        Assert.That(() => Written(c => c.WriteVector([])), Throws.TypeOf<NotSupportedException>());
        Assert.That(() => Written(c => c.WriteVector(new float[16001])), Throws.TypeOf<NotSupportedException>().With.Message.Contains("16001"));
        Assert.That(() => Written(c => c.Write("a\0b")), Throws.TypeOf<NotSupportedException>().With.Message.Contains("a\\0b"));
    }

    /// <summary>Names a server by libpq's connection string, such as <c>host=/tmp dbname=postgres</c>.</summary>
    const string Variable = "OSPREY_POSTGRES";

    static string Psql(string sql)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } server)
        {
            Assert.Ignore($"skipped: {Variable} names no PostgreSQL server");
            return "";
        }
        var start = new ProcessStartInfo("psql") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string word in (string[])[server, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]) start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(sql);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.Result);
        return output.Trim();
    }

    /// <summary>A server without pgvector still checks the frame: the column is then bytea, and holds the vector's bytes as they came.</summary>
    [Test]
    public void A_server_reads_it()
    {
        bool vectors = Psql("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector';") == "1";
        string file = Path.GetTempFileName();
        File.WriteAllBytes(file, Written(copy =>
        {
            for (int i = 0; i < 3; i++)
            {
                copy.BeginRow(4);
                copy.Write(i - 1L);
                copy.Write($"bild {i} é");
                copy.WriteVector([i, 0.5f]);
                copy.WriteHalfVector([i, 0.5f]);
            }
        }));
        string answer = Psql(
            (vectors ? "CREATE EXTENSION IF NOT EXISTS vector;\n" : "")
            + $"CREATE TEMP TABLE t (id bigint, path text, v {(vectors ? "vector(2)" : "bytea")}, h {(vectors ? "halfvec(2)" : "bytea")});\n"
            + $"\\copy t FROM '{file}' WITH (FORMAT binary)\nSELECT * FROM t WHERE id = 1;");
        File.Delete(file);
        Assert.That(answer, Is.EqualTo("1|bild 2 é|" + (vectors ? "[2,0.5]|[2,0.5]" : "\\x00020000400000003f000000|\\x0002000040003800")));
    }
}
