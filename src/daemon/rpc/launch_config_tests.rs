//! What a caller asks for, and what its session had: configurations and secrets that follow, without a process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::domain::RunId;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn asked(params: serde_json::Value) -> Result<Asked, RpcError> {
    let mut params = serde_json::from_value(params).unwrap();
    Asked::read(&mut params, true, true, now())
}

/// The message of an error.
fn said(result: Result<impl std::fmt::Debug, RpcError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn who_asks_for_nothing_is_asked_and_gets_what_the_daemon_has() {
    let Asked {
        config,
        secrets,
        settings,
    } = asked(json!({"query": "do it"})).unwrap();
    let expected = LaunchConfig {
        approvals: true,
        isolated: true,
        ..LaunchConfig::default()
    };
    assert_eq!(config, expected);
    assert_eq!(settings, Settings::default());
    assert_eq!(secrets.env, Some(own_env()));
    assert_eq!((secrets.mcp_config, secrets.proxy), (None, None));
}

#[test]
fn everything_that_is_asked_for_is_in_the_configuration() {
    let servers = json!({"mcpServers": {"db": {"command": "db", "env": {"KEY": "secret"}}}});
    let Asked {
        config,
        secrets,
        settings,
    } = asked(json!({
        "query": "do it", "model": "opus", "max_turns": 3, "system_prompt": "system",
        "append_system_prompt": "appended", "custom_instructions": "custom", "allowed_tools": ["Read"],
        "disallowed_tools": ["Bash"], "additional_directories": ["/lib"], "mcp_config": servers,
        "permission_prompt_tool": "mcp__mine__ask", "permission_mode": "plan", "isolation": false,
        "auto_accept_edits": true, "env": {"A": "b"}
    }))
    .unwrap();
    let expected = LaunchConfig {
        model: Some("opus".into()),
        max_turns: Some(3),
        system_prompt: Some("system".into()),
        append_system_prompt: Some("appended".into()),
        custom_instructions: Some("custom".into()),
        allowed_tools: vec!["Read".into()],
        disallowed_tools: vec!["Bash".into()],
        additional_directories: vec!["/lib".into()],
        mcp_config: Some(outline(&servers)),
        // Another tool asks by itself.
        approvals: false,
        permission_prompt_tool: Some("mcp__mine__ask".into()),
        permission_mode: Some("plan".into()),
        isolated: false,
        ..LaunchConfig::default()
    };
    assert_eq!(config, expected);
    assert!(!config.mcp_config.unwrap().to_string().contains("secret"));
    assert_eq!(secrets.mcp_config, Some(servers));
    assert_eq!(
        secrets.env,
        Some(BTreeMap::from([("A".to_owned(), "b".to_owned())]))
    );
    assert!(settings.auto_accept_edits && !settings.skip_permissions);
}

#[test]
fn empty_words_and_numbers_that_mean_nothing_are_not_asked_for() {
    let Asked {
        config, secrets, ..
    } = asked(json!({
        "query": "do it", "model": "", "max_turns": 0, "system_prompt": "", "permission_mode": "",
        "permission_prompt_tool": "", "mcp_config": ""
    }))
    .unwrap();
    let expected = LaunchConfig {
        approvals: true,
        isolated: true,
        ..LaunchConfig::default()
    };
    assert_eq!(config, expected);
    assert_eq!(secrets.mcp_config, None);
}

#[test]
fn the_older_daemons_tool_means_that_the_inbox_is_asked() {
    let its_own =
        asked(json!({"query": "do it", "permission_prompt_tool": CODELAYER_TOOL})).unwrap();
    assert!(its_own.config.approvals);
    assert_eq!(its_own.config.permission_prompt_tool, None);
    assert!(is_codelayer(Some(CODELAYER_TOOL)) && !is_codelayer(None) && !is_codelayer(Some("x")));
    let said_otherwise = asked(json!({"query": "do it", "approvals": false})).unwrap();
    assert!(!said_otherwise.config.approvals);
}

#[test]
fn an_agents_environment_is_not_taken() {
    let mut params =
        serde_json::from_value(json!({"query": "do it", "env": {"PATH": "/tmp/mine"}})).unwrap();
    let asked = Asked::read(&mut params, false, true, now()).unwrap();
    assert_eq!(asked.secrets.env, Some(own_env()));
}

#[test]
fn permissions_are_skipped_for_as_long_as_was_said() {
    let skipping = |timeout: serde_json::Value| {
        asked(
            json!({"query": "do it", "dangerously_skip_permissions": true,
            "dangerously_skip_permissions_timeout": timeout}),
        )
    };
    let settings = skipping(json!(60_000)).unwrap().settings;
    assert!(settings.skip_permissions);
    assert_eq!(
        settings.skip_permissions_until,
        Some("2026-03-01T12:01:00Z".parse().unwrap())
    );
    for without_end in [json!(null), json!(0)] {
        let settings = skipping(without_end).unwrap().settings;
        assert!(settings.skip_permissions);
        assert_eq!(settings.skip_permissions_until, None);
    }
    let field = "dangerously_skip_permissions_timeout";
    assert_eq!(
        said(skipping(json!(-1))),
        format!("{field}: must not be negative")
    );
    assert_eq!(
        said(skipping(json!(i64::MAX))),
        format!("{field}: is too far in the future")
    );
    // A time without the permission means nothing.
    let settings = asked(json!({"query": "do it", "dangerously_skip_permissions_timeout": -1}))
        .unwrap()
        .settings;
    assert_eq!(settings, Settings::default());
}

#[rstest]
#[case(json!({"mcp_config": []}), "mcp_config: must be an object with an object `mcpServers`")]
#[case(json!({"mcp_config": {"mcpServers": 1}}), "mcp_config: must be an object with an object `mcpServers`")]
#[case(json!({"mcp_config": "{"}), "mcp_config: EOF while parsing an object at line 1 column 1")]
#[case(json!({"system_prompt": "x".repeat(MAX_ARGUMENT + 1)}), "system_prompt: has 102401 bytes, the limit is 102400")]
#[case(json!({"append_system_prompt": "x".repeat(MAX_ARGUMENT + 1)}), "append_system_prompt: has 102401 bytes, the limit is 102400")]
#[case(json!({"custom_instructions": "x".repeat(MAX_ARGUMENT + 1)}), "custom_instructions: has 102401 bytes, the limit is 102400")]
fn what_is_wrong_is_said_of_its_field(#[case] params: serde_json::Value, #[case] problem: &str) {
    assert_eq!(said(asked(params)), problem);
}

#[test]
fn a_text_of_the_longest_length_is_taken() {
    let longest = "x".repeat(MAX_ARGUMENT);
    let config = asked(json!({"system_prompt": longest})).unwrap().config;
    assert_eq!(config.system_prompt, Some(longest));
}

#[test]
fn mcp_servers_come_as_an_object_or_as_its_text() {
    let servers = json!({"mcpServers": {"db": {"command": "db"}}});
    assert_eq!(
        mcp_config(Some(servers.clone())).unwrap(),
        Some(servers.clone())
    );
    assert_eq!(
        mcp_config(Some(json!(servers.to_string()))).unwrap(),
        Some(servers)
    );
    for nothing in [
        json!(null),
        json!(""),
        json!({"mcpServers": {}}),
        json!({"mcpServers": null}),
    ] {
        assert_eq!(mcp_config(Some(nothing)).unwrap(), None);
    }
    assert_eq!(mcp_config(None).unwrap(), None);
}

#[test]
fn a_message_has_words_and_an_end() {
    assert!(check_message("query", "x").is_ok());
    assert!(check_message("query", &"x".repeat(MAX_MESSAGE)).is_ok());
    assert_eq!(said(check_message("query", " \n")), "query is required");
    assert_eq!(
        said(check_message("query", &"x".repeat(MAX_MESSAGE + 1))),
        format!(
            "query has {} bytes, the limit is {MAX_MESSAGE}",
            MAX_MESSAGE + 1
        )
    );
}

#[test]
fn an_id_is_a_uuid_in_its_usual_form() {
    let id = "3F2504E0-4F89-41D3-9A0C-0305E82C3301";
    let read = new_id("session_id", Some(id.to_owned())).unwrap();
    assert_eq!(read.as_str(), id.to_lowercase());
    let [one, other] = [None, Some(String::new())].map(|none| new_id("session_id", none).unwrap());
    assert_ne!(one, other);
    assert!(uuid::Uuid::parse_str(one.as_str()).is_ok());
    let problem = said(new_id("session_id", Some("../x".to_owned())));
    assert!(
        problem.starts_with("session_id: must be a UUID:"),
        "{problem}"
    );
}

fn plain() -> Session {
    Session::accepted(SessionId::random(), RunId::random(), now())
}

/// A session that was launched with everything.
fn parent() -> Session {
    let config = LaunchConfig {
        model: Some("opus".into()),
        max_turns: Some(7),
        system_prompt: Some("system".into()),
        append_system_prompt: Some("appended".into()),
        custom_instructions: Some("custom".into()),
        allowed_tools: vec!["Read".into()],
        disallowed_tools: vec!["Bash".into()],
        additional_directories: vec!["/lib".into()],
        directories_led_to: vec!["/real/lib".into()],
        mcp_config: Some(json!({"mcpServers": {"db": {"command": "db"}}})),
        approvals: true,
        permission_mode: Some("plan".into()),
        proxy: Some(Proxy {
            model: Some("gpt".into()),
        }),
        by_an_agent: true,
        isolated: true,
        without_project: true,
        ..LaunchConfig::default()
    };
    Session { config, ..plain() }
}

fn stored() -> LaunchSecrets {
    LaunchSecrets {
        env: Some(BTreeMap::from([("A".to_owned(), "b".to_owned())])),
        mcp_config: Some(json!({"mcpServers": {"db": {"command": "db", "env": {"KEY": "old"}}}})),
        proxy: Some(ProxyAccess {
            base_url: Some("https://old".into()),
            api_key: Some("old".into()),
        }),
    }
}

fn params(params: serde_json::Value) -> ContinueSessionParams {
    serde_json::from_value(params).unwrap()
}

fn secrets_of(given: serde_json::Value) -> LaunchSecrets {
    inherit_secrets(&parent(), Ok(stored()), &params(given)).unwrap()
}

#[test]
fn the_next_process_is_launched_as_the_session_was() {
    let secrets = secrets_of(json!({}));
    let config = inherit(&parent(), &params(json!({})), &secrets, Vec::new()).unwrap();
    let expected = LaunchConfig {
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        // How long it may work and what the project may bring is said anew each time.
        max_turns: None,
        without_project: false,
        ..parent().config
    };
    assert_eq!(config, expected);
    assert_eq!(secrets, stored());
}

#[test]
fn what_is_said_anew_takes_the_place_of_what_was_said_before() {
    let given = params(json!({
        "max_turns": 2, "system_prompt": "s", "append_system_prompt": "a", "custom_instructions": "c",
        "allowed_tools": ["Grep"], "disallowed_tools": ["Write"], "additional_directories": ["/more"],
        "permission_prompt_tool": "mcp__mine__ask", "proxy_model_override": "other"
    }));
    let secrets = inherit_secrets(&parent(), Ok(stored()), &given).unwrap();
    let led_to = vec!["/real/more".to_owned(), "/real/lib".to_owned()];
    let config = inherit(&parent(), &given, &secrets, led_to).unwrap();
    let expected = LaunchConfig {
        max_turns: Some(2),
        system_prompt: Some("s".into()),
        append_system_prompt: Some("a".into()),
        custom_instructions: Some("c".into()),
        allowed_tools: vec!["Grep".into()],
        disallowed_tools: vec!["Write".into()],
        additional_directories: vec!["/more".into()],
        directories_led_to: vec!["/real/lib".into(), "/real/more".into()],
        mcp_config: secrets.mcp_config.as_ref().map(outline),
        approvals: false,
        permission_prompt_tool: Some("mcp__mine__ask".into()),
        proxy: Some(Proxy {
            model: Some("other".into()),
        }),
        without_project: false,
        ..parent().config
    };
    assert_eq!(config, expected);
    let own = params(
        json!({"permission_prompt_tool": CODELAYER_TOOL, "allowed_tools": [], "max_turns": 0}),
    );
    let config = inherit(&parent(), &own, &secrets, Vec::new()).unwrap();
    assert!(config.approvals);
    assert_eq!(config.allowed_tools, ["Read"]);
    assert_eq!(
        (config.permission_prompt_tool, config.max_turns),
        (None, None)
    );
    let long = params(json!({"custom_instructions": "x".repeat(MAX_ARGUMENT + 1)}));
    let problem = said(inherit(&parent(), &long, &secrets, Vec::new()));
    assert!(problem.starts_with("custom_instructions: has"), "{problem}");
}

#[test]
fn a_key_goes_to_the_address_that_it_was_given_for() {
    let proxy = |given: serde_json::Value| secrets_of(given).proxy.unwrap();
    let access = |url: &str, key: Option<&str>| ProxyAccess {
        base_url: Some(url.to_owned()),
        api_key: key.map(str::to_owned),
    };
    assert_eq!(
        proxy(json!({"proxy_base_url": "https://new"})),
        access("https://new", None)
    );
    assert_eq!(
        proxy(json!({"proxy_base_url": "https://new", "proxy_api_key": "new"})),
        access("https://new", Some("new"))
    );
    assert_eq!(
        proxy(json!({"proxy_base_url": "https://old"})),
        access("https://old", Some("old"))
    );
    assert_eq!(
        proxy(json!({"proxy_api_key": "new"})),
        access("https://old", Some("new"))
    );
    // A session without one gets one when the caller asks for it.
    let mut plain = parent();
    plain.config.proxy = None;
    let without = |given| {
        inherit_secrets(&plain, Ok(LaunchSecrets::default()), &params(given))
            .unwrap()
            .proxy
    };
    assert_eq!(without(json!({})), None);
    assert_eq!(
        without(json!({"proxy_enabled": true, "proxy_base_url": "https://new"})),
        Some(access("https://new", None))
    );
}

#[test]
fn secrets_that_cannot_be_read_are_wanted_only_where_they_are_needed() {
    let unreadable = || Err(SecretsError::NotStored);
    let problem = said(inherit_secrets(&parent(), unreadable(), &params(json!({}))));
    assert!(
        problem.contains("cannot read what session") && problem.contains("was launched with"),
        "{problem}"
    );
    let anew = json!({"mcp_config": {"mcpServers": {"x": {"command": "x"}}}});
    assert!(inherit_secrets(&parent(), unreadable(), &params(anew.clone())).is_err());
    let mut both = anew;
    both["proxy_base_url"] = json!("https://new");
    let secrets = inherit_secrets(&parent(), unreadable(), &params(both)).unwrap();
    assert_eq!(secrets.env, None);
    let plain = self::plain();
    assert!(inherit_secrets(&plain, unreadable(), &params(json!({}))).is_ok());
}

#[test]
fn a_standing_permission_goes_on_until_its_end() {
    let until = |end: Option<&str>| {
        let settings = Settings {
            auto_accept_edits: true,
            skip_permissions: true,
            skip_permissions_until: end.map(|end| end.parse().unwrap()),
        };
        let parent = Session {
            settings,
            ..plain()
        };
        inherited_settings(&parent, now())
    };
    assert!(until(None).skip_permissions);
    assert!(until(Some("2026-03-01T12:00:01Z")).skip_permissions);
    for over in ["2026-03-01T12:00:00Z", "2026-03-01T11:00:00Z"] {
        let settings = until(Some(over));
        assert!(!settings.skip_permissions && settings.auto_accept_edits);
        assert_eq!(settings.skip_permissions_until, None);
    }
}
