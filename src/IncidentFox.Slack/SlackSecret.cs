using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace IncidentFox.Slack;

/// <summary>
/// A token or signing secret. It prints as <c>[redacted]</c>, refuses JSON in both directions, and shows its value
/// only through <see cref="Reveal"/>, which is easy to grep for.
/// </summary>
[JsonConverter(typeof(NeverAsJson))]
[TypeConverter(typeof(FromConfiguration))]
public readonly struct SlackSecret : IEquatable<SlackSecret>
{
    private readonly string? _value;

    public SlackSecret(string? value) => _value = value?.Trim();

    public bool IsSet => !string.IsNullOrEmpty(_value);

    public string Reveal() => IsSet ? _value! : throw new InvalidOperationException("This Slack secret is not set.");

    public override string ToString() => "[redacted]";

    public bool Equals(SlackSecret other) => string.Equals(_value, other._value, StringComparison.Ordinal);

    public override bool Equals(object? obj) => obj is SlackSecret other && Equals(other);

    // Constant: a hash of the value would be a (weak) way to learn about it.
    public override int GetHashCode() => 0;

    private sealed class NeverAsJson : JsonConverter<SlackSecret>
    {
        public override SlackSecret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("A Slack secret is never read from JSON.");

        public override void Write(Utf8JsonWriter writer, SlackSecret value, JsonSerializerOptions options) =>
            throw new NotSupportedException("A Slack secret is never written as JSON.");
    }

    private sealed class FromConfiguration : TypeConverter
    {
        public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

        public override bool CanConvertTo(ITypeDescriptorContext? context, Type? destinationType) => false;

        public override object ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
            new SlackSecret(value as string);
    }
}
