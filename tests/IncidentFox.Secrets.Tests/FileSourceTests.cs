using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using IncidentFox.Secrets.Sources;
using Xunit;

namespace IncidentFox.Secrets.Tests;

[SupportedOSPlatform("linux")]
public sealed class FileSourceTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _root = Directory.CreateTempSubdirectory("secrets-").FullName;
    private readonly string _closed;
    private readonly string _mounted;
    private readonly FileSource _source;

    public FileSourceTests()
    {
        _closed = Directory.CreateDirectory(Path.Combine(_root, "closed")).FullName;
        _mounted = Directory.CreateDirectory(Path.Combine(_root, "mounted")).FullName;
        _source = new FileSource(new FileSecretsOptions { Directories = [_closed], MountedDirectories = [_mounted] }, TimeProvider.System);
    }

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("abc\n", "abc")]
    [InlineData("abc\r\n", "abc")]
    [InlineData("abc\n\n", "abc\n")]
    [InlineData(" abc ", " abc ")]
    [InlineData("pässword", "pässword")]
    public async Task One_newline_at_the_end_is_not_part_of_the_secret(string content, string expected) =>
        Assert.Equal(expected, (await FetchAsync(Write("a", content))).Value?.RevealForUse());

    [Fact]
    public async Task A_missing_or_empty_file_is_not_found_and_named()
    {
        var missing = await FetchAsync(Path.Combine(_closed, "nothing"));
        Assert.Equal(SecretOutcome.NotFound, missing.Outcome);
        Assert.Contains(Path.Combine(_closed, "nothing"), missing.Reason, StringComparison.Ordinal);
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync(Path.Combine(_closed, "no", "directory"))).Outcome);
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync(Write("empty", "\n"))).Outcome);
    }

    [Fact]
    public async Task A_file_of_64_KiB_is_read_and_a_larger_one_refused()
    {
        Assert.Equal(SecretOutcome.Found, (await FetchAsync(Write("a", new string('x', 65_536) + "\n"))).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Write("b", new string('x', 65_537)))).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Write("c", new string('x', 1_000_000)))).Outcome);
    }

    [Fact]
    public async Task What_is_not_text_is_refused_without_quoting_it()
    {
        var path = Path.Combine(_closed, "binary");
        await File.WriteAllBytesAsync(path, [.. "canary"u8, 0xff, 0xfe], StoreFixture.Token);
        File.SetUnixFileMode(path, Private);
        var result = await FetchAsync(path);
        Assert.Equal(SecretOutcome.Denied, result.Outcome);
        Assert.DoesNotContain("canary", result.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("closed", 0b100_000_000, SecretOutcome.Found)]    // 0400
    [InlineData("closed", 0b110_100_000, SecretOutcome.Found)]    // 0640
    [InlineData("closed", 0b110_100_100, SecretOutcome.Denied)]   // 0644
    [InlineData("closed", 0b110_110_000, SecretOutcome.Denied)]   // 0660
    [InlineData("closed", 0b110_000_010, SecretOutcome.Denied)]   // 0602
    [InlineData("mounted", 0b110_100_100, SecretOutcome.Found)]   // 0644
    [InlineData("mounted", 0b110_110_100, SecretOutcome.Denied)]  // 0664
    [InlineData("mounted", 0b110_100_110, SecretOutcome.Denied)]  // 0646
    public async Task Permissions_decide_whether_a_file_is_trusted(string directory, int mode, SecretOutcome expected)
    {
        var path = Write("a", "abc", directory);
        File.SetUnixFileMode(path, (UnixFileMode)mode);
        Assert.Equal(expected, (await FetchAsync(path)).Outcome);
    }

    [Fact]
    public async Task A_file_elsewhere_is_refused_directly_and_through_links()
    {
        var outside = Write("outside", "abc", ".");
        var direct = await FetchAsync(outside);
        Assert.Equal(SecretOutcome.Denied, direct.Outcome);
        Assert.Contains(_closed, direct.Reason, StringComparison.Ordinal);

        File.CreateSymbolicLink(Path.Combine(_closed, "link"), outside);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Path.Combine(_closed, "link"))).Outcome);

        Directory.CreateSymbolicLink(Path.Combine(_closed, "up"), "..");
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Path.Combine(_closed, "up", "outside"))).Outcome);

        Write("x", "abc", Directory.CreateDirectory(_closed + "-not").FullName);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(_closed + "-not/x")).Outcome);
    }

    [Fact]
    public async Task Links_in_a_circle_a_directory_a_device_and_a_pipe_are_refused()
    {
        File.CreateSymbolicLink(Path.Combine(_closed, "a"), Path.Combine(_closed, "b"));
        File.CreateSymbolicLink(Path.Combine(_closed, "b"), Path.Combine(_closed, "a"));
        File.CreateSymbolicLink(Path.Combine(_closed, "zero"), "/dev/zero");
        Directory.CreateDirectory(Path.Combine(_closed, "folder"));
        await RunAsync("mkfifo", "-m", "0600", Path.Combine(_closed, "pipe"));

        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Path.Combine(_closed, "a"))).Outcome);
        Assert.Equal(SecretOutcome.Denied, (await FetchAsync(Path.Combine(_closed, "zero"))).Outcome);
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync(Path.Combine(_closed, "folder"))).Outcome);
        Assert.Equal(SecretOutcome.NotFound, (await FetchAsync(Path.Combine(_closed, "pipe"))).Outcome);
    }

    [Fact]
    public async Task A_directory_that_is_itself_a_link_is_followed()
    {
        Write("a", "abc");
        var alias = Path.Combine(_root, "alias");
        Directory.CreateSymbolicLink(alias, "closed");
        var source = new FileSource(new FileSecretsOptions { Directories = [alias], MountedDirectories = [] }, TimeProvider.System);
        Assert.Equal(SecretOutcome.Found, (await source.FetchAsync(Reference(Path.Combine(alias, "a")), StoreFixture.Token)).Outcome);
    }

    [Fact]
    public async Task A_file_that_is_written_anew_is_no_longer_current()
    {
        var path = Write("a", "one");
        var first = (await FetchAsync(path)).Value!;
        Assert.True(_source.IsStillCurrent(Reference(path), first));

        Write("a", "two");
        File.SetLastWriteTimeUtc(path, first.FetchedAt.UtcDateTime.AddSeconds(1));
        Assert.False(_source.IsStillCurrent(Reference(path), first));
        Assert.Equal("two", (await FetchAsync(path)).Value?.RevealForUse());

        File.Delete(path);
        Assert.False(_source.IsStillCurrent(Reference(path), first));
    }

    [Fact]
    public async Task A_rotation_as_Kubernetes_does_it_is_seen_by_the_store_within_a_tenth_of_a_second()
    {
        // token -> ..data/token, ..data -> ..2026_01; then ..data is replaced by one that points at ..2026_02.
        var written = DateTimeOffset.UnixEpoch.AddYears(50).UtcDateTime;
        File.SetLastWriteTimeUtc(Write("token", "old", Directory.CreateDirectory(Path.Combine(_mounted, "..2026_01")).FullName), written);
        File.SetLastWriteTimeUtc(Write("token", "new", Directory.CreateDirectory(Path.Combine(_mounted, "..2026_02")).FullName), written);
        Directory.CreateSymbolicLink(Path.Combine(_mounted, "..data"), "..2026_01");
        File.CreateSymbolicLink(Path.Combine(_mounted, "token"), "..data/token");
        using var it = new StoreFixture();
        using var store = new SecretStore([_source], [it], it.Options, it.Time, it);
        var reference = Reference(Path.Combine(_mounted, "token"));
        var old = await store.GetAsync(reference, StoreFixture.Token);
        await store.GetAsync(reference, StoreFixture.Token);

        Directory.CreateSymbolicLink(Path.Combine(_mounted, "..data_tmp"), "..2026_02");
        // rename(2), which the framework does not offer for a link to a directory.
        await RunAsync("mv", "-T", Path.Combine(_mounted, "..data_tmp"), Path.Combine(_mounted, "..data"));
        var meanwhile = await store.GetAsync(reference, StoreFixture.Token);
        it.Time.Advance(TimeSpan.FromMilliseconds(100));
        var renewed = await store.GetAsync(reference, StoreFixture.Token);

        Assert.Equal("old", old.Value?.RevealForUse());
        Assert.Equal("old", meanwhile.Value?.RevealForUse());
        Assert.Equal("new", renewed.Value?.RevealForUse());
        Assert.Equal(2, it.Observed.Count);
    }

    [Theory]
    [InlineData("closed", 0b111_111_101, SecretOutcome.Found)]         // 0775, as umask 002 leaves it
    [InlineData("closed", 0b111_101_111, SecretOutcome.Denied)]        // 0757
    [InlineData("closed", 0b1_111_111_111, SecretOutcome.Found)]       // 1777: sticky, so nobody else's file can be replaced
    [InlineData("mounted", 0b111_111_111, SecretOutcome.Found)]
    public async Task A_directory_that_others_may_write_to_is_not_trusted(string directory, int mode, SecretOutcome expected)
    {
        var parent = Directory.CreateDirectory(Path.Combine(_root, directory, "sub")).FullName;
        Directory.CreateDirectory(Path.Combine(parent, "deep"));
        var path = Write("a", "abc", Path.Combine(parent, "deep"));
        File.SetUnixFileMode(parent, (UnixFileMode)mode);
        Assert.Equal(expected, (await FetchAsync(path)).Outcome);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(StoreFixture.Token);
        Assert.Equal(0, process.ExitCode);
    }

    private ValueTask<SecretResult> FetchAsync(string path) => _source.FetchAsync(Reference(path), StoreFixture.Token);

    private static SecretReference Reference(string path) => SecretReferenceTests.Parse("file://" + path);

    private string Write(string name, string content, string directory = "closed")
    {
        var path = Path.GetFullPath(Path.Combine(_root, directory, name));
        File.WriteAllText(path, content, new UTF8Encoding(false));
        File.SetUnixFileMode(path, Private);
        return path;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
