using System.Xml.Linq;
using NUnit.Framework;

namespace Osprey.Tests.House;

[TestFixture]
public class PackagesTests
{
    static IEnumerable<string> Packages() => XDocument.Load(Path.Combine(Shared.Repository, "Directory.Packages.props"))
        .Descendants("PackageVersion").Select(p => p.Attribute("Include")!.Value);

    static IEnumerable<string> Projects() => File.ReadLines(Path.Combine(Shared.Repository, "Engine.sln"))
        .Where(l => l.StartsWith("Project(", StringComparison.Ordinal) && l.Contains(".csproj", StringComparison.Ordinal))
        .Select(l => Path.Combine(Shared.Repository, l.Split('"')[5].Replace('\\', Path.DirectorySeparatorChar)));

    [Test]
    public void Every_dependency_says_why_it_and_not_another()
    {
        string design = File.ReadAllText(Path.Combine(Shared.Repository, "docs", "design.md"));
        Assert.That(Packages().Where(p => !design.Contains("`" + p + "`", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Every_central_version_is_used()
    {
        string[] projects = [.. Projects().Select(File.ReadAllText)];
        string flavour = File.ReadAllText(Path.Combine(Shared.Repository, "Directory.Build.props"));
        Assert.That(Packages().Where(p => !flavour.Contains(p, StringComparison.Ordinal) && !projects.Any(t => t.Contains($"Include=\"{p}\"", StringComparison.Ordinal))), Is.Empty);
    }

    [Test]
    public void Every_project_has_a_lock_file() =>
        Assert.That(Projects().Where(p => !File.Exists(Path.Combine(Path.GetDirectoryName(p)!, "packages.lock.json"))), Is.Empty);
}
