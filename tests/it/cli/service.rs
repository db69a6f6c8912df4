//! `service`: the daemon as a service of the system's, with a stand-in for the manager's program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::cli::{Cli, Said, finish};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::scripted_agent::binary;

/// What stands in for `systemctl`: writes down what it is called with, and starts what a unit says.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/calls"
unit="${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/humanlayer.service"
case "$*" in
    *' is-enabled '*) cat "$HOME/enabled" 2>/dev/null || { echo disabled; exit 1; } ;;
    *' is-active '*) echo inactive; exit 3 ;;
    *' enable '*) [ ! -e "$HOME/refuses" ] || { echo "Failed to connect to bus" >&2; exit 1; }; echo enabled >"$HOME/enabled" ;;
    *' disable '*) rm -f "$HOME/enabled" ;;
    *' restart '*) eval "$(sed -n 's/^ExecStart=//p' "$unit") >/dev/null 2>&1 </dev/null &" ;;
esac
"#;

/// A home with a service manager.
struct Home {
    cli: Cli,
}

impl Home {
    fn new() -> Self {
        let cli = Cli::new();
        let tool = cli.root().join("bin/systemctl");
        fs::create_dir(tool.parent().unwrap()).unwrap();
        fs::write(&tool, SYSTEMCTL).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        Self { cli }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(arguments);
        let before = self.cli.root().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", before.display()));
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        finish(self.command(arguments), "")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[arguments, &["--json"]].concat()).ok()).unwrap()
    }

    fn unit(&self) -> PathBuf {
        let unit = ".config/systemd/user/humanlayer.service";
        self.cli.home().join(unit)
    }

    /// What the stand-in was called with since the last look.
    fn calls(&self) -> Vec<String> {
        let file = self.cli.home().join("calls");
        let calls = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        calls.lines().map(str::to_owned).collect()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_is_installed_once_shown_and_uninstalled() {
    let home = Home::new();
    assert_eq!(home.json(&["service", "status"])["installed"], "no");
    home.calls();

    let installed = home.json(&["service", "install"]);
    assert_eq!(installed["change"], "written");
    assert_eq!(installed["file"], home.unit().to_str().unwrap());
    let calls = ["--user daemon-reload", "--user enable humanlayer.service"];
    assert_eq!(home.calls(), calls);
    let unit = fs::read_to_string(home.unit()).unwrap();
    let start = format!("\nExecStart=\"{}\" \"--headless\"\n", binary());
    for part in [&start, "KillMode=process", "Type=notify"] {
        assert!(unit.contains(part), "{unit}");
    }
    assert_eq!(home.cli.daemon_pid(), None);

    // Again: nothing is written, and the service is enabled all the same.
    assert_eq!(home.json(&["service", "install"])["change"], "unchanged");
    assert_eq!(home.calls(), calls);
    assert_eq!(fs::read_to_string(home.unit()).unwrap(), unit);
    let said = home.run(&["service", "install"]).ok();
    assert!(said.contains("is up to date"), "{said}");

    let status = home.json(&["service", "status"]);
    let shown = ["installed", "enabled", "active"].map(|field| status[field].clone());
    assert_eq!(shown, ["yes", "enabled", "inactive"]);

    // Other options are another file, which is this program's own to replace.
    let socket = home.cli.root().join("other 100%$.sock");
    let socket = socket.to_str().unwrap();
    let other = home.json(&["service", "install", "--daemon-socket", socket]);
    assert_eq!(other["change"], "replaced");
    assert_eq!(other["kept"], Value::Null);
    let unit = fs::read_to_string(home.unit()).unwrap();
    assert!(unit.contains(r#"other 100%%$$.sock""#), "{unit}");
    home.calls();

    assert_eq!(home.json(&["service", "uninstall"])["removed"], true);
    let calls = [
        "--user disable --now humanlayer.service",
        "--user daemon-reload",
    ];
    assert_eq!(home.calls(), calls);
    assert!(!home.unit().exists());
    assert_eq!(home.json(&["service", "uninstall"])["removed"], false);
    assert!(home.calls().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_takes_the_place_of_the_daemon_that_runs() {
    let home = Home::new();
    home.cli.ok(&["daemon", "start"]);
    let before = home.cli.daemon_pid().unwrap();
    let asking = home.cli.launch(r#"TOOL Bash {"command": "true"}"#);
    home.cli.until_pending(&asking);
    // Without `--now` it goes on.
    home.run(&["service", "install"]).ok();
    assert_eq!(home.cli.daemon_pid(), Some(before));
    let installed = home.json(&["service", "install", "--now"]);
    assert_eq!(installed["started"], true);
    let now = wait_until("the service runs", || home.cli.daemon_pid());
    assert_ne!(now, before);
    // The session went on, and its question is there still.
    home.cli.until_pending(&asking);
    assert_eq!(home.cli.session(&asking)["live"], true);
}

#[cfg(target_os = "linux")]
#[test]
fn a_unit_that_a_person_changed_is_left_alone_until_they_say_so() {
    let home = Home::new();
    home.run(&["service", "install"]).ok();
    let mut changed = fs::read_to_string(home.unit()).unwrap();
    changed.push_str("Environment=MINE=1\n");
    fs::write(home.unit(), &changed).unwrap();
    home.calls();
    for verb in ["install", "uninstall"] {
        let said = home.run(&["service", verb, "--json"]);
        assert_eq!(said.code, 1, "{said:?}");
        let error: Value = serde_json::from_str(&said.stderr).unwrap();
        assert_eq!(error["kind"], "conflict", "{error}");
        assert!(error["hint"].as_str().unwrap().contains("--force"));
    }
    assert!(home.calls().is_empty());
    assert_eq!(fs::read_to_string(home.unit()).unwrap(), changed);
    let status = home.json(&["service", "status"]);
    assert_eq!(status["installed"], "changed by hand");
    // It is kept, more than once, and nothing that was kept is lost.
    for number in 1..=2 {
        let forced = home.json(&["service", "install", "--force"]);
        let kept = forced["kept"].as_str().unwrap();
        assert!(kept.ends_with(&format!(".service.old{number}")), "{kept}");
        assert_eq!(fs::read_to_string(kept).unwrap(), changed);
        fs::write(home.unit(), &changed).unwrap();
    }
    let removed = home.json(&["service", "uninstall", "--force"]);
    assert!(!home.unit().exists());
    let kept = removed["kept"].as_str().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), changed);
}

#[cfg(target_os = "linux")]
#[test]
fn a_manager_that_is_missing_or_refuses_is_named() {
    let home = Home::new();
    fs::write(home.cli.home().join("refuses"), "").unwrap();
    let said = home.run(&["service", "install"]).failed(1);
    assert!(said.contains("Failed to connect to bus"), "{said}");
    assert!(said.contains("humanlayer.service"), "{said}");
    fs::remove_file(home.cli.home().join("refuses")).unwrap();
    assert_eq!(home.json(&["service", "install"])["change"], "unchanged");

    // Where there is no such program nothing is written.
    let none = Home::new();
    let mut command = none.command(&["service", "install"]);
    command.env("PATH", none.cli.root());
    let said = finish(command, "").failed(1);
    assert!(said.contains("systemctl is not on the PATH"), "{said}");
    assert!(!none.unit().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn an_agent_installs_and_uninstalls_no_service() {
    let daemon = Daemon::start();
    let (told, home) = (daemon.work().join("told"), daemon.work().join("home"));
    fs::create_dir(&home).unwrap();
    let verb = |verb: &str| {
        format!(
            "env -i HOME={home} PATH=\"$PATH\" '{program}' service {verb} >> {told} 2>&1; ",
            home = home.display(),
            program = binary(),
            told = told.display(),
        )
    };
    let command = format!(
        "{}{}echo over >> {}",
        verb("install"),
        verb("uninstall"),
        told.display()
    );
    let session = daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}\nTEXT done", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    daemon.until_status(&session, "completed");
    let said = fs::read_to_string(&told).unwrap();
    assert!(
        said.contains("an agent may not install a service"),
        "{said}"
    );
    assert!(
        said.contains("an agent may not uninstall the service"),
        "{said}"
    );
    assert!(said.contains("over"), "{said}");
    assert!(!home.join(".config/systemd").exists());
}
