using System.Text.Json.Nodes;

namespace IncidentFox.Workbench.Tests.SlackWorkspace;

/// <summary>Blocks for tests: a card with a decision, and one message with every kind of block.</summary>
internal static class Cards
{
    public static JsonArray Approval => Parse("""
        [{ "type": "section", "text": { "type": "mrkdwn", "text": "*Restart* `checkout`?" } },
         { "type": "actions", "block_id": "decision", "elements": [
            { "type": "button", "action_id": "approve", "style": "primary", "value": "a-1", "text": { "type": "plain_text", "text": "Approve" },
              "confirm": { "title": { "type": "plain_text", "text": "Restart the pod?" }, "text": { "type": "mrkdwn", "text": "Runs *exactly* what is shown, once." },
                           "confirm": { "type": "plain_text", "text": "Approve" }, "deny": { "type": "plain_text", "text": "Cancel" } } },
            { "type": "button", "action_id": "deny", "style": "danger", "value": "a-1", "text": { "type": "plain_text", "text": "Deny…" } }] }]
        """);

    public static JsonObject Modal => JsonNode.Parse("""
        { "type": "modal", "callback_id": "deny", "title": { "type": "plain_text", "text": "Deny the restart" }, "submit": { "type": "plain_text", "text": "Deny" },
          "close": { "type": "plain_text", "text": "Cancel" }, "blocks": [
            { "type": "section", "text": { "type": "mrkdwn", "text": "Nothing will run. The requester sees your reason." } },
            { "type": "input", "block_id": "reason", "label": { "type": "plain_text", "text": "Reason" }, "hint": { "type": "plain_text", "text": "At least ten characters." },
              "element": { "type": "plain_text_input", "action_id": "text", "multiline": true, "min_length": 10, "max_length": 500, "placeholder": { "type": "plain_text", "text": "Why not?" } } },
            { "type": "input", "block_id": "kind", "label": { "type": "plain_text", "text": "Kind" },
              "element": { "type": "static_select", "action_id": "pick", "options": [
                { "text": { "type": "plain_text", "text": "Too risky" }, "value": "risk" }, { "text": { "type": "plain_text", "text": "Wrong target" }, "value": "target" }] } },
            { "type": "input", "block_id": "also", "optional": true, "label": { "type": "plain_text", "text": "Also" },
              "element": { "type": "checkboxes", "action_id": "flags", "options": [
                { "text": { "type": "mrkdwn", "text": "*Stop* the investigation" }, "value": "stop" }, { "text": { "type": "mrkdwn", "text": "Tell the on-call" }, "value": "tell" }] } }] }
        """)!.AsObject();

    /// <summary>Every kind of block that a message may have, in the shape of a report.</summary>
    public static JsonArray Everything => Parse("""
        [{ "type": "header", "text": { "type": "plain_text", "text": "checkout is returning 5xx" } },
         { "type": "section", "text": { "type": "mrkdwn", "text": "*What happened* 31% of requests to `checkout` fail since <!date^1777887000^{time}|09:30>. _Likely cause:_ the pod was ~restarted~ *OOM-killed* four times.\n> exit code 137, limit 64Mi\n```container: checkout\nlast state: OOMKilled```\nSee <https://prometheus.example/graph|the graph>, <#C0INCIDENT|incidents> or ask <@U0ADA00001> &amp; <!subteam^S0ADMINS01>." },
           "accessory": { "type": "button", "action_id": "open", "text": { "type": "plain_text", "text": "Details" } } },
         { "type": "section", "fields": [
            { "type": "mrkdwn", "text": "*Workload*\ndeploy/checkout" }, { "type": "mrkdwn", "text": "*Confidence*\nhigh" },
            { "type": "mrkdwn", "text": "*Since*\n09:30 UTC" }, { "type": "plain_text", "text": "plain *text* stays plain" }] },
         { "type": "plan", "title": "Looked at", "tasks": [
            { "task_id": "t1", "title": "Pods in shop", "status": "complete" }, { "task_id": "t2", "title": "Error rate", "status": "in_progress" },
            { "task_id": "t3", "title": "Deploys", "status": "pending" }, { "task_id": "t4", "title": "Traces", "status": "error" }] },
         { "type": "divider" },
         { "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [{ "type": "text", "text": "Evidence ", "style": { "bold": true } }, { "type": "emoji", "name": "mag" },
               { "type": "text", "text": " asked by " }, { "type": "user", "user_id": "U0OMAR0001" }, { "type": "text", "text": " in " }, { "type": "channel", "channel_id": "C0INCIDENT" }] },
            { "type": "rich_text_list", "style": "ordered", "elements": [
               { "type": "rich_text_section", "elements": [{ "type": "text", "text": "memory limit " }, { "type": "text", "text": "64Mi", "style": { "code": true } }] },
               { "type": "rich_text_section", "elements": [{ "type": "link", "url": "https://prometheus.example/alerts", "text": "CheckoutErrors is firing" }] }] },
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "rate(http_requests_total{code=~\"5..\"}[5m]) = 4.2" }] },
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "the agent's own words, quoted" }] }] },
         { "type": "table", "column_settings": [{ "is_wrapped": true }, { "align": "right" }], "rows": [
            [{ "type": "raw_text", "text": "Pod" }, { "type": "raw_text", "text": "Restarts" }],
            [{ "type": "raw_text", "text": "checkout-7d9f-x2x" }, { "type": "raw_text", "text": "4" }],
            [{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": "cart-55c-9k2", "style": { "code": true } }] }] }, { "type": "raw_text", "text": "0" }]] },
         { "type": "markdown", "text": "## Next\n\n1. **Raise** the limit to `256Mi`\n2. Watch *error rate*\n\n- [runbook](https://runbooks.example/oom)\n- ~~scale down~~\n\n```\nkubectl set resources deploy/checkout --limits=memory=256Mi\n```\n\n| Option | Risk |\n|---|---|\n| restart | low |\n| scale | low |\n\n> Quoted." },
         { "type": "context", "elements": [{ "type": "mrkdwn", "text": "Investigation `inv-42` · 18 tool calls · by <@U0OMAR0001>" }, { "type": "plain_text", "text": "no model used" }] },
         { "type": "input", "block_id": "note", "dispatch_action": true, "label": { "type": "plain_text", "text": "Note" }, "element": { "type": "plain_text_input", "action_id": "note" } },
         { "type": "actions", "elements": [
            { "type": "button", "action_id": "stop", "text": { "type": "plain_text", "text": "Stop" } },
            { "type": "static_select", "action_id": "window", "placeholder": { "type": "plain_text", "text": "Window" }, "options": [
               { "text": { "type": "plain_text", "text": "last hour" }, "value": "1h" }, { "text": { "type": "plain_text", "text": "last day" }, "value": "1d" }] },
            { "type": "overflow", "action_id": "more", "options": [{ "text": { "type": "plain_text", "text": "Copy link" }, "value": "copy" }] }] }]
        """);

    private static JsonArray Parse(string json) => JsonNode.Parse(json)!.AsArray();
}
