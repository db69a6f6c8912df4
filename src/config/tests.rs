//! Which value wins, and what is said about wrong ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

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
    assert_eq!(config.http_port.value, 7777);
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
    let mut world = World::new().file("work/humanlayer.json", r#"{"daemon_socket": "f.sock"}"#);
    let file = world.path("work/humanlayer.json");
    let config = world.resolve().unwrap();
    assert_eq!(config.daemon_socket.value, world.path("work/f.sock"));
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
fn the_nearest_file_is_read() {
    let mut world = World::new().file(
        "home/.config/humanlayer/humanlayer.json",
        r#"{"http_port": 1}"#,
    );
    assert_eq!(world.resolve().unwrap().http_port.value, 1);
    world = world
        .file("xdg/humanlayer/humanlayer.json", r#"{"http_port": 2}"#)
        .variable("XDG_CONFIG_HOME", "xdg");
    assert_eq!(world.resolve().unwrap().http_port.value, 2);
    world = world.file("work/humanlayer.json", r#"{"http_port": "3"}"#);
    assert_eq!(world.resolve().unwrap().http_port.value, 3);
    world = world.file("home/mine.json", r#"{"http_port": 4}"#);
    world.flags.config_file = Some("~/mine.json".into());
    assert_eq!(world.resolve().unwrap().http_port.value, 4);
    world.flags.config_file = Some("none.json".into());
    assert!(matches!(
        world.resolve(),
        Err(ConfigError::Unreadable { .. })
    ));
}

#[test]
fn keys_of_older_clients_and_empty_values_are_no_trouble() {
    let world = World::new()
        .file(
            "work/humanlayer.json",
            r#"{"www_base_url": "https://x", "thoughts": {"user": "a"}, "channel": {}, "claude_path": null, "api_key": "", "run_id": "r", "later": [1]}"#,
        )
        .variable("HUMANLAYER_CLAUDE_PATH", "");
    let config = world.resolve().unwrap();
    assert_eq!(config.claude_path.value, None);
    assert_eq!(config.api_key.value, None);
    assert_eq!(config.run_id.value.as_deref(), Some("r"));
}

#[test]
fn wrong_values_are_named_with_their_place_and_remedy() {
    let cases = [
        ("{", "not valid JSON"),
        ("[]", "must hold one JSON object"),
        (
            r#"{"daemon_socket": 3}"#,
            "`daemon_socket` must be a string, not a number",
        ),
        (
            r#"{"http_port": true}"#,
            "`http_port` must be a number, not true or false",
        ),
        (
            r#"{"http_port": 70000}"#,
            "must be a port from 0 (off) to 65535",
        ),
        (r#"{"log_level": "loud"}"#, "must be one of error, warn"),
        (r#"{"session_idle_minutes": 0}"#, "above 0, at most 525600"),
        (r#"{"api_base_url": "ftp://x"}"#, "must be a URL"),
        (r#"{"dashboard": []}"#, "`dashboard` must be an object"),
        (
            r#"{"dashboard": {"confirm_dangrous": true}}"#,
            "`dashboard.confirm_dangrous` means nothing; did you mean `dashboard.confirm_dangerous`?",
        ),
        (r#"{"dashboard": {"colour": 1}}"#, "there are theme, keys"),
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
            "`http_allow_remote` must be true or false, not a number",
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
fn a_project_does_not_choose_the_agents_program() {
    for (key, value) in [
        ("claude_path", "https://evil.example"),
        ("api_base_url", "https://evil.example"),
        ("http_allow_remote", "true"),
    ] {
        let text = format!(r#"{{"{key}": "{value}"}}"#);
        let refused = World::new().file("work/humanlayer.json", &text).resolve();
        assert!(
            matches!(&refused, Err(ConfigError::NotForAProject { key: found, .. }) if *found == key),
            "{key}"
        );
        let own = World::new().file("home/.config/humanlayer/humanlayer.json", &text);
        assert!(own.resolve().is_ok(), "{key}");
        let mut asked_for = World::new().file("work/humanlayer.json", &text);
        asked_for.flags.config_file = Some(asked_for.path("work/humanlayer.json"));
        assert!(asked_for.resolve().is_ok(), "{key}");
    }
}

#[test]
fn the_dashboards_wishes_are_read() {
    let world = World::new().file(
        "home/.config/humanlayer/humanlayer.json",
        r#"{"dashboard": {"theme": "light", "keys": {"approve": ["y", "ctrl-y"], "deny": "d"},
            "bell": false, "notify": true, "quiet_hours": ["22:00", "7:30"],
            "confirm_dangerous": true, "mouse": null, "deny_reasons": ["No."]}}"#,
    );
    let wanted = world.resolve().unwrap().dashboard;
    assert_eq!(wanted.theme.value.as_deref(), Some("light"));
    assert_eq!(wanted.keys.value["approve"], ["y", "ctrl-y"]);
    assert_eq!(wanted.keys.value["deny"], ["d"]);
    assert!(!wanted.bell.value && wanted.notify.value && wanted.confirm_dangerous.value);
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

#[test]
fn a_project_chooses_no_keys_that_decide() {
    for (key, value) in [
        ("keys", r#"{"approve": "x"}"#),
        ("confirm_dangerous", "false"),
    ] {
        let text = format!(r#"{{"dashboard": {{"{key}": {value}}}}}"#);
        let refused = World::new().file("work/humanlayer.json", &text).resolve();
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains(&format!("sets dashboard.{key}, which a project may not")),
            "{said}"
        );
        let own = World::new().file("home/.config/humanlayer/humanlayer.json", &text);
        assert!(own.resolve().is_ok(), "{key}");
    }
    let looks = World::new().file(
        "work/humanlayer.json",
        r#"{"dashboard": {"theme": "light"}}"#,
    );
    assert!(looks.resolve().is_ok());
}
