using System.Net;
using System.Security.Authentication;
using System.Text;
using IncidentFox.Contracts;
using IncidentFox.Gateway.AgentDoor.Pods;
using IncidentFox.Gateway.Tests.Hosting;
using IncidentFox.TestKit;
using IncidentFox.Workbench.Estate.Kubernetes;
using Xunit;

namespace IncidentFox.Gateway.Tests.Pods;

/// <summary>The cluster answers badly, late or not at all; pods end in the middle of something; somebody floods the door.</summary>
public sealed class PodOutageTests(TestPostgres postgres)
{
    private static readonly CancellationToken Ct = TestContext.Current.CancellationToken;
    private static readonly byte[] Hello = Encoding.UTF8.GetBytes(TestSandbox.Hello());
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Who_can_t_be_asked_about_is_refused_and_let_in_when_the_cluster_answers_again()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenAsync();
        foreach (var fault in new[] { ApiFault.ServerError, ApiFault.TooManyRequests, ApiFault.Refused, ApiFault.AnswerLost })
        {
            gateway.Cluster.Faults.Next(IsReview, fault);
            Assert.Equal("identity_unavailable", await CodeAsync(gateway, pod));
        }
        Assert.Equal("", await CodeAsync(gateway, pod));
        Assert.Empty(await gateway.AlertsAsync());
    }

    [Fact]
    public async Task A_cluster_that_says_nothing_is_not_waited_for_without_end()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenAsync();
        gateway.Cluster.Faults.Next(IsReview, ApiFault.Silence);
        Assert.Equal("identity_unavailable", await CodeAsync(gateway, pod).WaitAsync(Long, Ct));
        Assert.Equal("", await CodeAsync(gateway, pod));
    }

    [Fact]
    public async Task Without_the_watch_each_pod_is_looked_at_and_silence_is_a_refusal()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenAsync();
        gateway.Cluster.Faults.Decide = r => IsListOrWatch(r) ? ApiFault.ServerError : null;
        gateway.Cluster.Faults.CutWatches();
        await UntilAsync(() => gateway.Cluster.Requests.Any(r => IsListOrWatch(r) && r.Status == 500));
        Assert.Equal("", await CodeAsync(gateway, pod));
        gateway.Cluster.Faults.Decide = r => IsListOrWatch(r) ? ApiFault.ServerError : IsReview(r) ? null : ApiFault.Silence;
        Assert.Equal("identity_unavailable", await CodeAsync(gateway, pod).WaitAsync(Long, Ct));
        gateway.Cluster.Faults.Decide = r => IsListOrWatch(r) ? ApiFault.ServerError : IsReview(r) ? null : ApiFault.ServerError;
        Assert.Equal("identity_unavailable", await CodeAsync(gateway, pod));
        gateway.Cluster.Faults.Decide = null;
        gateway.Cluster.Delete("Pod", PodGateway.Ns, pod.Name);
        await gateway.UntilRefusedAsync(pod.Token);
        Assert.Equal("pod_gone", await CodeAsync(gateway, pod));
    }

    [Fact]
    public async Task Many_requests_with_one_token_at_once_are_one_question_to_the_cluster()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenAsync();
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => gateway.SendAsync(pod.Token, "POST", Protocol.HelloPath, Hello))), a => Assert.Equal(HttpStatusCode.OK, a.Status));
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(pod.Token, "GET", Protocol.TaskPath)).Status);
        Assert.Equal(1, gateway.Reviews);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task What_a_pod_has_open_is_cut_off_when_it_is_deleted(bool watchWasCut, bool versionIsGone)
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var uid = await gateway.RunAsync("warm-1");
        await gateway.RecordAsync(uid, "warm-1", sandbox: null);
        var token = gateway.TokenOf("warm-1");
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello)).Status);
        if (versionIsGone)
            gateway.Cluster.Compact();
        if (watchWasCut || versionIsGone)
            gateway.Cluster.Faults.CutWatches();
        await using var waiting = await gateway.ConnectAsync();
        await waiting.WriteAsync(Encoding.ASCII.GetBytes($"GET {Protocol.TaskPath} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {token}\r\n\r\n"), Ct);
        var first = waiting.ReadAsync(new byte[1], Ct).AsTask();
        Assert.NotSame(first, await Task.WhenAny(first, Task.Delay(TimeSpan.FromMilliseconds(300), Ct)));

        gateway.Cluster.Delete("Pod", PodGateway.Ns, "warm-1");

        // Far sooner than the long poll ends: nothing was answered.
        var cut = await Record.ExceptionAsync(() => first.WaitAsync(TimeSpan.FromSeconds(15), Ct));
        Assert.True(cut is IOException || (cut is null && await first == 0), cut?.ToString());
        Assert.Equal("pod_gone", (string?)(await gateway.SendAsync(token, "GET", Protocol.TaskPath)).Body?["code"]);
    }

    [Fact]
    public async Task A_pod_that_the_bot_let_go_of_is_cut_off_before_the_cluster_has_deleted_it()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var uid = await gateway.RunAsync("warm-1");
        await gateway.RecordAsync(uid, "warm-1", sandbox: null);
        var token = gateway.TokenOf("warm-1");
        await gateway.SendAsync(token, "POST", Protocol.HelloPath, Hello);
        var waiting = gateway.SendAsync(token, "GET", Protocol.TaskPath);
        await gateway.Pods.GoneAsync(uid, unclaimedOnly: false, Ct);
        // Whichever is first: the wait sees the row, or the connection is cut.
        var cut = await Record.ExceptionAsync(async () => Assert.Equal("pod_ending", (string?)(await waiting.WaitAsync(TimeSpan.FromSeconds(15), Ct)).Body?["code"]));
        Assert.True(cut is null or HttpRequestException, cut?.ToString());
        Assert.Equal("pod_ending", (string?)(await gateway.SendAsync(token, "GET", Protocol.TaskPath)).Body?["code"]);
    }

    [Fact]
    public async Task A_call_that_is_under_way_ends_with_its_pod_and_not_with_its_target()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        var (called, over) = (new TaskCompletionSource(), new TaskCompletionSource());
        gateway.Host.Sender.Answer = async (_, ct) =>
        {
            called.TrySetResult();
            using var registration = ct.Register(() => over.TrySetResult());
            await over.Task.WaitAsync(Long, CancellationToken.None);
            throw new OperationCanceledException(ct);
        };
        var call = gateway.SendAsync(pod.Token, "GET", "/i/kubernetes/api/v1/nodes");
        await called.Task.WaitAsync(Long, Ct);
        // The cluster still has the pod, and says nothing of it.
        await gateway.Pods.GoneAsync(pod.Uid, unclaimedOnly: false, Ct);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => call.WaitAsync(Long, Ct));
    }

    [Fact]
    public async Task An_address_that_tries_one_token_after_the_other_is_held_back_and_the_others_are_not()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, checkAddress: true);
        var pod = await gateway.OpenCagedAsync();
        var (flooder, asked) = (IPAddress.Parse("127.0.9.1"), gateway.Reviews);
        var codes = new List<string?>();
        for (var round = 0; round < 40 && !codes.Contains("too_many_requests"); round++)
            codes.AddRange(await Task.WhenAll(Enumerable.Range(0, 30).Select(async i => (string?)(await gateway.SendAsync($"a.{round}.{i}", "GET", Protocol.TaskPath, from: flooder)).Body?["code"])));
        Assert.Contains("too_many_requests", codes);
        Assert.All(codes, c => Assert.Contains(c, new[] { "too_many_requests", "token_invalid", "identity_unavailable" }));
        Assert.InRange(gateway.Reviews - asked, 1, codes.Count - 1);
        Assert.Single(await gateway.AlertsAsync(), a => (string?)a.Details!["address"] == flooder.ToString());
        Assert.Equal(HttpStatusCode.OK, (await gateway.SendAsync(pod.Token, "GET", Protocol.TaskPath, from: pod.Address)).Status);
    }

    [Fact]
    public async Task One_address_holds_so_many_connections_and_no_more()
    {
        await using var gateway = await PodGateway.StartAsync(postgres, checkAddress: true);
        var hog = IPAddress.Parse("127.0.9.2");
        var held = new List<Stream>();
        try
        {
            for (var i = 0; i < PodThrottle.MaxConnections; i++)
                held.Add(await gateway.ConnectAsync(hog));
            await Assert.ThrowsAnyAsync<Exception>(() => gateway.ConnectAsync(hog));
            Assert.Equal(401, (await gateway.RawAsync("GET / HTTP/1.1\r\nHost: g\r\n\r\n", IPAddress.Parse("127.0.9.3"))).Status);
        }
        finally
        {
            foreach (var stream in held)
                await stream.DisposeAsync();
        }
        await UntilAsync(async () => await Record.ExceptionAsync(async () => await (await gateway.ConnectAsync(hog)).DisposeAsync()) is null);
    }

    [Fact]
    public async Task A_pod_that_floods_the_door_with_its_own_good_token_is_held_back_before_the_database_is_asked()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        var pod = await gateway.OpenCagedAsync();
        await gateway.Pods.GoneAsync(pod.Uid, unclaimedOnly: false, Ct);
        var codes = await Task.WhenAll(Enumerable.Range(0, 60).Select(async _ => (string?)(await gateway.SendAsync(pod.Token, "GET", Protocol.ToolsPath)).Body?["code"]));
        Assert.Contains("pod_ending", codes);
        for (var i = 0; i < 100; i++)
            codes = [.. codes, (string?)(await gateway.SendAsync(pod.Token, "GET", Protocol.ToolsPath)).Body?["code"]];
        Assert.Contains("too_many_requests", codes);
    }

    [Fact]
    public async Task Only_TLS_1_3_and_HTTP_1_1_are_spoken()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        await Assert.ThrowsAnyAsync<Exception>(() => gateway.ConnectAsync(protocols: SslProtocols.Tls12));
        await using (var tls = await gateway.ConnectAsync())
            Assert.Equal(SslProtocols.Tls13, tls.SslProtocol);
        Assert.Equal(401, (await gateway.RawAsync("GET / HTTP/1.1\r\nHost: g\r\n\r\n")).Status);
        Assert.NotEqual(200, (await gateway.RawAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).Status);
        using var plain = await gateway.DialAsync(null, Ct);
        await plain.SendAsync("GET / HTTP/1.1\r\nHost: g\r\n\r\n"u8.ToArray(), Ct);
        Assert.Equal(0, await ReadAsync(plain));
    }

    [Fact]
    public async Task A_new_certificate_serves_the_next_connection_and_a_broken_one_or_one_for_another_name_changes_nothing()
    {
        await using var gateway = await PodGateway.StartAsync(postgres);
        async Task<string> SerialAsync()
        {
            await using var tls = await gateway.ConnectAsync();
            return tls.RemoteCertificate!.GetSerialNumberString();
        }

        var before = await SerialAsync();
        await using var open = await gateway.ConnectAsync();
        gateway.Rotate();
        await UntilAsync(async () => await SerialAsync() != before);
        var after = await SerialAsync();
        gateway.Spoil();
        await Task.Delay(TimeSpan.FromSeconds(2), Ct);
        Assert.Equal(after, await SerialAsync());
        gateway.Rotate("somebody-else");
        await Task.Delay(TimeSpan.FromSeconds(2), Ct);
        Assert.Equal(after, await SerialAsync());
        // Who was connected before stays.
        await open.WriteAsync("GET / HTTP/1.1\r\nHost: g\r\n\r\n"u8.ToArray(), Ct);
        Assert.NotEqual(0, await open.ReadAsync(new byte[1], Ct));
    }

    private static bool IsReview(KubernetesRequest r) => r.Path.EndsWith("/tokenreviews", StringComparison.Ordinal);

    private static bool IsListOrWatch(KubernetesRequest r) => r.Method == "GET" && r.Path.EndsWith("/pods", StringComparison.Ordinal);

    private static async Task<string> CodeAsync(PodGateway gateway, TestPod pod) =>
        (string?)(await gateway.SendAsync(pod.Token, "POST", Protocol.HelloPath, Hello, pod.Address)).Body?["code"] ?? "";

    private static async Task<int> ReadAsync(System.Net.Sockets.Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1].AsMemory(), Ct);
        }
        catch (System.Net.Sockets.SocketException)
        {
            return 0;
        }
    }

    private static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(Long);
        while (!await holds())
            await Task.Delay(50, limit.Token);
    }
}
