//! Completions, as real shells ask for them.

use std::process::Command;

use crate::support::cli::{Cli, finish};

fn is_there(shell: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {shell}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

/// A home where a shell finds the program as `humanlayer`.
fn home() -> (Cli, String) {
    let cli = Cli::new();
    let bin = cli.root().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = crate::support::scripted_agent::binary();
    std::os::unix::fs::symlink(program, bin.join("humanlayer")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    (cli, path)
}

/// What bash offers for the last word of a line.
fn bash(cli: &Cli, path: &str, line: &[&str]) -> Vec<String> {
    let script = format!(
        r#"source <(humanlayer completions bash)
COMP_WORDS=({words}); COMP_CWORD={last}; COMP_TYPE=9
_clap_complete_humanlayer humanlayer "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '%s\n' "${{COMPREPLY[@]}}""#,
        words = line
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" "),
        last = line.len() - 1,
    );
    let mut command = cli.dressed("bash", &["-c", &script]);
    command.env("PATH", path);
    let said = finish(command, "").ok();
    said.lines().map(str::to_owned).collect()
}

/// What of it is not an option.
fn words(offered: Vec<String>) -> Vec<String> {
    let is_word = |offer: &String| !offer.is_empty() && !offer.starts_with('-');
    offered.into_iter().filter(is_word).collect()
}

#[test]
fn bash_completes_verbs_options_and_ids_of_sessions_and_approvals() {
    let (cli, path) = home();
    assert_eq!(
        bash(&cli, &path, &["humanlayer", "appr"]),
        ["approvals", "approve"]
    );
    // What a method is called is known without a daemon; what answers with a stream is not offered.
    assert_eq!(
        bash(&cli, &path, &["humanlayer", "rpc", "listA"]),
        ["listApprovals", "listAlarms"]
    );
    assert_eq!(
        words(bash(&cli, &path, &["humanlayer", "rpc", "Subs"])),
        [""; 0]
    );
    // Nothing runs yet, and nothing is started to complete a word.
    let none: [&str; 0] = [];
    assert_eq!(words(bash(&cli, &path, &["humanlayer", "show", ""])), none);
    assert_eq!(cli.daemon_pid(), None);

    let done = cli.launch("TEXT hello");
    cli.until_status(&done, "completed");
    let asks = cli.launch(r#"TOOL Bash {"command": "echo $(touch hacked) `touch hacked`"}"#);
    let approval = cli.until_pending(&asks);
    let approval = &approval["id"].as_str().unwrap()["local-".len()..][..8];
    for verb in ["logs", "end", "rename", "archive", "export", "interrupt"] {
        let offered = bash(&cli, &path, &["humanlayer", verb, ""]);
        for id in [&done, &asks] {
            assert!(offered.contains(&id[..8].to_owned()), "{verb}: {offered:?}");
        }
    }
    for verb in ["show", "approve", "deny", "answer", "respond"] {
        let offered = bash(&cli, &path, &["humanlayer", verb, ""]);
        let is_offered = offered.contains(&approval.to_owned());
        assert!(is_offered, "{verb}: {offered:?}");
    }
    assert_eq!(
        bash(&cli, &path, &["humanlayer", "logs", &done[..3]]),
        [&done[..8]]
    );
    assert_eq!(
        bash(&cli, &path, &["humanlayer", "logs", &done[..10]]),
        [done.as_str()]
    );
    assert!(bash(&cli, &path, &["humanlayer", "launch", "-m", "o"]).contains(&"opus".to_owned()));
    assert!(
        bash(&cli, &path, &["humanlayer", "sessions", "--status", "p"])
            .contains(&"pending".to_owned())
    );
    // The line may name another daemon.
    let elsewhere = ["humanlayer", "--daemon-socket", "/no/such.sock", "logs", ""];
    assert_eq!(words(bash(&cli, &path, &elsewhere)), none);
    assert!(!cli.work().join("hacked").exists());
}

#[test]
fn fish_shows_what_an_id_is() {
    if !is_there("fish") {
        return;
    }
    let (cli, path) = home();
    let id = cli.ok(&[
        "launch",
        "TEXT hello",
        "--title",
        "A title; (touch hacked) $HOME",
    ]);
    let id = id.trim_end();
    cli.until_status(id, "completed");
    let script = "humanlayer completions fish | source; complete -C 'humanlayer logs '";
    let mut command = cli.dressed("fish", &["--no-config", "-c", script]);
    command.env("PATH", &path);
    let offered = finish(command, "").ok();
    let row = offered
        .lines()
        .find(|row| row.starts_with(&id[..8]))
        .unwrap_or_else(|| panic!("{offered}"));
    assert!(
        row.contains("completed: A title; (touch hacked) $HOME"),
        "{row}"
    );
    assert!(!cli.work().join("hacked").exists());
}

#[test]
fn zsh_takes_the_script() {
    if !is_there("zsh") {
        return;
    }
    let (cli, path) = home();
    let id = cli.ok(&["launch", "TEXT hello", "--title", "Title: $(touch hacked)"]);
    let id = id.trim_end();
    cli.until_status(id, "completed");
    // What zsh would show is taken from `_describe`, which gets the array of candidates.
    let script = r#"
        compdef() { :; }
        _describe() { print -rl -- "${(@P)3}"; }
        source <(humanlayer completions zsh)
        words=(humanlayer logs ''); CURRENT=3
        _clap_dynamic_completer_humanlayer"#;
    let mut command = cli.dressed("zsh", &["-f", "-c", script]);
    command.env("PATH", &path);
    let offered = finish(command, "").ok();
    assert!(
        offered.contains(&id[..8]) && offered.contains("Title"),
        "{offered}"
    );
    assert!(!cli.work().join("hacked").exists());
}
