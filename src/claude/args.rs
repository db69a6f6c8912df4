//! The agent's command line and environment, from how a session was asked for.

use serde_json::{Value, json};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{LaunchConfig, RunId, SessionId};

/// The tool that existing clients name to turn approvals on; the control protocol serves it.
pub const CODELAYER_TOOL: &str = "mcp__codelayer__request_permission";

/// Environment variables by which Claude Code would take itself to run inside another one, or
/// would report to it. They are not handed on.
const NESTING: [&str; 8] = [
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_PARENT_SESSION_ID",
    "CLAUDE_CODE_AGENT_ID",
];

/// Secrets of ours that an agent must not have: with them it could decide for itself.
const OURS: [&str; 1] = ["HUMANLAYER_API_KEY"];

/// Variables of the caller that say how this product itself is set up.
const SETTINGS: [&str; 5] = [
    "HUMANLAYER_RUN_ID",
    "HUMANLAYER_SESSION_ID",
    "HUMANLAYER_DAEMON_SOCKET",
    "HUMANLAYER_DATABASE_PATH",
    "HUMANLAYER_FAILPOINT",
];

/// What an agent sends to its model's address to say who pays.
const KEYS: [&str; 2] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"];

/// Claude Code gives up a call of an MCP tool after half an hour without a sign of life, and a person's
/// answer would reach nobody. Zero means never; what the user set stays.
const NO_TOOL_LIMIT: (&str, &str) = ("CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT", "0");

/// Claude Code lets sessions on one machine message each other, without asking: an agent could tell one that
/// asks nobody what to run. Messages to an agent's own subagents stay. Whatever the user set: who writes to
/// a session is on record here. (2.1.330 and later; earlier versions have no such messages.)
const NO_PEER_MESSAGES: (&str, &str) = ("CLAUDE_CODE_HARBOR_KITE", "0");

/// How the agent's conversation begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A new one, under this name.
    New(String),
    /// Going on with one that it knows.
    Resume {
        /// Its name for it.
        claude_session_id: String,
        /// Under a new name, leaving the old one as it is.
        fork: bool,
    },
}

/// The option by which Claude Code tells what hooks answer. 2.0.37 does not know it and ends at once; 2.1.133 and
/// later do.
pub const HOOK_EVENTS: &str = "--include-hook-events";

/// What the installed agent knows that not all do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// [`HOOK_EVENTS`].
    pub hook_events: bool,
}

/// The arguments. `mcp_config` is the path of a file: what MCP servers get may be secret, and other
/// users can read a command line.
#[must_use]
pub fn arguments(
    config: &LaunchConfig,
    beginning: &Beginning,
    mcp_config: Option<&str>,
    known: Known,
) -> Vec<String> {
    let mut args: Vec<String> = [
        "-p",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
        // By what it repeats it is known which messages it has taken.
        "--replay-user-messages",
    ]
    .map(str::to_owned)
    .into();
    if known.hook_events {
        args.push(HOOK_EVENTS.to_owned());
    }
    let mut option = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            args.push(name.to_owned());
            args.push(value.to_owned());
        }
    };
    let max_turns = config.max_turns.map(|turns| turns.to_string());
    option("--max-turns", max_turns.as_deref());
    let model = config
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.model.as_deref())
        .or(config.model.as_deref());
    option("--model", model);
    option("--system-prompt", config.system_prompt.as_deref());
    let appended = [&config.append_system_prompt, &config.custom_instructions];
    let appended: Vec<&str> = appended
        .into_iter()
        .filter_map(|text| text.as_deref())
        .collect();
    option(
        "--append-system-prompt",
        (!appended.is_empty())
            .then(|| appended.join("\n\n"))
            .as_deref(),
    );
    if config.by_an_agent || config.without_project {
        option("--setting-sources", Some("user"));
    }
    option("--permission-mode", config.permission_mode.as_deref());
    option("--mcp-config", mcp_config);
    let prompt_tool = match (&config.permission_prompt_tool, config.approvals) {
        (Some(own), _) => Some(own.as_str()),
        (None, true) => Some("stdio"),
        // Without one, Claude Code denies by itself what it would ask.
        (None, false) => None,
    };
    option("--permission-prompt-tool", prompt_tool);
    match beginning {
        Beginning::New(name) => option("--session-id", Some(name)),
        Beginning::Resume {
            claude_session_id,
            fork,
        } => {
            option("--resume", Some(claude_session_id));
            if *fork {
                args.push("--fork-session".to_owned());
            }
        }
    }
    if config.by_an_agent {
        args.push("--strict-mcp-config".to_owned());
    }
    // Options that take several values are given once for each, so that none swallows the next.
    for (name, values) in [
        ("--allowed-tools", &config.allowed_tools),
        ("--disallowed-tools", &config.disallowed_tools),
        ("--add-dir", &config.additional_directories),
    ] {
        for value in values {
            args.push(name.to_owned());
            args.push(value.clone());
        }
    }
    args
}

/// How a model proxy is reached. Address and key belong together: a key is never sent elsewhere.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProxyAccess {
    /// Its base URL.
    pub base_url: Option<String>,
    /// The key for it.
    pub api_key: Option<String>,
}

impl fmt::Debug for ProxyAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAccess")
            .field("base_url", &self.base_url.as_ref().map(|_| "…"))
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .finish()
    }
}

/// The agent's whole environment: the caller's, less what would mislead it or give it power over
/// its own approvals, plus what ties its programs to the session.
#[must_use]
pub fn environment(
    caller: impl IntoIterator<Item = (String, String)>,
    proxy: Option<&ProxyAccess>,
    session_id: &SessionId,
    run_id: &RunId,
    socket: &str,
) -> Vec<(String, String)> {
    let dropped =
        |name: &str| NESTING.contains(&name) || OURS.contains(&name) || SETTINGS.contains(&name);
    let mut env: Vec<(String, String)> = caller
        .into_iter()
        .filter(|(name, _)| !dropped(name))
        .collect();
    if let Some(proxy) = proxy {
        if proxy.base_url.is_some() {
            // A key of the environment is for the usual address, and is sent to no other.
            env.retain(|(name, _)| !KEYS.contains(&name.as_str()));
        }
        let set = [
            ("ANTHROPIC_BASE_URL", &proxy.base_url),
            ("ANTHROPIC_API_KEY", &proxy.api_key),
        ];
        for (name, value) in set {
            if let Some(value) = value {
                env.retain(|(other, _)| other != name);
                env.push((name.to_owned(), value.clone()));
            }
        }
    }
    let (name, value) = NO_TOOL_LIMIT;
    if !env.iter().any(|(other, _)| other == name) {
        env.push((name.to_owned(), value.to_owned()));
    }
    let (name, value) = NO_PEER_MESSAGES;
    env.retain(|(other, _)| other != name);
    env.push((name.to_owned(), value.to_owned()));
    env.extend(ties(session_id, run_id, socket));
    env
}

fn ties(session_id: &SessionId, run_id: &RunId, socket: &str) -> [(String, String); 3] {
    [
        ("HUMANLAYER_SESSION_ID".to_owned(), session_id.to_string()),
        ("HUMANLAYER_RUN_ID".to_owned(), run_id.to_string()),
        ("HUMANLAYER_DAEMON_SOCKET".to_owned(), socket.to_owned()),
    ]
}

/// The caller's MCP configuration with the session's ties in each stdio server's environment, as
/// programs that create requests by run id expect. What the caller set there itself stays.
#[must_use]
pub fn mcp_config(config: &Value, session_id: &SessionId, run_id: &RunId, socket: &str) -> Value {
    let mut config = config.clone();
    let servers = config.get_mut("mcpServers").and_then(Value::as_object_mut);
    for server in servers.into_iter().flat_map(|servers| servers.values_mut()) {
        let Some(server) = server.as_object_mut() else {
            continue;
        };
        if !server.contains_key("command") {
            continue;
        }
        let env = server.entry("env").or_insert(Value::Null);
        if env.is_null() {
            *env = json!({});
        }
        if let Some(env) = env.as_object_mut() {
            for (name, value) in ties(session_id, run_id, socket) {
                env.entry(name).or_insert(json!(value));
            }
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(config: &LaunchConfig, beginning: &Beginning) -> String {
        arguments(config, beginning, None, Known::default()).join(" ")
    }

    #[test]
    fn approvals_choose_the_channel() {
        let new = Beginning::New("id".into());
        let on = LaunchConfig {
            approvals: true,
            ..LaunchConfig::default()
        };
        assert!(text(&on, &new).contains("--permission-prompt-tool stdio"));
        let off = LaunchConfig::default();
        assert!(!text(&off, &new).contains("--permission-prompt-tool"));
        let own = LaunchConfig {
            permission_prompt_tool: Some("mcp__x__ask".into()),
            ..on
        };
        assert!(text(&own, &new).contains("--permission-prompt-tool mcp__x__ask"));
    }

    #[test]
    fn hooks_are_told_by_an_agent_that_knows_how() {
        let told = |hook_events| {
            let (config, new) = (LaunchConfig::default(), Beginning::New("id".into()));
            arguments(&config, &new, None, Known { hook_events })
        };
        assert!(told(true).iter().any(|one| one == HOOK_EVENTS));
        assert!(!told(false).iter().any(|one| one == HOOK_EVENTS));
    }

    #[test]
    fn resuming_names_the_conversation() {
        let resume = |fork| Beginning::Resume {
            claude_session_id: "abc".into(),
            fork,
        };
        let config = LaunchConfig::default();
        assert!(text(&config, &resume(false)).ends_with("--resume abc"));
        assert!(text(&config, &resume(true)).ends_with("--resume abc --fork-session"));
    }

    #[test]
    fn the_agent_gets_no_power_over_its_approvals() {
        let caller = [
            ("PATH", "/bin"),
            ("CLAUDECODE", "1"),
            ("HUMANLAYER_API_KEY", "secret"),
            ("HUMANLAYER_RUN_ID", "outer"),
            (NO_PEER_MESSAGES.0, "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (session, run) = (SessionId::from("s"), RunId::from("r"));
        let env = environment(caller, None, &session, &run, "/sock");
        let get = |name: &str| {
            env.iter()
                .filter(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(get("PATH"), ["/bin"]);
        assert_eq!(get("HUMANLAYER_RUN_ID"), ["r"]);
        assert_eq!(get(NO_PEER_MESSAGES.0), ["0"]);
        assert!(get("CLAUDECODE").is_empty() && get("HUMANLAYER_API_KEY").is_empty());
    }

    #[test]
    fn a_key_is_sent_to_no_proxy_that_it_was_not_given_for() {
        let caller = || {
            [
                ("ANTHROPIC_API_KEY", "usual"),
                ("ANTHROPIC_AUTH_TOKEN", "token"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let (session, run) = (SessionId::from("s"), RunId::from("r"));
        for (url, key, expected) in [
            (Some("http://proxy"), Some("its"), vec!["its"]),
            (Some("http://proxy"), None, vec![]),
            (None, None, vec!["usual", "token"]),
        ] {
            let proxy = ProxyAccess {
                base_url: url.map(str::to_owned),
                api_key: key.map(str::to_owned),
            };
            let env = environment(caller(), Some(&proxy), &session, &run, "/sock");
            let keys = env.iter().filter(|(name, _)| KEYS.contains(&name.as_str()));
            let keys: Vec<&str> = keys.map(|(_, value)| value.as_str()).collect();
            assert_eq!(keys, expected, "{url:?} {key:?}");
        }
    }

    #[test]
    fn a_tool_may_wait_for_a_person_as_long_as_it_takes_unless_the_user_set_a_limit() {
        let name = NO_TOOL_LIMIT.0;
        let (session, run) = (SessionId::from("s"), RunId::from("r"));
        for (set, expected) in [(None, "0"), (Some("60000"), "60000"), (Some(""), "")] {
            let caller = set.map(|value| (name.to_owned(), value.to_owned()));
            let env = environment(caller, None, &session, &run, "/sock");
            let found: Vec<_> = env.iter().filter(|(other, _)| other == name).collect();
            assert_eq!(found, [&(name.to_owned(), expected.to_owned())]);
        }
    }

    #[test]
    fn stdio_servers_are_tied_to_the_session() {
        let config = json!({"mcpServers": {
            "a": {"command": "x", "env": {"K": "v"}},
            "b": {"type": "http", "url": "http://x", "headers": {"K": "v"}},
            "c": {"type": "stdio", "command": "x", "env": null},
            "d": {"command": "x", "env": {"HUMANLAYER_RUN_ID": "mine"}},
        }});
        let tied = mcp_config(&config, &SessionId::from("s"), &RunId::from("r"), "/sock");
        let ties = json!({"HUMANLAYER_SESSION_ID": "s", "HUMANLAYER_RUN_ID": "r", "HUMANLAYER_DAEMON_SOCKET": "/sock"});
        let servers = &tied["mcpServers"];
        assert_eq!(servers["c"]["env"], ties);
        assert_eq!(servers["a"]["env"]["K"], "v");
        assert_eq!(servers["a"]["env"]["HUMANLAYER_SESSION_ID"], "s");
        assert_eq!(servers["b"], config["mcpServers"]["b"]);
        assert_eq!(servers["d"]["env"]["HUMANLAYER_RUN_ID"], "mine");
        assert_eq!(servers["d"]["env"]["HUMANLAYER_DAEMON_SOCKET"], "/sock");
    }
}
