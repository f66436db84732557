using System.Net;
using System.Net.Sockets;
using System.Text;
using IncidentFox.Slack.BlockKit;

namespace IncidentFox.Slack.Tests.WebApi;

public sealed class SentOnceTests
{
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2345\"}";

    [Fact]
    public async Task A_post_is_not_sent_again_when_the_kept_alive_connection_is_closed_after_it_was_read()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var posts = 0;
        var serving = Task.Run(async () =>
        {
            // First connection: one answer, then it reads the next post and closes politely without a word.
            for (var connections = 0; ; connections++)
            {
                using var socket = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
                var stream = socket.GetStream();
                for (var answers = connections == 0 ? 1 : 0; ; answers--)
                {
                    await ReadRequestAsync(stream);
                    posts++;
                    if (answers == 0)
                    {
                        break;
                    }

                    await stream.WriteAsync(Encoding.ASCII.GetBytes(Answer), TestContext.Current.CancellationToken);
                }
            }
        });

        await using var slack = await ClientHarness.StartAsync(_ => ClientHarness.Options(new Uri($"http://{listener.LocalEndpoint}/api/")));
        var first = await slack.Client.PostMessageAsync("C1", new SlackMessage("x"), cancellationToken: TestContext.Current.CancellationToken);
        var second = await slack.Client.PostMessageAsync("C2", new SlackMessage("x"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(first.Ok, first.Error?.ToString());
        Assert.Equal(SlackDelivery.Unknown, second.Error!.Delivery);
        Assert.Equal(2, posts);
        Assert.False(serving.IsFaulted);
    }

    private static async Task ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[8192];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken);
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            var all = text.ToString();
            var end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end > 0 && all.Length >= end + 4 + int.Parse(all[(all.IndexOf("Content-Length: ", StringComparison.Ordinal) + 16)..].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture))
            {
                return;
            }
        }
    }
}
