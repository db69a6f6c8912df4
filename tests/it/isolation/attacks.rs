//! Every way out that we could think of, tried from inside.

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use humanlayer::platform;
use serde_json::{Value, json};

use super::{environment, is_available, launch_isolated};
use crate::support::daemon::Daemon;

/// What a user has in a home, and what an agent would like to change.
fn furnish(root: &Path) {
    for dir in [
        "home/.claude",
        "home/.ssh",
        "home/.config/humanlayer",
        "config/humanlayer",
        "elsewhere",
    ] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for (file, text) in [
        ("home/.bashrc", "original\n"),
        ("home/.claude/settings.json", "{}"),
        ("home/.claude/CLAUDE.md", "original\n"),
        ("home/.claude.json", "{}"),
        ("home/.ssh/id_ed25519", "secret"),
        ("config/humanlayer/humanlayer.json", "{}"),
        ("work/f", "x"),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    let made = std::process::Command::new("git")
        .args(["init", "-q", "work"])
        .current_dir(root)
        .status();
    assert!(made.unwrap().success());
}

fn pid_of_runner(daemon: &Daemon) -> Vec<u32> {
    let below = platform::descendants(daemon.pid());
    below
        .into_iter()
        .filter(|pid| platform::parent_of(*pid) == Some(daemon.pid()))
        .collect()
}

#[test]
fn an_isolated_agent_gets_out_in_no_known_way() {
    let daemon = Daemon::unprivileged_in_a_home(&[], furnish);
    if !is_available(daemon.command()) {
        return;
    }
    let root = daemon.root().to_owned();
    let victim = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&victim);
    let unique = root.file_name().unwrap().to_str().unwrap().to_owned();
    let in_tmp = format!("/tmp/{unique}.sock");
    let tmux = root.join("home/tmux.sock");
    let started = daemon
        .as_its_user("tmux")
        .args([
            "-S",
            tmux.to_str().unwrap(),
            "new-session",
            "-d",
            "sleep 600",
        ])
        .env("HOME", root.join("home"))
        .status();
    assert!(started.unwrap().success());
    let _listening = UnixListener::bind(&in_tmp).unwrap();
    let _in_home = UnixListener::bind(root.join("home/bus")).unwrap();
    for socket in [Path::new(&in_tmp), &root.join("home/bus")] {
        fs::set_permissions(socket, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    }
    let address = SocketAddr::from_abstract_name(unique.as_bytes()).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let mut pids = pid_of_runner(&daemon);
    pids.push(daemon.pid());
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let facts = json!({
        "home": root.join("home"), "state": daemon.state(), "work": daemon.work(),
        "configuration": root.join("config/humanlayer/humanlayer.json"),
        "pids": pids, "victim": asked["id"], "unique": unique, "abstract": unique,
        "scoped": has_scopes(&release),
        "sockets": {"in tmp": in_tmp, "in home": root.join("home/bus"), "tmux": tmux},
        "terminals": terminals(), "pwned": root.join("home/pwned"),
        "outside": root.join("elsewhere/x"), "elsewhere": root.join("elsewhere"),
    });
    fs::write(daemon.work().join("facts"), facts.to_string()).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/isolation/attack.py");
    let command = format!("/usr/bin/python3 '{program}' facts results > out 2>&1");
    let script = format!("TOOL Bash {}\nTEXT done", json!({"command": command}));
    let id = launch_isolated(&daemon, &script, environment(&daemon));
    let ended = daemon.until_status(&id, "completed");
    assert_eq!(ended["isolated"], true);
    let out = fs::read_to_string(daemon.work().join("out")).unwrap();
    let results = fs::read_to_string(daemon.work().join("results"));
    let results: Value =
        serde_json::from_str(&results.unwrap_or_else(|_| panic!("{out}"))).unwrap();

    let tried = results["results"].as_object().unwrap();
    assert!(tried.len() > 60, "{}", tried.len());
    let got_out: Vec<_> = tried
        .iter()
        .filter(|(_, result)| !result.as_str().unwrap().starts_with("refused"))
        .collect();
    assert!(got_out.is_empty(), "{got_out:#?}");

    let answers = &results["answers"];
    assert!(
        answers["listSessions"]["result"]["sessions"].is_array(),
        "{answers:#}"
    );
    for refused in ["sendDecision", "launchSession elsewhere"] {
        assert_eq!(
            answers[refused]["error"]["data"]["kind"], "forbidden",
            "{answers:#}"
        );
    }
    for launched in ["launchSession", "launchSession loose"] {
        let id = answers[launched]["result"]["session_id"].as_str();
        let id = id.unwrap_or_else(|| panic!("{answers:#}"));
        assert_eq!(
            daemon.session(id)["isolated"],
            true,
            "isolated like who launched it"
        );
    }

    let inside = &results["inside"];
    let names: Vec<&str> = inside["environment"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap())
        .collect();
    for name in [
        "SSH_AUTH_SOCK",
        "DBUS_SESSION_BUS_ADDRESS",
        "TMUX",
        "STY",
        "GPG_AGENT_INFO",
    ] {
        assert!(!names.contains(&name), "{name}");
    }
    assert_eq!(inside["state"], json!(["daemon.sock"]));
    assert!(
        inside["processes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|pid| pid.as_u64().unwrap() < 1000)
    );
    let status = inside["status"].as_str().unwrap();
    assert!(
        status.contains("NoNewPrivs:\t1") && status.contains("CapBnd:\t0000000000000000"),
        "{status}"
    );

    for (file, text) in [
        ("home/.bashrc", "original\n"),
        ("home/.claude/settings.json", "{}"),
        ("home/.claude/CLAUDE.md", "original\n"),
        ("home/.claude.json", "{}"),
    ] {
        assert_eq!(fs::read_to_string(root.join(file)).unwrap(), text, "{file}");
    }
    assert!(!root.join("home/pwned").exists() && !root.join("elsewhere/x").exists());
    for place in ["/dev/shm", "/tmp"] {
        let leaked = Path::new(place).join(format!("inside-{unique}"));
        assert!(!leaked.exists(), "{}", leaked.display());
    }
    assert_eq!(daemon.pending(&victim)[0]["id"], asked["id"]);
    daemon.approve(&asked);
    daemon.until_status(&victim, "completed");
    let _ = daemon
        .as_its_user("tmux")
        .args(["-S", tmux.to_str().unwrap(), "kill-server"])
        .status();
    let _ = fs::remove_file(in_tmp);
}

/// Whether the kernel keeps a program from abstract sockets of others: from 6.12 on, with Landlock.
fn has_scopes(release: &str) -> bool {
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let modules = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or("landlock".to_owned());
    version >= (6, 12) && modules.contains("landlock")
}

/// Terminals of the machine that exist now.
fn terminals() -> Vec<String> {
    let entries = fs::read_dir("/dev/pts").into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path().display().to_string());
    paths
        .filter(|path| !path.ends_with("ptmx"))
        .take(3)
        .collect()
}
