//! Which value wins, and what is said about wrong ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::*;

struct World {
    directory: tempfile::TempDir,
    flags: Flags,
    environment: BTreeMap<&'static str, &'static str>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["home/.config/humanlayer", "work", "xdg/humanlayer"] {
            fs::create_dir_all(directory.path().join(name)).unwrap();
        }
        Self {
            directory,
            flags: Flags::default(),
            environment: BTreeMap::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.insert(name, value);
        self
    }

    fn resolve(&self) -> Result<Config, ConfigError> {
        Config::resolve(&Inputs {
            flags: &self.flags,
            environment: &|name| match name {
                "XDG_CONFIG_HOME" if self.environment.contains_key(name) => {
                    Some(self.path("xdg").into())
                }
                _ => self.environment.get(name).map(OsString::from),
            },
            directory: &self.path("work"),
            home: &self.path("home"),
        })
    }
}

/// A person must be able to go round what is wrong in a file.
#[test]
fn where_a_flag_decides_nothing_else_is_read() {
    let mut world = World::new().file(
        "home/.config/humanlayer/humanlayer.json",
        r#"{"daemon_socket": 5}"#,
    );
    assert!(world.resolve().is_err());
    world.flags.daemon_socket = Some("/x/g.sock".into());
    let config = world.resolve().unwrap();
    assert_eq!(config.daemon_socket.value, Path::new("/x/g.sock"));
}

#[test]
fn nothing_set_means_the_defaults() {
    let world = World::new();
    let config = world.resolve().unwrap();
    assert_eq!(config.file, None);
    assert_eq!(
        config.daemon_socket.value,
        world.path("home/.humanlayer/daemon.sock")
    );
    assert_eq!(
        config.database_path.value,
        world.path("home/.humanlayer/daemon.db")
    );
    assert_eq!(config.http_port.value, Port::Number(7777));
    assert!(!config.http_allow_remote.value);
    assert_eq!(config.session_idle(), Duration::from_secs(600));
    assert!(
        config
            .entries()
            .iter()
            .all(|entry| entry.source == "default")
    );
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let name = "home/.config/humanlayer/humanlayer.json";
    let mut world = World::new().file(name, r#"{"daemon_socket": "f.sock"}"#);
    let file = world.path(name);
    let config = world.resolve().unwrap();
    assert_eq!(
        config.daemon_socket.value,
        file.parent().unwrap().join("f.sock")
    );
    assert_eq!(config.daemon_socket.origin, Origin::File(file));

    world = world.variable("HUMANLAYER_DAEMON_SOCKET", "~/e.sock");
    let config = world.resolve().unwrap();
    assert_eq!(config.daemon_socket.value, world.path("home/e.sock"));
    assert_eq!(
        config.daemon_socket.origin,
        Origin::Environment("HUMANLAYER_DAEMON_SOCKET")
    );

    world.flags.daemon_socket = Some("/x/g.sock".into());
    let config = world.resolve().unwrap();
    assert_eq!(config.daemon_socket.value, Path::new("/x/g.sock"));
    assert_eq!(config.daemon_socket.origin, Origin::Flag("--daemon-socket"));
}

#[test]
fn the_users_file_is_found_and_a_projects_file_goes_before_it() {
    let theme = |name: &str| format!(r#"{{"dashboard": {{"theme": "{name}"}}}}"#);
    let of = |world: &World| world.resolve().unwrap().dashboard.theme.value.unwrap();
    let mut world = World::new().file("home/.config/humanlayer/humanlayer.json", &theme("one"));
    assert_eq!(of(&world), "one");
    world = world
        .file("xdg/humanlayer/humanlayer.json", &theme("two"))
        .variable("XDG_CONFIG_HOME", "xdg");
    assert_eq!(of(&world), "two");
    world = world.file("work/humanlayer.json", &theme("three"));
    assert_eq!(of(&world), "three");
    world = world.file("home/mine.json", &theme("four"));
    world.flags.config_file = Some("~/mine.json".into());
    assert_eq!(of(&world), "four");
    world.flags.config_file = Some("none.json".into());
    assert!(matches!(
        world.resolve(),
        Err(ConfigError::Unreadable { .. })
    ));
}

#[test]
fn a_projects_file_takes_nothing_away_from_the_users() {
    let world = World::new()
        .file(
            "home/.config/humanlayer/humanlayer.json",
            r#"{"http_port": 1, "dashboard": {"confirm_dangerous": false, "theme": "light"}}"#,
        )
        .file("work/humanlayer.json", r#"{"dashboard": {"mouse": false}}"#);
    let config = world.resolve().unwrap();
    assert_eq!(config.http_port.value, Port::Number(1));
    assert!(!config.dashboard.confirm_dangerous.value);
    assert_eq!(config.dashboard.theme.value.as_deref(), Some("light"));
    assert!(!config.dashboard.mouse.value);
    let own = world.path("home/.config/humanlayer/humanlayer.json");
    assert_eq!(config.file, Some(own));
    assert_eq!(
        config.project_file,
        Some(world.path("work/humanlayer.json"))
    );
}

#[test]
fn keys_of_other_humanlayer_programs_and_empty_values_are_no_trouble() {
    let world = World::new()
        .file(
            "home/.config/humanlayer/humanlayer.json",
            r#"{"www_base_url": "https://x", "thoughts": {"user": "a"}, "channel": {}, "env": {}, "$schema": "x",
                "version_override": "dev", "claude_path": null, "api_key": "", "run_id": "r", "socket_path": "/old.sock"}"#,
        )
        .variable("HUMANLAYER_CLAUDE_PATH", "");
    let config = world.resolve().unwrap();
    assert_eq!(config.claude_path.value, None);
    assert_eq!(config.api_key.value, None);
    assert_eq!(config.run_id.value.as_deref(), Some("r"));
    assert_eq!(config.daemon_socket.value, Path::new("/old.sock"));
    assert_eq!(config.warnings, []);
}

#[test]
fn unknown_keys_at_every_level_are_warnings_that_name_what_was_meant() {
    let world = World::new().file(
        "home/.config/humanlayer/humanlayer.json",
        r#"{"log_levle": "warn", "zzz": 1, "dashboard": {"confirm_dangrous": true, "colour": 1}}"#,
    );
    let warnings: Vec<String> = world
        .resolve()
        .unwrap()
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    for (warning, parts) in warnings.iter().zip([
        ["unknown key `log_levle` in ", "did you mean `log_level`?"],
        ["unknown key `zzz` in ", "`humanlayer config list` lists"],
        [
            "unknown key `dashboard.confirm_dangrous` in ",
            "did you mean `dashboard.confirm_dangerous`?",
        ],
        ["unknown key `dashboard.colour` in ", "config list"],
    ]) {
        assert!(parts.iter().all(|part| warning.contains(part)), "{warning}");
        assert!(warning.contains("humanlayer.json"), "{warning}");
    }
}

#[test]
fn every_setting_is_declared_once_and_documented() {
    let all = describe();
    assert_eq!(all.len(), specs().count());
    let config = World::new().resolve().unwrap();
    let shown: Vec<&str> = config.entries().iter().map(|entry| entry.key).collect();
    let declared: Vec<&str> = all.iter().map(|about| about.spec.key).collect();
    assert_eq!(shown, declared);
    for (index, about) in all.iter().enumerate() {
        let key = about.spec.key;
        assert!(!declared[..index].contains(&key), "{key} is declared twice");
        assert!(about.spec.doc.ends_with('.'), "{key}: {}", about.spec.doc);
        assert!(!about.allowed.is_empty(), "{key}");
        assert!(about.schema.is_object(), "{key}");
    }
}

#[test]
fn a_port_is_a_number_none_or_any_that_is_free() {
    for (written, port, shown) in [
        ("0", Port::Off, json!(0)),
        (r#""0""#, Port::Off, json!(0)),
        ("8080", Port::Number(8080), json!(8080)),
        (r#""any""#, Port::Any, json!("any")),
    ] {
        let file = format!(r#"{{"http_port": {written}}}"#);
        let world = World::new().file("home/.config/humanlayer/humanlayer.json", &file);
        let config = world.resolve().unwrap();
        assert_eq!(config.http_port.value, port, "{written}");
        let entries = config.entries();
        let entry = entries.iter().find(|entry| entry.key == "http_port");
        assert_eq!(entry.unwrap().value, shown, "{written}");
    }
    assert_eq!(Port::Any.number(), Some(0));
    assert_eq!(Port::Off.number(), None);
}

#[test]
fn wrong_values_are_named_with_their_place_and_remedy() {
    let cases = [
        ("{", "not valid JSON"),
        ("[]", "must hold one JSON object"),
        (r#"{"daemon_socket": 3}"#, "must be a string, not a number"),
        (
            r#"{"http_port": true}"#,
            "must be a number, not true or false",
        ),
        (
            r#"{"http_port": 70000}"#,
            "must be a port from 0 (off) to 65535",
        ),
        (r#"{"log_level": "loud"}"#, "must be one of error, warn"),
        (r#"{"session_idle_minutes": 0}"#, "above 0, at most 525600"),
        (r#"{"api_base_url": "ftp://x"}"#, "must be a URL"),
        (r#"{"dashboard": []}"#, "`dashboard` must be an object"),
        (r#"{"dashboard": {"bell": "no"}}"#, "`dashboard.bell` (file"),
        (
            r#"{"dashboard": {"theme": 1}}"#,
            "must be a string, not a number",
        ),
        (
            r#"{"dashboard": {"quiet_hours": ["22:00"]}}"#,
            "must be two times of the day",
        ),
        (
            r#"{"dashboard": {"quiet_hours": ["22:00", "24:00"]}}"#,
            "must be two times of the day",
        ),
        (
            r#"{"dashboard": {"keys": {"approve": 1}}}"#,
            "is wrong for `approve`, which must be a list of keys",
        ),
        (
            r#"{"dashboard": {"deny_reasons": [""]}}"#,
            "must be a list of reasons",
        ),
        (r#"{"http_allow_remote": "yes"}"#, "must be true or false"),
        (
            r#"{"http_allow_remote": 1}"#,
            "must be true or false, not a number",
        ),
        (r#"{"api_poll_seconds": 0}"#, "from 0.05 to 3600"),
    ];
    for (text, expected) in cases {
        let world = World::new().file("home/.config/humanlayer/humanlayer.json", text);
        let said = world.resolve().unwrap_err().to_string();
        assert!(said.contains(expected), "{text}: {said}");
        assert!(said.contains("humanlayer.json"), "{text}: {said}");
    }
    let world = World::new().variable("HUMANLAYER_LOG_LEVEL", "loud");
    let said = world.resolve().unwrap_err().to_string();
    assert!(said.contains("HUMANLAYER_LOG_LEVEL"), "{said}");
    assert!(said.ends_with("change HUMANLAYER_LOG_LEVEL"), "{said}");
}

#[test]
fn secrets_are_never_shown() {
    let world = World::new().variable("HUMANLAYER_API_KEY", "hl-a-secret-of-some-length-wxyz");
    let config = world.resolve().unwrap();
    assert_eq!(
        config.api_key.value.as_ref().unwrap().expose(),
        "hl-a-secret-of-some-length-wxyz"
    );
    let shown = format!("{config:?}") + &serde_json::to_string(&config.entries()).unwrap();
    assert!(!shown.contains("secret-of"), "{shown}");
    assert!(shown.contains("********wxyz"));
    assert_eq!(Secret::new("short").masked(), "********");
}

#[test]
fn the_dashboards_settings_are_read() {
    let world = World::new().file(
        "home/.config/humanlayer/humanlayer.json",
        r#"{"dashboard": {"theme": "light", "keys": {"approve": ["y", "ctrl-y"], "deny": "d"},
            "bell": false, "notify": true, "quiet_hours": ["22:00", "7:30"],
            "confirm_dangerous": false, "decision_guard_ms": 250, "mouse": null, "deny_reasons": ["No."]}}"#,
    );
    let wanted = world.resolve().unwrap().dashboard;
    assert_eq!(wanted.theme.value.as_deref(), Some("light"));
    assert_eq!(wanted.keys.value["approve"], ["y", "ctrl-y"]);
    assert_eq!(wanted.keys.value["deny"], ["d"]);
    assert!(wanted.bell.value == CallFor::NONE && wanted.notify.value == CallFor::ALL);
    assert!(!wanted.confirm_dangerous.value);
    assert_eq!(wanted.decision_guard_ms.value, 250);
    assert_eq!(
        wanted.quiet_hours.value,
        Some((
            jiff::civil::time(22, 0, 0, 0),
            jiff::civil::time(7, 30, 0, 0)
        ))
    );
    assert!(wanted.mouse.value);
    assert_eq!(wanted.mouse.origin, Origin::Default);
    assert_eq!(wanted.deny_reasons.value, Some(vec!["No.".to_owned()]));
    let shown = serde_json::to_string(&world.resolve().unwrap().entries()).unwrap();
    assert!(shown.contains(r#""value":["22:00","07:30"]"#), "{shown}");
}

/// What a stranger's repository may bring along: how things look.
#[test]
fn a_project_sets_how_the_dashboard_looks_and_nothing_else() {
    let allowed = [
        ("dashboard.theme", r#""light""#),
        ("dashboard.mouse", "false"),
    ];
    let refused = [
        ("dashboard.bell", "false"),
        ("dashboard.notify", "true"),
        ("dashboard.quiet_hours", r#"["22:00", "07:00"]"#),
        // They are sent to agents in the person's name.
        ("dashboard.deny_reasons", r#"["No."]"#),
        ("daemon_socket", r#""here.sock""#),
        ("socket_path", r#""here.sock""#),
        ("database_path", r#""here.db""#),
        ("claude_path", r#""evil""#),
        ("log_level", r#""trace""#),
        ("isolation", "true"),
        ("agent_launches", "3"),
        ("session_idle_minutes", "0.1"),
        ("api_key", r#""theirs""#),
        ("api_base_url", r#""https://evil.example""#),
        ("api_poll_seconds", "1"),
        ("app_base_url", r#""https://evil.example""#),
        ("http_host", r#""0.0.0.0""#),
        ("http_port", "1"),
        ("http_allow_remote", "true"),
        ("run_id", r#""r""#),
        ("dashboard.keys", r#"{"approve": "x"}"#),
        ("dashboard.confirm_dangerous", "false"),
        ("dashboard.decision_guard_ms", "100"),
    ];
    let written = |key: &str, value: &str| match key.split_once('.') {
        Some((object, key)) => format!(r#"{{"{object}": {{"{key}": {value}}}}}"#),
        None => format!(r#"{{"{key}": {value}}}"#),
    };
    let is_default = |config: &Config| config.entries().iter().all(|entry| entry.is_default);
    for (key, value) in refused {
        let text = written(key, value);
        let config = World::new().file("work/humanlayer.json", &text).resolve();
        let config = config.unwrap();
        assert!(is_default(&config), "{key}");
        let said = config.warnings[0].to_string();
        assert!(
            said.contains("is ignored: a project's file may not"),
            "{said}"
        );
        let own = World::new().file("home/.config/humanlayer/humanlayer.json", &text);
        let own = own.resolve().unwrap();
        assert!(!is_default(&own) && own.warnings.is_empty(), "{key}");
        let mut asked_for = World::new().file("work/humanlayer.json", &text);
        asked_for.flags.config_file = Some(asked_for.path("work/humanlayer.json"));
        assert!(!is_default(&asked_for.resolve().unwrap()), "{key}");
    }
    for (key, value) in allowed {
        let text = written(key, value);
        let world = World::new().file("work/humanlayer.json", &text);
        let config = world.resolve().unwrap();
        assert!(!is_default(&config) && config.warnings.is_empty(), "{key}");
    }
    // A new setting must be put into one of the lists.
    let mut listed: Vec<&str> = allowed
        .iter()
        .chain(&refused)
        .map(|(key, _)| *key)
        .collect();
    listed.retain(|key| *key != "socket_path");
    listed.sort_unstable();
    let mut all: Vec<&str> = specs().map(|spec| spec.key).collect();
    all.sort_unstable();
    assert_eq!(listed, all);
}
