using System.Globalization;
using System.Text;
using IncidentFox.Core.Tools;

namespace IncidentFox.Gateway.Rules.Documenting;

/// <summary>Writes docs/integrations.md from the table of schemes and the shipped files, so that it can't say anything else than they do.</summary>
public static class IntegrationDocs
{
    private const string Head = """
        # Integrations

        What the gateway may talk to is data: one YAML file per integration, checked as a whole when it is loaded and again whenever it changes. This page is generated
        from the table of schemes and the shipped files (`UPDATE_GOLDEN=1` with the tests of `IncidentFox.Gateway.Tests`); the format is in [integration-format.md](integration-format.md).

        ## Adding one

        A service that is not shipped needs a file like this in a folder of `Gateway:IntegrationsPaths`; the gateway notices it by itself:

        ```yaml
        integration: runbooks
        base_url: https://runbooks.acme.example
        auth: {scheme: bearer, read: "keyvault://prod/runbooks-token"}
        tools:
          search_runbooks:
            {description: Finds runbooks., effect: read, request: GET /api/search, query: {q: "{words}"}, data: runbooks, rows: /hits,
             parameters: {words: {type: string, description: Words to look for}}}
        ```

        One that is shipped needs less; every section below begins with such a file. Then:

        - `incidentfox integrations lint` checks all files and names every mistake with file and line.
        - `incidentfox integrations explain GET https://runbooks.acme.example/api/search?q=checkout` says which rule a request means, what would be sent and what policy says (the one in force in the database, where there is one); or what
          came nearest and the YAML that would allow it.
        - `incidentfox integrations test runbooks` asks the declared `probe`, one harmless read, with the real credential.
        - `incidentfox integrations list` shows what is set up, `list --shipped` what could be.
        - `incidentfox integrations schema > schema.json` writes the JSON Schema (also `integrations/schema.json`); with `# yaml-language-server: $schema=schema.json` in its first line an
          editor completes and checks a file.

        A changed file is in force within seconds. A set with a mistake in any file changes nothing: the old one stays, the log names every mistake, and the audit trail has a
        `configuration_changed` row either way. A call in flight keeps the set it began with; an approval whose rule changed is refused when it would run.

        ## Credentials

        `auth.read` and `auth.write` are references to secrets (`keyvault://{vault}/{name}`, `vault://{mount}/{path}#{field}`, `k8s://{namespace}/{name}#{key}`, `file:///path`, `env://NAME` for development);
        a secret itself is refused. Without `auth.write` the tools that change something are not offered. Several secrets go by their slots: `read: {api_key: "…", application_key: "…"}`.


        """;

    // Values that fit the scheme's patterns, for the files that begin each section.
    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        ["username"] = "incidentfox", ["token_url"] = "https://login.acme.example/oauth2/token", ["client_id"] = "incidentfox", ["app_id"] = "\"12345\"",
        ["installation_id"] = "\"67890\"", ["region"] = "eu-west-1", ["service"] = "monitoring", ["tenant_id"] = "acme.example", ["scope"] = "read",
    };

    /// <summary>The page.</summary>
    public static string Markdown()
    {
        var page = new StringBuilder(Head);
        page.Append("| scheme | what is sent | secrets | options | source |\n|---|---|---|---|---|\n");
        foreach (var scheme in AuthSchemes.All)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"| `{scheme.Name}` | {Cell(scheme.Description)} | {Secrets(scheme)} | {string.Join(", ", scheme.Options.Select(o => $"`{o.Name}`{(o is { Required: true, Default: null } ? "" : "?")}"))} | [specification]({scheme.Source}) |\n");
        }
        page.Append("\n`?`: may be left out. `header` and `query` name their own secrets, as `{slot}` in their texts.\n\n## Shipped\n\n| integration | auth | reads | changes | what it is |\n|---|---|---|---|---|\n");
        foreach (var i in ShippedIntegration.All)
        {
            var reads = i.Rules.Count(r => r.Effect == ToolEffect.Read);
            page.Append(CultureInfo.InvariantCulture, $"| [{i.Name}](#{i.Name.Replace(".", "", StringComparison.Ordinal)}) | `{i.Scheme}` | {reads} | {i.Rules.Count - reads} | {Cell(i.Description)} |\n");
        }
        foreach (var i in ShippedIntegration.All)
            Section(page, i);
        return page.ToString();
    }

    /// <summary>The least that an installation writes to extend it.</summary>
    public static string Sample(ShippedIntegration i)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"integration: {i.Name}\nextends: {i.Name}\n");
        if (i.Address is null)
            text.Append(CultureInfo.InvariantCulture, $"base_url: https://{i.Name}.acme.example\n");
        var settings = i.Settings.Where(s => s.Default is null).ToList();
        if (settings.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"settings: {{{string.Join(", ", settings.Select(s => $"{s.Name}: \"{s.Example}\""))}}}\n");
        if (i.Slots.Count > 0)
        {
            var writes = i.Rules.Any(r => r.Effect != ToolEffect.Read);
            text.Append("auth:\n").AppendJoin("", i.MissingOptions.Select(o => $"  {o.Name}: {Examples.GetValueOrDefault(o.Name, "value")}\n"));
            text.Append(CultureInfo.InvariantCulture, $"  read: {Reference(i, "read")}\n");
            if (writes)
                text.Append(CultureInfo.InvariantCulture, $"  write: {Reference(i, "write")}   # only if its changes are wanted\n");
        }
        return text.ToString();
    }

    private static string Reference(ShippedIntegration i, string purpose)
    {
        string One(string slot) => $"\"keyvault://prod/{i.Name.Replace('_', '-')}-{purpose}{slot}\"";
        return i.Slots is [_] ? One("") : $"{{{string.Join(", ", i.Slots.Select(s => $"{s}: {One("-" + s.Replace('_', '-'))}"))}}}";
    }

    private static void Section(StringBuilder page, ShippedIntegration i)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n### {i.Name}\n\n{i.Description}. Auth: `{i.Scheme}`.{(i.Address is null ? "" : $" Address: `{i.Address}`.")}\n\n```yaml\n{Sample(i)}```\n\n");
        if (i.Credential is not null)
            page.Append(CultureInfo.InvariantCulture, $"Credential: {i.Credential}\n\n");
        foreach (var setting in i.Settings)
            page.Append(CultureInfo.InvariantCulture, $"- setting `{setting.Name}`: {setting.Description}{(setting.Default is null ? $" (e.g. `{setting.Example}`)" : $" (default `{setting.Default}`)")}\n");
        if (i.Settings.Count > 0)
            page.Append('\n');
        page.Append("| tool | effect | request | what it does |\n|---|---|---|---|\n");
        foreach (var rule in i.Rules)
            page.Append(CultureInfo.InvariantCulture, $"| `{rule.Tool}` | {rule.Effect.ToString().ToLowerInvariant()} | `{Cell(RuleText.Request(rule))}` | {Cell(rule.Description)} |\n");
        if (i.Sources.Count > 0)
            page.Append(CultureInfo.InvariantCulture, $"\nSource: {string.Join(", ", i.Sources.Select(s => $"<{s}>"))}\n");
    }

    private static string Secrets(AuthSchemeInfo scheme) =>
        scheme.HasFields ? "those named" : string.Join(", ", scheme.Slots.Select(s => $"`{s.Name}`{(s.Need == AuthNeed.Required ? "" : "?")}"));

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');
}
