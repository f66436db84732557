using System.Text;
using IncidentFox.Gateway.Rules;
using IncidentFox.Gateway.Sending;
using Xunit;

namespace IncidentFox.Gateway.Tests.Sending;

public sealed class SignatureRefusalTests
{
    private static readonly RefusalSettings Signed = new() { Signature = true };

    [Theory]
    [InlineData("""{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}""")]
    [InlineData("""{"__type":"InvalidSignatureException"}""")]
    [InlineData("""{"message":"The security token included in the request is expired"}""")]
    [InlineData("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>AuthFailure</Code><Message>x</Message></Error></Errors></Response>")]
    [InlineData("<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")]
    public async Task A_refused_key_is_told_by_the_services_own_code(string body)
    {
        foreach (var status in new[] { 400, 403 })
            Assert.True((await CredentialRefusal.JudgeAsync(Answer(status, body), Signed, TestContext.Current.CancellationToken)).IsRefusal);
    }

    [Theory]
    [InlineData("""{"__type":"ResourceNotFoundException","message":"No log group ExpiredToken"}""")]
    [InlineData("""{"__type":"ValidationException","message":"The security token included in the request is invalid."}""")]
    [InlineData("""{"message":"User is not authorized: The security token included in the request is invalid."}""")]
    [InlineData("""{"__type":"AccessDeniedException","Message":"AuthFailure"}""")]
    [InlineData("<Response><Errors><Error><Code>InvalidInstanceID</Code><Message><Code>AuthFailure</Code></Message></Error></Errors></Response>")]
    [InlineData("ExpiredToken")]
    [InlineData("")]
    public async Task Any_other_answer_goes_on_as_it_came(string body)
    {
        foreach (var status in new[] { 200, 400, 403, 500 })
        {
            var (refused, result) = await CredentialRefusal.JudgeAsync(Answer(status, body), Signed, TestContext.Current.CancellationToken);
            Assert.False(refused);
            Assert.Equal(body, await TextAsync(result));
        }
    }

    [Fact]
    public async Task A_long_answer_goes_on_whole()
    {
        var body = new string('x', 100_000);
        var (_, result) = await CredentialRefusal.JudgeAsync(Answer(403, body), Signed, TestContext.Current.CancellationToken);
        Assert.Equal(body, await TextAsync(result));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_does_so_for_its_reader()
    {
        var broken = new UpstreamResult.Response(403, [], "application/json", new BreaksOff(), () => ValueTask.CompletedTask);
        var (refused, result) = await CredentialRefusal.JudgeAsync(broken, Signed, TestContext.Current.CancellationToken);
        Assert.False(refused);
        var body = ((UpstreamResult.Response)result).Body;
        var start = new byte[10];
        Assert.Equal(2, await body.ReadAsync(start, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<UpstreamBodyException>(() => body.ReadAsync(start, TestContext.Current.CancellationToken).AsTask());
    }

    private static UpstreamResult Answer(int status, string body) =>
        new UpstreamResult.Response(status, [], "application/json", new MemoryStream(Encoding.UTF8.GetBytes(body)), () => ValueTask.CompletedTask);

    private static async Task<string> TextAsync(UpstreamResult result)
    {
        var text = new MemoryStream();
        var buffer = new byte[1_000];
        int read;
        while ((read = await ((UpstreamResult.Response)result).Body.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0)
            text.Write(buffer, 0, read);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private sealed class BreaksOff : MemoryStream
    {
        private bool _began;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_began)
                throw new UpstreamBodyException("upstream_unreachable", "broken off");
            _began = true;
            buffer.Span[0] = (byte)'{';
            buffer.Span[1] = (byte)'"';
            return new(2);
        }
    }
}
