using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Xunit;

namespace IncidentFox.Secrets.Tests;

public sealed class SecretValueTests
{
    private const string Text = "s3cr3t-canary";
    private static readonly SecretValue Value = new(Text, "v1", DateTimeOffset.UnixEpoch);

    [Fact]
    public void It_prints_as_redacted_however_it_is_printed()
    {
        Assert.Equal("[redacted]", Value.ToString());
        Assert.Equal("[redacted]", $"{Value}");
        Assert.Equal("[redacted]", string.Format(CultureInfo.InvariantCulture, "{0:G}", Value));
        Assert.DoesNotContain(Text, SecretResult.Found(Value).ToString(), StringComparison.Ordinal);
        Assert.Equal("[redacted]", typeof(SecretValue).GetCustomAttribute<DebuggerDisplayAttribute>()!.Value);
    }

    [Fact]
    public void It_refuses_to_be_written_to_or_read_from_json()
    {
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(Value));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(new { Credential = Value }));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Serialize(SecretResult.Found(Value)));
        Assert.Throws<NotSupportedException>(() => JsonSerializer.Deserialize<SecretValue>("\"x\""));
    }

    [Fact]
    public void No_public_member_but_RevealForUse_gives_the_text_away()
    {
        var properties = typeof(SecretValue).GetProperties().Select(p => p.GetValue(Value)?.ToString());
        var methods = typeof(SecretValue).GetMethods(BindingFlags.Public | BindingFlags.Instance)
            .Where(m => m.GetParameters().Length == 0 && m.ReturnType != typeof(void))
            .Where(m => m.Invoke(Value, null)?.ToString()?.Contains(Text, StringComparison.Ordinal) == true)
            .Select(m => m.Name);

        Assert.DoesNotContain(properties, p => p?.Contains(Text, StringComparison.Ordinal) == true);
        Assert.Equal([nameof(SecretValue.RevealForUse)], methods);
        Assert.Empty(typeof(SecretValue).GetFields(BindingFlags.Public | BindingFlags.Instance));
        Assert.Equal(Text, Value.RevealForUse());
    }

    [Fact]
    public void Equality_is_about_the_text_only()
    {
        var same = new SecretValue(Text, "v2", DateTimeOffset.UnixEpoch.AddDays(1));
        var other = new SecretValue(Text + "x", "v1", DateTimeOffset.UnixEpoch);

        Assert.True(Value == same);
        Assert.Equal(Value.GetHashCode(), same.GetHashCode());
        Assert.True(Value != other);
        Assert.False(Value.Equals(null));
    }

    [Fact]
    public void A_refused_construction_does_not_name_the_text()
    {
        var exception = Assert.Throws<ArgumentException>(() => new SecretValue(Text, "", DateTimeOffset.UnixEpoch));
        Assert.DoesNotContain(Text, exception.ToString(), StringComparison.Ordinal);
    }
}
