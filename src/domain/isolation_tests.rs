//! Which places an isolated agent can write to, read only, or not see; and where none can be isolated.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use rstest::rstest;

use super::*;

fn around() -> Surroundings {
    let claude = PathBuf::from("/home/u/.claude");
    let entry = |name: &str| (name.to_owned(), claude.join(name));
    Surroundings {
        user: 1000,
        homes: vec!["/home/u".into()],
        workspace: vec!["/home/u/src/shop".into()],
        repositories: vec!["/home/u/src/shop/.git".into()],
        obeyed: ["hooks", "config"]
            .map(|name| Path::new("/home/u/src/shop/.git").join(name))
            .to_vec(),
        claude_entries: vec![
            entry("settings.json"),
            entry("statusline.sh"),
            ("CLAUDE.md".to_owned(), "/home/u/dotfiles/CLAUDE.md".into()),
            entry("history.jsonl"),
            entry("projects"),
            entry(".credentials.json"),
        ],
        claude,
        claude_state: Some("/home/u/.claude.json".into()),
        project: "-home-u-src-shop".to_owned(),
        kept: "/home/u/.humanlayer/isolated/id".into(),
        state: "/home/u/.humanlayer".into(),
        socket_directory: "/home/u/.humanlayer/agents".into(),
        configuration: vec!["/home/u/.config/humanlayer".into()],
        mcp_config: None,
        resolver: None,
    }
}

fn places() -> Vec<Place> {
    view(&around(), |_| true).unwrap()
}

/// What is found at a path: of the last place that is at or above it.
fn found<'a>(places: &'a [Place], path: &str) -> Option<&'a View> {
    let path = Path::new(path);
    let at = places
        .iter()
        .rev()
        .find(|place| path.starts_with(&place.at));
    at.map(|place| &place.view)
}

/// Whether something can be written to a path, and is there for others then.
fn changes(view: Option<&View>) -> bool {
    matches!(view, Some(View::Writable | View::Other(_, true)))
}

#[rstest]
#[case::the_workspace("/home/u/src/shop/main.rs")]
#[case::its_repository("/home/u/src/shop/.git/index")]
#[case::its_conversations("/home/u/.claude/projects/-home-u-src-shop/id.jsonl")]
#[case::what_the_session_keeps("/home/u/.claude/todos/1.json")]
#[case::the_login("/home/u/.claude/.credentials.json")]
fn these_can_be_changed(#[case] path: &str) {
    assert!(changes(found(&places(), path)), "{path}");
}

#[rstest]
#[case::the_shell("/home/u/.bashrc")]
#[case::another_project("/home/u/src/other/main.rs")]
#[case::user_settings("/home/u/.claude/settings.json")]
#[case::hooks_of_claude("/home/u/.claude/statusline.sh")]
#[case::linked_memory("/home/u/.claude/CLAUDE.md")]
#[case::other_conversations("/home/u/.claude/projects/-home-u-src-other/id.jsonl")]
#[case::servers_of_the_user("/home/u/.claude.json")]
#[case::hooks_of_git("/home/u/src/shop/.git/hooks/post-commit")]
#[case::configuration_of_git("/home/u/src/shop/.git/config")]
#[case::our_configuration("/home/u/.config/humanlayer/humanlayer.json")]
#[case::our_database("/home/u/.humanlayer/daemon.db")]
#[case::programs("/home/u/.cargo/bin/cargo")]
#[case::the_system("/etc/passwd")]
fn these_cannot_be_changed(#[case] path: &str) {
    assert!(!changes(found(&places(), path)), "{path}");
}

#[rstest]
#[case::our_configuration("/home/u/.config/humanlayer/x", View::Hidden)]
#[case::sockets_of_the_system("/run/user/1000x/bus", View::Hidden)]
#[case::own_runtime_directory("/run/user/1000/x", View::Scratch(0o700))]
#[case::tmux("/tmp/tmux-1000/default", View::Scratch(0o1777))]
#[case::keys("/home/u/.ssh/id_ed25519", View::Hidden)]
#[case::sockets_in_the_home("/home/u/.screen/1.x", View::Still)]
#[case::caches("/home/u/.npm/_cacache/x", View::Passing)]
#[case::our_state("/home/u/.humanlayer/daemon.db", View::Other("/home/u/.humanlayer/agents".into(), false))]
#[case::prompts_of_others("/home/u/.claude/history.jsonl", View::Scratch(0o700))]
fn what_is_found_there(#[case] path: &str, #[case] expected: View) {
    assert_eq!(found(&places(), path), Some(&expected), "{path}");
}

#[test]
fn settings_that_the_user_does_not_have_cannot_be_made_up() {
    let view = found(&places(), "/home/u/.claude/settings.local.json").cloned();
    assert_eq!(view, Some(View::Text("{}")));
    let none = Surroundings {
        claude_entries: Vec::new(),
        ..around()
    };
    let places = super::view(&none, |_| true).unwrap();
    let settings = found(&places, "/home/u/.claude/settings.json");
    assert_eq!(settings, Some(&View::Text("{}")));
    assert!(!changes(found(
        &places,
        "/home/u/.claude/.credentials.json"
    )));
}

#[rstest]
#[case::the_root("/")]
#[case::above_the_home("/home")]
#[case::the_home("/home/u")]
#[case::our_state("/home/u/.humanlayer")]
#[case::in_our_state("/home/u/.humanlayer/sessions")]
#[case::claude("/home/u/.claude")]
#[case::in_claude("/home/u/.claude/projects/x")]
#[case::configuration("/home/u/.config/nvim")]
#[case::programs("/home/u/.local/bin")]
#[case::keys("/home/u/.ssh")]
#[case::processes("/proc/self")]
#[case::the_system("/etc/systemd")]
fn no_agent_is_isolated_where_that_would_undo_it(#[case] directory: &str) {
    for place in 0..3 {
        let mut around = around();
        match place {
            0 => around.workspace[0] = directory.into(),
            1 => around.workspace.push(directory.into()),
            _ => around.repositories = vec![directory.into()],
        }
        assert!(view(&around, |_| true).is_err(), "{directory}");
    }
}

#[test]
fn a_state_directory_that_is_the_home_cannot_be_hidden() {
    let around = Surroundings {
        state: "/home/u".into(),
        workspace: vec!["/srv/shop".into()],
        repositories: Vec::new(),
        ..around()
    };
    assert!(matches!(
        view(&around, |_| true),
        Err(Unfit::Contains { .. })
    ));
}

#[test]
fn what_leads_outside_is_not_in_the_environment() {
    let env = [
        ("PATH", "/bin"),
        ("SSH_AUTH_SOCK", "/tmp/ssh/agent"),
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus"),
        ("TMUX", "/tmp/tmux-1000/default,1,0"),
        ("STY", "1.x"),
        ("GPG_AGENT_INFO", "x"),
        ("VSCODE_IPC_HOOK_CLI", "/run/user/1000/vscode.sock"),
        ("XDG_RUNTIME_DIR", "/run/user/1000"),
        ("TMPDIR", "/home/u/tmp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let claude = Path::new("/home/u/.claude");
    let socket = Path::new("/home/u/.humanlayer/daemon.sock");
    let inside = environment(env.to_vec(), 1000, claude, socket);
    let text: Vec<String> = inside
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        text,
        [
            "PATH=/bin",
            "TMPDIR=/tmp",
            "TMP=/tmp",
            "TEMP=/tmp",
            "XDG_RUNTIME_DIR=/run/user/1000",
            "CLAUDE_CONFIG_DIR=/home/u/.claude",
            "HUMANLAYER_DAEMON_SOCKET=/home/u/.humanlayer/daemon.sock",
        ]
    );
}

#[rstest]
#[case("/home/u/src/shop", Some("-home-u-src-shop"))]
#[case("/tmp/a_b.c", Some("-tmp-a-b-c"))]
#[case("/tmp/é", Some("-tmp--"))]
fn a_project_is_named_as_claude_code_names_it(#[case] path: &str, #[case] name: Option<&str>) {
    assert_eq!(project_name(Path::new(path)).as_deref(), name);
}

#[test]
fn a_path_that_is_too_long_for_that_has_no_name() {
    let long = format!("/{}", "a".repeat(200));
    assert_eq!(project_name(Path::new(&long)), None);
}
