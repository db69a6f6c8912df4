//! What git outside runs after an isolated agent has had a repository: nothing of the agent's.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{environment, is_available, launch_isolated};
use crate::support::daemon::Daemon;

/// A repository with a submodule, a linked worktree inside of it, one in a hidden directory, another one below, settings for
/// each worktree, and hooks and included settings that are files of the project.
const REPOSITORIES: &str = r"
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q lib; (cd lib; echo x > l; git add .; git commit -qm x)
git init -q work; cd work; echo x > f; mkdir hooks; echo > settings; git add .; git commit -qm x
git -c protocol.file.allow=always submodule --quiet add ../lib sub; git commit -qm sub
git worktree add -q linked
git config extensions.worktreeConfig true
git config core.hooksPath hooks
git config include.path ../settings
mkdir .hidden; git init -q .hidden/r; git init -q nested/n
";

/// What an agent tries; each succeeds outside of isolation. What a line cannot do must not keep the next ones from trying.
const ATTACKS: [&str; 12] = [
    "printf '[core]\n\tfsmonitor = \"touch MARK-main; false\"\n' > .git/config.worktree",
    "printf '[core]\n\tfsmonitor = \"touch MARK-linked; false\"\n' > .git/worktrees/linked/config.worktree",
    "mv .git/modules .git/modules2 && mkdir .git/modules && cp -r .git/modules2/sub .git/modules/sub && git config -f .git/modules/sub/config core.fsmonitor 'touch MARK-modules; false'",
    "mv .git/modules/sub .git/modules/sub2 && cp -r .git/modules/sub2 .git/modules/sub && git config -f .git/modules/sub/config core.fsmonitor 'touch MARK-module; false'",
    "mv .git/worktrees/linked .git/worktrees/l && cp -r .git/worktrees/l .git/worktrees/linked && printf '[core]\n\tfsmonitor = \"touch MARK-worktree; false\"\n' > .git/worktrees/linked/config.worktree",
    "cd linked && rm .git && git init -q . && git config core.fsmonitor 'touch MARK-pointer; false'",
    "cd sub && rm .git && git init -q . && git config core.fsmonitor 'touch MARK-sub; false' && git commit --allow-empty -qm x",
    "mv sub sub2 && mkdir sub && git init -q sub && git -C sub config core.fsmonitor 'touch MARK-moved; false'",
    "git -C .hidden/r config core.fsmonitor 'touch MARK-hidden; false'",
    "mv nested/n nested/n2 && git init -q nested/n && git -C nested/n config core.fsmonitor 'touch MARK-nested; false'",
    "printf '#!/bin/sh\ntouch MARK-hook\n' > hooks/post-index-change; chmod +x hooks/post-index-change",
    "printf '[core]\n\tfsmonitor = \"touch MARK-included; false\"\n' > settings",
];

fn bash(directory: &Path, script: &str) {
    let run = Command::new("bash")
        .args(["-c", script])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// Runs git in every worktree as its user does, and says which attacks have come through.
fn marks(root: &Path) -> Vec<String> {
    for directory in [
        "work",
        "work/linked",
        "work/sub",
        "work/.hidden/r",
        "work/nested/n",
    ] {
        let status = Command::new("git")
            .args(["-c", "safe.directory=*", "status", "-s"])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .current_dir(root.join(directory))
            .output();
        drop(status.unwrap());
    }
    let entries = fs::read_dir(root.join("marks")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn script(root: &Path) -> String {
    let mark = root.join("marks/mark").display().to_string();
    let export = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n";
    let attacks = ATTACKS.map(|attack| format!("({attack})\n").replace("MARK", &mark));
    format!("{export}{}true\n", attacks.concat())
}

#[test]
fn what_an_isolated_agent_leaves_in_repositories_is_not_run_by_git_outside() {
    let daemon = Daemon::unprivileged_in_a_home(&[], |root| {
        fs::create_dir_all(root.join("home/.claude")).unwrap();
        fs::create_dir(root.join("marks")).unwrap();
        fs::remove_dir_all(root.join("work")).unwrap();
        bash(root, REPOSITORIES);
        fs::write(root.join("work/attack.sh"), script(root)).unwrap();
    });
    if !is_available(daemon.command()) {
        return;
    }
    let run = |name: &str| {
        let command = format!("bash {name} > out 2>&1; echo ran");
        let query = format!("TOOL Bash {}\nTEXT done", json!({"command": command}));
        let id = launch_isolated(&daemon, &query, environment(&daemon));
        daemon.until_status(&id, "completed");
        let out = fs::read_to_string(daemon.work().join("out")).unwrap();
        let is_refused = out.contains("ead-only") || out.contains("busy");
        assert!(is_refused, "it has not tried: {out}");
    };
    run("attack.sh");
    assert_eq!(marks(daemon.root()), [""; 0]);

    // Taking away for a while what makes a repository one has the next process protect it no less.
    let hide = "mv .git/objects .git/o; mv .git/HEAD .git/h; touch hooks/x\n";
    let attack = "git config -f .git/config core.fsmonitor 'touch MARK-later; false'; mv .git/o .git/objects; mv .git/h .git/HEAD\n";
    let mark = daemon.root().join("marks/mark").display().to_string();
    for (name, text) in [("hide.sh", hide), ("later.sh", attack)] {
        fs::write(daemon.work().join(name), text.replace("MARK", &mark)).unwrap();
        run(name);
    }
    assert_eq!(marks(daemon.root()), [""; 0]);
}

/// The attacks are none that fail by themselves.
#[test]
fn the_same_attacks_succeed_without_isolation() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let mut works = 0;
    for attack in ATTACKS {
        for name in ["marks", "work", "lib"] {
            drop(fs::remove_dir_all(root.join(name)));
        }
        fs::create_dir(root.join("marks")).unwrap();
        bash(root, REPOSITORIES);
        let mark = root.join("marks/mark").display().to_string();
        let attack = attack.replace("MARK", &mark);
        bash(
            &root.join("work"),
            &format!(
                "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n{attack}"
            ),
        );
        let marks: Value = json!(marks(root));
        assert_ne!(marks, json!([]), "{attack}");
        works += 1;
    }
    assert_eq!(works, ATTACKS.len());
}
