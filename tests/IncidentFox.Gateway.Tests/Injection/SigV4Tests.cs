using System.Text;
using IncidentFox.Gateway.Injection.Aws;
using Xunit;

namespace IncidentFox.Gateway.Tests.Injection;

/// <summary>
/// AWS's published vectors: aws-sig-v4-test-suite (https://docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html), the IAM example
/// (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html) and those of S3
/// (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
/// </summary>
public sealed class SigV4Tests
{
    private const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Session = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    private static readonly AwsKey Suite = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null);
    private static readonly AwsKey S3 = new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null);

    [Theory]
    [InlineData("get-vanilla", "GET", "/", "", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("get-vanilla-empty-query-key", "GET", "/", "Param1=value1", "", "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")]
    [InlineData("get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", "", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    [InlineData("get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1", "", "", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac")]
    [InlineData("get-vanilla-utf8-query", "GET", "/", "%E1%88%B4=bar", "", "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")]
    [InlineData("get-utf8", "GET", "/ሴ", "", "", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")]
    [InlineData("get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "", "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")]
    [InlineData("get-space-unnormalized", "GET", "/example space/", "", "", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741")]
    [InlineData("post-vanilla", "POST", "/", "", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("post-header-value-case", "POST", "/", "", "my-header1: VALUE1", "", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d")]
    [InlineData("get-header-value-trim", "GET", "/", "", "my-header1:  value1|my-header2: \"a   b   c\"", "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")]
    [InlineData("post-x-www-form-urlencoded", "POST", "/", "", "content-type: application/x-www-form-urlencoded", "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")]
    [InlineData("post-sts-header-before", "POST", "/", "", "x-amz-security-token: " + Session, "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")]
    public void The_suites_requests_have_the_suites_signatures(string name, string method, string path, string query, string headers, string body, string signature)
    {
        List<(string, string)> all = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")];
        all.AddRange(headers.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(h => h.Split(':', 2)).Select(h => (h[0], h[1].TrimStart())));
        var request = new SignedRequest(method, path, query, all, SigV4.Hash(Encoding.UTF8.GetBytes(body)));
        Assert.Equal((name, signature), (name, SigV4.Sign(request, Suite, "20150830T123600Z", "us-east-1", "service").Signature));
    }

    [Fact]
    public void The_documented_example_of_IAM_is_signed_as_documented()
    {
        var request = new SignedRequest("GET", "/", "Action=ListUsers&Version=2010-05-08",
            [("host", "iam.amazonaws.com"), ("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("x-amz-date", "20150830T123600Z")], EmptyHash);
        Assert.Equal("f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59", SigV4.Hash(Encoding.UTF8.GetBytes(SigV4.Canonical(request, "iam"))));
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            SigV4.Sign(request, Suite, "20150830T123600Z", "us-east-1", "iam").Header);
    }

    [Theory]
    [InlineData("GET", "/test.txt", "", "range: bytes=0-9", EmptyHash, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")]
    [InlineData("GET", "/", "lifecycle", "", EmptyHash, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")]
    [InlineData("GET", "/", "max-keys=2&prefix=J", "", EmptyHash, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    [InlineData("PUT", "/test%24file.text", "", "date: Fri, 24 May 2013 00:00:00 GMT|x-amz-storage-class: REDUCED_REDUNDANCY", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")]
    [InlineData("PUT", "/test$file.text", "", "date: Fri, 24 May 2013 00:00:00 GMT|x-amz-storage-class: REDUCED_REDUNDANCY", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")]
    public void The_documented_examples_of_S3_are_signed_as_documented(string method, string path, string query, string headers, string bodyHash, string signature)
    {
        List<(string, string)> all = [("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", bodyHash), ("x-amz-date", "20130524T000000Z")];
        all.AddRange(headers.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(h => h.Split(": ", 2)).Select(h => (h[0], h[1])));
        Assert.Equal(signature, SigV4.Sign(new SignedRequest(method, path, query, all, bodyHash), S3, "20130524T000000Z", "us-east-1", "s3").Signature);
    }

    [Fact]
    public void A_path_is_encoded_once_more_than_it_is_sent_but_for_S3()
    {
        var request = new SignedRequest("GET", "/log-groups/%2Faws%2Flambda/a:b", "k=%2F&k=%20&a", [("host", "h")], EmptyHash);
        Assert.StartsWith("GET\n/log-groups/%252Faws%252Flambda/a%3Ab\na=&k=%20&k=%2F\nhost:h\n", SigV4.Canonical(request, "logs"));
        Assert.StartsWith("GET\n/log-groups/%2Faws%2Flambda/a%3Ab\n", SigV4.Canonical(request, "s3"));
    }

    [Fact]
    public void A_key_cannot_be_printed()
    {
        Assert.DoesNotContain("wJalr", Suite.ToString());
        Assert.DoesNotContain("wJalr", $"{S3}");
    }
}
