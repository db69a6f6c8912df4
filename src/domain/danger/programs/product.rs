//! What undoes this product, and what acts in a person's place.

use super::super::reason::{self, DECIDES, TYPES, UNASKED};
use super::super::run::{Run, join};
use super::Call;

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    match call.name {
        "humanlayer" | "hlyr" => own(run, call),
        "tmux" | "byobu" => tmux(run, call),
        "screen" if call.has("-X") => {
            run.found.add(TYPES, call.whole);
        }
        "zellij" | "wezterm" | "kitten" | "kitty" => {
            let types = call.words().any(|word| {
                matches!(
                    word,
                    "write"
                        | "write-chars"
                        | "send-text"
                        | "send-key"
                        | "kill-session"
                        | "kill-all-sessions"
                )
            });
            if types {
                run.found.add(TYPES, call.whole);
            }
        }
        _ => {}
    }
    // Whatever reaches for its socket or its records, beyond listing them.
    let is_ours = |word: &str| {
        (word.contains(".humanlayer/")
            || word.contains("humanlayer/daemon")
            || word.ends_with("/daemon.sock"))
            && !word.contains(char::is_whitespace)
    };
    let lists = super::files::only_names(call.name) || call.name == "humanlayer";
    if !lists && !super::files::is_printer(call.name) && call.words().any(is_ours) {
        run.found.add(DECIDES, call.whole);
    }
    let ends = call.is("pkill killall kill systemctl launchctl service");
    if ends
        && call
            .words()
            .any(|word| word.contains("humanlayer") || word.contains("hld"))
    {
        run.found.add(DECIDES, call.whole);
    }
}

/// Our own command: reading is free, all else is a person's to do.
fn own(run: &mut Run<'_>, call: &Call<'_>) {
    if call.has("--dangerously-skip-permissions --no-approvals --auto-accept-edits --accept-edits")
        || call
            .values("--permission-mode")
            .iter()
            .any(|mode| mode != "default" && mode != "plan")
    {
        run.found.add(UNASKED, call.whole);
    }
    let verbs: Vec<&str> = call
        .positional()
        .iter()
        .map(|arg| arg.text.as_str())
        .take(2)
        .collect();
    let reads = match verbs.as_slice() {
        [] => true,
        [
            "sessions" | "approvals" | "show" | "status" | "logs" | "log" | "doctor" | "search"
            | "overview" | "export" | "watch" | "docs" | "completions" | "ping" | "help"
            | "version" | "contact_human" | "contact-human" | "mcp" | "demo" | "dashboard"
            | "launch",
            ..,
        ] => true,
        ["daemon", verb] => matches!(*verb, "status" | "logs" | "log" | "start"),
        ["config", verb] => matches!(*verb, "show" | "list" | "get" | "path"),
        ["daemon" | "config"] => true,
        ["keys", verb] => *verb == "list",
        _ => false,
    };
    if !reads || call.has("--repair") {
        run.found.add(DECIDES, call.whole);
    }
}

fn tmux(run: &mut Run<'_>, call: &Call<'_>) {
    const TYPING: [&str; 12] = [
        "send-keys",
        "send",
        "send-prefix",
        "paste-buffer",
        "pasteb",
        "kill-server",
        "kill-session",
        "pipe-pane",
        "pipep",
        "load-buffer",
        "kill-pane",
        "kill-window",
    ];
    if call.words().any(|word| TYPING.contains(&word)) {
        run.found.add(TYPES, call.whole);
    }
    let runs = [
        "run-shell",
        "run",
        "if-shell",
        "if",
        "new-session",
        "new",
        "new-window",
        "neww",
        "split-window",
        "splitw",
        "respawn-pane",
        "respawn-window",
        "display-popup",
        "popup",
    ];
    let at = call.words().position(|word| runs.contains(&word));
    if let Some(at) = at {
        for word in call.words().skip(at + 1) {
            if word.contains(' ') {
                drop(run.text(word));
            }
        }
        // All that is left is one command.
        let mut words = call.args.get(at + 1..).unwrap_or_default();
        while let Some((first, rest)) = words
            .split_first()
            .filter(|(first, _)| first.text.starts_with('-'))
        {
            // Of a pane `-h` and `-f` have no value, of a popup they have a number.
            let is_number = rest
                .first()
                .is_some_and(|next| next.text.starts_with(|c: char| c.is_ascii_digit()));
            let takes = matches!(
                first.text.as_str(),
                "-s" | "-n" | "-c" | "-x" | "-y" | "-t" | "-e" | "-F" | "-l" | "-p"
            ) || is_number && matches!(first.text.as_str(), "-h" | "-w" | "-f");
            words = rest.get(usize::from(takes)..).unwrap_or_default();
        }
        if !words.is_empty() {
            drop(run.text(&join(words)));
        }
    }
    // Settings that are commands.
    for pair in call.args.windows(2) {
        if let [name, value] = pair {
            match name.text.as_str() {
                "default-command" | "default-shell" => run.helper(&value.text, call.whole),
                "set-hook" | "bind" | "bind-key"
                    if call.words().any(|word| word.starts_with("run")) =>
                {
                    run.found.unclear(reason::HELPER, call.whole);
                }
                _ => {}
            }
        }
    }
}
