using System.Collections.Frozen;
using System.Text.RegularExpressions;
using IncidentFox.Secrets;

namespace IncidentFox.Gateway.Rules.Files;

/// <summary>
/// Makes settings of what an installation's file and the shipped one below it say, by the table of schemes. What the shipped one says of options,
/// headers and query parameters holds as long as the scheme is the same; references are the installation's alone.
/// </summary>
internal sealed class AuthReader(string file, AuthFile own, AuthFile? below, List<string> errors)
{
    private readonly Dictionary<string, string> _options = [];
    private readonly Dictionary<string, SlotReference> _shared = [];   // used by reads and writes alike

    /// <summary>The settings; what is wrong is added to the errors.</summary>
    /// <param name="file">The installation's file.</param>
    /// <param name="own">What it says.</param>
    /// <param name="below">What the file says that it extends.</param>
    /// <param name="errors">With file and line; none of them repeats a value, which may be a pasted secret.</param>
    public static AuthSettings? Read(string file, AuthFile own, AuthFile? below, List<string> errors) =>
        new AuthReader(file, own, below, errors).Read();

    private AuthSettings? Read()
    {
        var before = errors.Count;
        if ((own.Scheme ?? below?.Scheme) is not { } scheme)
        {
            Error(own.Line, "'auth.scheme' is missing");
            return null;
        }
        var inherited = below?.Scheme == scheme ? below : null;
        ReadOptions(scheme, inherited);
        var fields = scheme.HasFields ? ReadFields(scheme, inherited) : [];
        RefuseStrayFields(scheme);
        var slots = scheme.HasFields ? [.. Slots(fields).Select(s => new AuthSlot(s, ""))] : scheme.Slots;
        var (read, write) = (References("read", own.Read, slots), References("write", own.Write, slots));
        if (scheme.Scheme == AuthScheme.None && (own.Read ?? own.Write) is not null)
            Error(own.Line, "'auth' names a secret but its scheme is none");
        if (scheme.Scheme != AuthScheme.None && own.Read is null)
            Error(own.Line, "'auth.read' is missing: a reference to the secret for reads, such as file:///etc/incidentfox/secrets/NAME");
        return errors.Count > before ? null : new AuthSettings
        {
            Scheme = scheme.Scheme, Read = read, Write = write, Options = _options.ToFrozenDictionary(), Fields = fields,
        };
    }

    private void ReadOptions(AuthSchemeInfo scheme, AuthFile? inherited)
    {
        var stated = (inherited?.Options ?? []).Where(o => own.Options.All(mine => mine.Name != o.Name)).Concat(own.Options).ToList();
        foreach (var option in own.Options.Where(o => scheme.Options.All(k => k.Name != o.Name)))
            Error(option.Line, $"auth.{option.Name}: is not an option of {scheme.Name}{Known("its options are", scheme.Options.Select(o => o.Name))}");
        foreach (var known in scheme.Options)
        {
            var found = stated.Where(o => o.Name == known.Name).Select(o => (AuthText?)o).FirstOrDefault();
            if (found is { } option)
                ReadOption(known, option with { Line = own.Options.Contains(option) ? option.Line : own.Line });
            else if (known.Default is not null)
                _options[known.Name] = known.Default;
            else if (known.Required)
                Error(own.Line, $"'auth.{known.Name}' is missing: {known.Description}");
        }
    }

    private void ReadOption(AuthOption known, AuthText option)
    {
        if (SecretReference.TryParse(option.Value, out var reference, out _))
        {
            if (known.MayBeReference)
                _shared[known.Name] = new(known.Name, reference.ToString());
            else
                Error(option.Line, $"auth.{known.Name}: is no secret, so it takes no reference: write the value itself");
            return;
        }
        var value = option.Value;
        if (!Regex.IsMatch(value, $"^(?:{known.Pattern})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) || (known.IsUrl && !IsUrl(value)))
            Error(option.Line, $"auth.{known.Name}: must match {known.Pattern}{(known.IsUrl ? " and be an absolute address without user, query or fragment" : "")} ({known.Description})");
        else
            _options[known.Name] = value;
    }

    private List<CredentialField> ReadFields(AuthSchemeInfo scheme, AuthFile? inherited)
    {
        var isHeader = scheme.Scheme == AuthScheme.Header;
        var several = isHeader ? own.Headers ?? (OwnHeader ? null : inherited?.Headers) : own.Query ?? inherited?.Query;
        if (isHeader && several is not null && own.Headers is null && own.Options.Any(o => o.Name == "prefix"))
            Error(own.Line, "auth.prefix: goes with header, not with headers");
        if (isHeader && own.Headers is not null && own.Options.Any(o => o.Name is "header" or "prefix"))
            Error(own.Line, "auth.headers: takes the place of header and prefix: state one or the other");
        if (isHeader && several is null)
        {
            if (!_options.Remove("header", out var header))
                Error(own.Line, "'auth.header' is missing: the name of the header, or 'headers' with several");
            _options.Remove("prefix", out var prefix);
            several = header is null ? [] : [new(header, $"{prefix}{{value}}", own.Line)];
        }
        else
        {
            _options.Remove("header");
            _options.Remove("prefix");
        }
        if (!isHeader && several is null)
            Error(own.Line, "'auth.query' is missing: the query parameters, each with a text that has {slot} where a secret belongs");
        var fields = new List<CredentialField>();
        foreach (var (name, text, line) in several ?? [])
        {
            if (CredentialText.Parse(text) is not { } parts || !(isHeader ? CredentialText.IsHeader(name) : CredentialText.IsQueryKey(name)))
                Error(own.Headers is null && own.Query is null ? own.Line : line, $"auth.{(isHeader ? "headers" : "query")}: each is a name and a text such as \"{{api_key}}\" or \"Token {{api_key}}\"; names that frame or route a request are refused");
            else
                fields.Add(new(name, parts));
        }
        if (fields.GroupBy(f => f.Name, StringComparer.OrdinalIgnoreCase).Any(g => g.Count() > 1))
            Error(own.Line, "auth.headers: names one twice");
        return fields;
    }

    private bool OwnHeader => own.Options.Any(o => o.Name == "header");

    private void RefuseStrayFields(AuthSchemeInfo scheme)
    {
        if (scheme.Scheme != AuthScheme.Header && own.Headers is not null)
            Error(own.Line, "auth.headers: goes with the scheme header");
        if (scheme.Scheme != AuthScheme.Query && own.Query is not null)
            Error(own.Line, "auth.query: goes with the scheme query");
    }

    private static IEnumerable<string> Slots(List<CredentialField> fields) => fields.SelectMany(f => f.Parts).Select(p => p.Slot).OfType<string>().Distinct();

    private List<SlotReference>? References(string key, IReadOnlyList<AuthText>? stated, IReadOnlyList<AuthSlot> slots)
    {
        if (stated is null || slots.Count == 0)
            return null;
        var needed = slots.Where(s => s.Need == AuthNeed.Required).Concat(slots.Where(s => s.Need == AuthNeed.OneOf).Take(1)).ToList();
        var given = new Dictionary<string, SlotReference>();
        foreach (var text in stated)
        {
            if (text.Name == AuthFile.OnlySlot && needed.Count == 1)
                given[needed[0].Name] = new(needed[0].Name, text.Value);
            else if (slots.Any(s => s.Name == text.Name))
                given[text.Name] = new(text.Name, text.Value);
            else
                Error(text.Line, $"auth.{key}: names the secrets by slot: {string.Join(", ", slots.Select(Shown))}");
        }
        if (stated.Count == 0 || stated.Any(t => t.Name == AuthFile.OnlySlot && needed.Count != 1))
            return null;   // said already
        foreach (var slot in slots.Where(s => s.Need == AuthNeed.Required && !given.ContainsKey(s.Name)))
            Error(stated[0].Line, $"auth.{key}: '{slot.Name}' is missing");
        if (slots.Any(s => s.Need == AuthNeed.OneOf) && slots.Count(s => s.Need == AuthNeed.OneOf && given.ContainsKey(s.Name)) != 1)
            Error(stated[0].Line, $"auth.{key}: needs exactly one of {string.Join(", ", slots.Where(s => s.Need == AuthNeed.OneOf).Select(s => s.Name))}");
        return [.. given.Values.Concat(_shared.Values).OrderBy(r => r.Slot, StringComparer.Ordinal)];
    }

    private static string Shown(AuthSlot slot) => slot.Need == AuthNeed.Optional ? $"{slot.Name} (optional)" : slot.Name;

    private static string Known(string what, IEnumerable<string> names) => string.Join(", ", names) is { Length: > 0 } list ? $"; {what} {list}" : "; it has none";

    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.UserInfo.Length == 0 && uri.Query.Length == 0
        && uri.Fragment.Length == 0 && uri.Host.Length > 0 && text.IndexOfAny(['?', '#', '\\', '@', '%', '{', '}']) < 0;

    private void Error(long line, string message) => errors.Add($"{file}:{line}: {message}");
}
