using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace IncidentFox.Host.Tests.Manifests;

/// <summary>The Dockerfiles, read line by line: no image is built where these tests run.</summary>
[Trait("kind", "check")]
public sealed partial class ImageTests
{
    public static TheoryData<string, string> Images => new() { { "incidentfox", "IncidentFox.Host" }, { "incidentfox-agent", "IncidentFox.Agent" } };

    [Theory]
    [MemberData(nameof(Images))]
    public void It_runs_as_nobody_from_a_pinned_line_of_bases_and_starts_one_program(string image, string project)
    {
        var lines = Lines(image);
        var last = lines[lines.FindLastIndex(l => l.StartsWith("FROM ", StringComparison.Ordinal))..];
        var (uid, gid) = (User().Match(Assert.Single(last, l => l.StartsWith("USER ", StringComparison.Ordinal))) is { Success: true } m) ? (m.Groups[1].Value, m.Groups[2].Value) : ("0", "0");
        Assert.True(int.Parse(uid, null) > 0 && int.Parse(gid, null) > 0, "USER is a number, so that runAsNonRoot can be judged, and not root");
        var assembly = XDocument.Load(Project(project)).Descendants("AssemblyName").Single().Value;
        Assert.Equal(image, assembly);
        Assert.EndsWith($"/{assembly}\"]", Assert.Single(last, l => l.StartsWith("ENTRYPOINT ", StringComparison.Ordinal)), StringComparison.Ordinal);
        // Nothing of the builder but what was published, and no command in the image that runs.
        Assert.DoesNotContain(last, l => l.StartsWith("RUN ", StringComparison.Ordinal) || l.StartsWith("ADD ", StringComparison.Ordinal));
        Assert.All(last.Where(l => l.StartsWith("COPY ", StringComparison.Ordinal)), l => Assert.StartsWith("COPY --from=build ", l, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains(":latest", StringComparison.Ordinal) || l.Contains("--build-arg", StringComparison.Ordinal) || l.Contains("curl ", StringComparison.Ordinal));
        Assert.All(lines.Where(l => l.StartsWith("ARG ", StringComparison.Ordinal) && l.Contains('/', StringComparison.Ordinal)), l => Assert.Matches(@"^ARG (SDK|RUNTIME)=mcr\.microsoft\.com/dotnet/(sdk|aspnet):10\.0-noble(-chiseled)?$", l));
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void What_it_copies_is_there_and_what_its_projects_read_is_copied(string image, string project)
    {
        var copied = Lines(image).Where(l => l.StartsWith("COPY ", StringComparison.Ordinal) && !l.Contains("--from", StringComparison.Ordinal)).SelectMany(l => l.Split(' ')[1..^1]).ToList();
        Assert.All(copied, path => Assert.True(Path.Exists(Path.Combine(Rendered.Repository, path)), path));
        Assert.Contains(Lines(image), l => l.StartsWith($"RUN dotnet publish src/{project} ", StringComparison.Ordinal));

        var read = new Queue<string>([Project(project)]);
        var seen = new HashSet<string>();
        while (read.TryDequeue(out var file))
        {
            if (!seen.Add(file))
                continue;
            foreach (var include in XDocument.Load(file).Descendants().Select(e => (string?)e.Attribute("Include")).OfType<string>().Where(i => i.StartsWith("../", StringComparison.Ordinal)))
            {
                var path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, include));
                if (path.EndsWith(".csproj", StringComparison.Ordinal))
                    read.Enqueue(path);
                var relative = Path.GetRelativePath(Rendered.Repository, path);
                Assert.True(copied.Any(c => relative == c || relative.StartsWith(c, StringComparison.Ordinal) && c.EndsWith('/')), $"{Path.GetFileName(file)} reads {relative}, which {image} does not copy");
            }
        }
        // Of what is copied, .dockerignore keeps nothing back.
        var kept = File.ReadAllLines(Path.Combine(Rendered.Repository, ".dockerignore")).Where(l => l.StartsWith('!')).Select(l => l[1..].Split('*')[0]).ToList();
        Assert.All(copied, c => Assert.Contains(kept, k => k.StartsWith(c.TrimEnd('/'), StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void What_it_takes_from_the_builder_is_what_publishing_makes(string image, string project)
    {
        var lines = Lines(image);
        var folder = Output().Match(Assert.Single(lines, l => l.StartsWith("RUN dotnet publish", StringComparison.Ordinal))).Groups[1].Value;
        var taken = Assert.Single(lines, l => l.StartsWith("COPY --from=build ", StringComparison.Ordinal)).Split(' ')[2];
        Assert.StartsWith(folder, taken, StringComparison.Ordinal);
        if (taken.TrimEnd('/') != folder)
            Assert.Equal($"{folder}/{XDocument.Load(Project(project)).Descendants("AssemblyName").Single().Value}", taken);
        var program = Path.Combine(Rendered.Repository, image == "incidentfox-agent" ? "artifacts/agent/incidentfox-agent" : Path.Combine(AppContext.BaseDirectory, "incidentfox"));
        Assert.SkipUnless(File.Exists(program), $"{program} is not built: make agent");
        if (image == "incidentfox-agent")
        {
            var agent = File.ReadAllBytes(program);
            Assert.InRange(agent.Length, 1, 30 * 1024 * 1024);
            Assert.False(HasInterpreter(agent), "the agent is not static: on an empty image it could not start");
        }
    }

    [Fact]
    public void Publishing_without_a_Dockerfile_gives_the_same_names_and_users()
    {
        var host = XDocument.Load(Project("IncidentFox.Host"));
        var agent = XDocument.Load(Project("IncidentFox.Agent"));
        Assert.Equal("incidentfox", host.Descendants("ContainerRepository").Single().Value);
        Assert.Equal("mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled", host.Descendants("ContainerBaseImage").Single().Value);
        Assert.Equal("1654:1654", host.Descendants("ContainerUser").Single().Value);
        Assert.Equal("incidentfox-agent", agent.Descendants("ContainerRepository").Single().Value);
        Assert.Equal("65532:65532", agent.Descendants("ContainerUser").Single().Value);
    }

    [Fact]
    public void Pinning_writes_both_digests_and_refuses_a_tag()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/kubectl"), "There is no kubectl here: eng/setup --test installs it.");
        var digest = new string('a', 64);
        var folder = Path.Combine(Rendered.Repository, "manifests", "overlays", $"pinned-{Guid.NewGuid():N}");
        try
        {
            foreach (var overlay in new[] { "azure", "air-gapped" })
            {
                var (exitCode, _, error) = Pin(overlay, $"r.example/incidentfox@sha256:{digest}", $"r.example/incidentfox-agent@sha256:{digest}", folder);
                Assert.True(exitCode == 0, error);
                var objects = Rendered.OfPath(folder);
                Assert.All(objects.Workloads(), w => Assert.Equal($"r.example/incidentfox@sha256:{digest}", (string?)w.PodSpec()["containers"]![0]!["image"]));
                var env = objects.Workloads().Single(w => w.Name() == "incidentfox-bot").PodSpec()["containers"]![0]!["env"].Items();
                Assert.Equal($"r.example/incidentfox-agent@sha256:{digest}", (string?)env.Single(e => (string?)e["name"] == "INCIDENTFOX__Sandbox__Kubernetes__Image")["value"]);
                Directory.Delete(folder, recursive: true);
            }
            Assert.Contains("has no digest", Pin("azure", "r.example/incidentfox:0.1.0", $"r.example/incidentfox-agent@sha256:{digest}", folder).Error, StringComparison.Ordinal);
            Assert.Contains("has no digest", Pin("azure", $"r.example/incidentfox@sha256:{digest}", "r.example/incidentfox-agent@sha256:1", folder).Error, StringComparison.Ordinal);
            Assert.Contains("no overlay", Pin("nowhere", $"r.example/incidentfox@sha256:{digest}", $"r.example/incidentfox-agent@sha256:{digest}", folder).Error, StringComparison.Ordinal);
            Assert.False(Directory.Exists(folder));
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
    }

    private static (int ExitCode, string Output, string Error) Pin(params string[] arguments) =>
        Rendered.Run(Path.Combine(Rendered.Repository, "eng", "pin-images"), arguments, Rendered.Repository);

    // A dynamic program names its loader in a program header of type PT_INTERP (3).
    private static bool HasInterpreter(byte[] elf)
    {
        var (start, size, count) = (BitConverter.ToInt64(elf, 32), BitConverter.ToInt16(elf, 54), BitConverter.ToInt16(elf, 56));
        return Enumerable.Range(0, count).Any(i => BitConverter.ToInt32(elf, (int)start + i * size) == 3);
    }

    private static string Project(string name) => Path.Combine(Rendered.Repository, "src", name, name + ".csproj");

    // Lines that end with a backslash go on.
    private static List<string> Lines(string image) =>
        [.. File.ReadAllText(Path.Combine(Rendered.Repository, "build", $"{image}.Dockerfile")).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Where(l => l.Length > 0 && l[0] != '#')];

    [GeneratedRegex("^USER ([0-9]+):([0-9]+)$")]
    private static partial Regex User();

    [GeneratedRegex(" -o (/[a-z]+) ")]
    private static partial Regex Output();
}
