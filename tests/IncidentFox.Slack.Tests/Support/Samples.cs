namespace IncidentFox.Slack.Tests.Support;

internal static class Samples
{
    public static string Command(string text = "investigate checkout", string trigger = "13345224609.738474920.8088930838d88f008e0") =>
        "token=unused&team_id=T0001&team_domain=example&enterprise_id=E0001&enterprise_name=Example&channel_id=C2147483705&channel_name=incidents"
        + $"&user_id=U2147483697&user_name=olga&command=%2Fincidentfox&text={Uri.EscapeDataString(text)}&api_app_id=A123456"
        + $"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F1234%2F5678&trigger_id={trigger}&is_enterprise_install=false";

    public static string Payload(string json) => "payload=" + Uri.EscapeDataString(json);

    public const string Click = """
        {"type":"block_actions","user":{"id":"UA8RXUSPL","username":"jtorrance","name":"jtorrance","team_id":"T9TK3CUKW"},
         "api_app_id":"AABA1ABCD","token":"x","container":{"type":"message","message_ts":"1548261231.000200","channel_id":"CBR2V3XEX","is_ephemeral":false},
         "trigger_id":"12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3","team":{"id":"T9TK3CUKA","domain":"example"},
         "enterprise":null,"is_enterprise_install":false,"channel":{"id":"CBR2V3XEX","name":"sre-approvals"},
         "message":{"bot_id":"BAH5CA16Z","type":"message","text":"Card","user":"UAJ2RU415","ts":"1548261231.000200","thread_ts":"1548261230.000100"},
         "response_url":"https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209",
         "actions":[{"action_id":"approve","block_id":"decision","text":{"type":"plain_text","text":"Approve"},"value":"apr_1","type":"button","action_ts":"1548426417.840180"}]}
        """;

    public const string Submission = """
        {"type":"view_submission","team":{"id":"T9TK3CUKA","domain":"example"},"user":{"id":"UA8RXUSPL","name":"jtorrance","team_id":"T9TK3CUKA"},
         "trigger_id":"12466734323.1395872398","view":{"id":"VNHU13V36","team_id":"T9TK3CUKA","type":"modal","title":{"type":"plain_text","text":"Deny"},
         "blocks":[],"private_metadata":"apr_1","callback_id":"deny_reason","hash":"156663117.cd33ad1f",
         "state":{"values":{"reason":{"text":{"type":"plain_text_input","value":"too risky"}},"when":{"pick":{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"Now"},"value":"now"}}},
         "empty":{"text":{"type":"plain_text_input","value":null}}}}},"response_urls":[]}
        """;

    public static string Mention(string eventId = "Ev08MFMKH6") => $$$"""
        {"token":"x","team_id":"T0001","api_app_id":"A0001","type":"event_callback","event_id":"{{{eventId}}}","event_time":1234567890,
         "is_ext_shared_channel":true,"authorizations":[],
         "event":{"type":"app_mention","user":"U061F7AUR","text":"<@U0LAN0Z89> why is it slow?","ts":"1515449522.000016","thread_ts":"1515449500.000001",
         "channel":"C0LAN2Q65","event_ts":"1515449522000016","user_team":"T0002"}}
        """;
}
