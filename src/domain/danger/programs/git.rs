//! Git: work that is lost, history that is rewritten, settings that run programs.

use super::super::helpers;
use super::super::paths::{LATER, SECRETS};
use super::super::reason::{HIJACKS, LOSES_WORK, OVERWRITES, PROTECTION, REWRITES};
use super::super::run::Run;
use super::super::value::Arg;
use super::Call;

/// Settings whose values are run, or that let something else run, as they begin or end.
const RUNS: [&str; 16] = [
    "core.sshcommand",
    "core.pager",
    "core.editor",
    "core.fsmonitor",
    "core.gitproxy",
    "sequence.editor",
    "diff.external",
    "gpg.program",
    "credential.helper",
    ".textconv",
    ".command",
    ".clean",
    ".smudge",
    ".process",
    ".driver",
    ".cmd",
];

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if call.name != "git" {
        return;
    }
    // Options of git itself come before the verb.
    let mut rest = call.args;
    while let Some((first, after)) = rest
        .split_first()
        .filter(|(first, _)| first.text.starts_with('-'))
    {
        let takes = matches!(
            first.text.as_str(),
            "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--config-env"
        );
        if first.text == "-c"
            && let Some(setting) = after.first()
            && let Some((name, value)) = setting.text.split_once('=')
        {
            self::setting(run, name, value, call.whole);
        }
        if let Some(path) = first.text.strip_prefix("--exec-path=") {
            run.library(path, call.whole);
        }
        rest = after.get(usize::from(takes)..).unwrap_or_default();
    }
    let Some((verb, rest)) = rest.split_first() else {
        return;
    };
    let call = Call {
        args: rest,
        ..*call
    };
    match verb.text.as_str() {
        "config" => config(run, &call),
        "submodule" | "rebase" | "bisect" | "filter-branch" | "difftool" | "archive" => {
            runs(run, verb, &call)
        }
        _ => {}
    }
    let is_command = |word: &str| {
        let address = word.split_once('=').map_or(word, |(_, address)| address);
        address.starts_with("ext::") || word.starts_with("ext::")
    };
    if call.words().any(is_command) {
        run.found.add(HIJACKS, call.whole);
    }
    options(run, &verb.text, &call);
    if let Some(reason) = verdict(&verb.text, &call) {
        run.found.add(reason, call.whole);
    }
}

fn verdict(verb: &str, call: &Call<'_>) -> Option<&'static str> {
    let words: Vec<&str> = call.words().collect();
    let has = |word: &str| words.contains(&word);
    let first = words.first().copied().unwrap_or_default();
    let dry = call.has("--dry-run")
        || (call.has("-n") && matches!(verb, "push" | "clean" | "rm" | "prune" | "mv" | "add"));
    if dry {
        return None;
    }
    let is_all = words
        .iter()
        .any(|word| matches!(*word, "." | ":/" | "*" | "./" | "./*" | ":/*" | ".."));
    match verb {
        "push" => {
            let refspecs = call.positional();
            let by_refspec = refspecs
                .iter()
                .any(|arg| arg.text.len() > 1 && arg.text.starts_with(['+', ':']));
            let forced = call.has(
                "-f --force --force-with-lease --mirror --prune --delete -d --force-if-includes",
            );
            if call.has("--no-verify") && !forced {
                return None;
            }
            (forced || by_refspec).then_some(REWRITES)
        }
        "reset" => (has("--hard") || has("--merge") || has("--keep")).then_some(LOSES_WORK),
        "clean" => {
            (call.has("-f --force") && !call.has("-n -i --interactive")).then_some(LOSES_WORK)
        }
        "checkout" | "switch" => {
            let forced = call.has("-f --force --discard-changes");
            let paths = words
                .iter()
                .position(|word| *word == "--")
                .is_some_and(|at| at + 1 < words.len());
            let makes = call.has("-b -B -c -C --orphan --detach");
            let overrides = call.has("-B -C");
            (forced
                || overrides
                || (!makes
                    && verb == "checkout"
                    && (is_all || paths || has("--ours") || has("--theirs"))))
            .then_some(LOSES_WORK)
        }
        "restore" => (!call.has("--staged -S") || call.has("--worktree -W")).then_some(LOSES_WORK),
        "branch" => {
            let deletes_hard =
                call.has("-D") || (call.has("-d --delete") && call.has("-f --force"));
            (deletes_hard || call.has("-M -C") || (call.has("-f --force") && words.len() > 1))
                .then_some(LOSES_WORK)
        }
        "tag" => (call.has("-d --delete") || call.has("-f --force")).then_some(REWRITES),
        "stash" => matches!(first, "drop" | "clear").then_some(LOSES_WORK),
        "reflog" => matches!(first, "expire" | "delete").then_some(LOSES_WORK),
        "maintenance" => matches!(first, "start" | "register").then_some(LATER),
        "credential" => (first == "fill").then_some(SECRETS),
        "apply" => has("--unsafe-paths").then_some(OVERWRITES),
        "gc" => (call.has("--prune=now --prune=all --prune")
            || call.has("--aggressive") && call.has("--prune*"))
        .then_some(LOSES_WORK),
        "prune" | "filter-repo" | "filter-branch" => Some(if verb == "prune" {
            LOSES_WORK
        } else {
            REWRITES
        }),
        "prune-packed" => None,
        "worktree" => (first == "remove" && call.has("-f --force")).then_some(LOSES_WORK),
        "rm" => (call.has("-r") && !has("--cached") && (call.has("-f --force") || is_all))
            .then_some(LOSES_WORK),
        "update-ref" => (has("-d") || has("--stdin")).then_some(LOSES_WORK),
        "symbolic-ref" => has("-d").then_some(LOSES_WORK),
        "checkout-index" => call.has("-f --force").then_some(LOSES_WORK),
        "read-tree" => (has("--reset") || has("-u")).then_some(LOSES_WORK),
        "remote" => matches!(first, "remove" | "rm" | "set-url" | "prune")
            .then(|| {
                if first == "set-url" {
                    HIJACKS
                } else {
                    LOSES_WORK
                }
            })
            .filter(|_| first != "prune"),
        "submodule" => (first == "deinit" && call.has("-f --force --all")).then_some(LOSES_WORK),
        "lfs" => (first == "prune")
            .then_some(LOSES_WORK)
            .or((first == "migrate" && has("import")).then_some(REWRITES)),
        "replace" | "fast-import" => Some(REWRITES),
        "svn" => (first == "dcommit").then_some(REWRITES).filter(|_| false),
        "rebase" => None,
        "commit" | "merge" => None,
        "annex" => (matches!(first, "drop" | "dropunused" | "uninit") && call.has("--force"))
            .then_some(LOSES_WORK),
        _ => None,
    }
}

fn config(run: &mut Run<'_>, call: &Call<'_>) {
    if call.has("--get --get-all --get-regexp --list -l --show-origin --get-urlmatch") {
        return;
    }
    let mut before = "";
    let words: Vec<&str> = call
        .words()
        .filter(|word| {
            let is_value = matches!(before, "-f" | "--file" | "--blob" | "--type" | "--default");
            before = word;
            !word.starts_with('-') && !is_value
        })
        .collect();
    let words = match words.as_slice() {
        ["get" | "list", ..] => return,
        ["set" | "unset" | "edit", rest @ ..] => rest,
        all => all,
    };
    if let [name, value, ..] = words {
        setting(run, name, value, call.whole);
    }
}

/// A setting is made.
pub(in crate::domain::danger) fn setting(run: &mut Run<'_>, name: &str, value: &str, whole: &str) {
    let lower = name.to_ascii_lowercase();
    let is_off = matches!(
        value.to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off"
    );
    if lower.starts_with("alias.") {
        match value.strip_prefix('!') {
            Some(script) => drop(run.text(script)),
            None => drop(run.text(&format!("git {value}"))),
        }
    }
    let is_usual = match lower.as_str() {
        "core.editor" | "sequence.editor" | "core.pager" | "diff.external" => {
            run.helper(value, whole);
            true
        }
        "credential.helper" => !value.starts_with('!') && !value.contains('/') && value != "store",
        "core.fsmonitor" => matches!(value, "true" | "false" | ""),
        "gpg.program" => matches!(value, "gpg" | "gpg2"),
        "core.sshcommand" => {
            drop(run.text(value));
            helpers::is_usual(value)
        }
        _ if lower.starts_with("pager.") => {
            let is_switch = matches!(value, "true" | "false");
            if !is_switch {
                run.helper(value, whole);
            }
            true
        }
        _ if lower.starts_with("filter.lfs") => true,
        _ => false,
    };
    let runs = RUNS.iter().any(|end| {
        if end.starts_with('.') {
            lower.ends_with(end)
        } else {
            lower == *end
        }
    });
    let leads = lower == "core.hookspath"
        || lower.starts_with("include") && lower.ends_with(".path")
        || lower == "init.templatedir"
        || lower.starts_with("url.") && lower.ends_with("insteadof")
        || lower == "core.worktree"
        || lower == "protocol.ext.allow";
    if leads || (runs && !is_usual) {
        run.found.add(HIJACKS, whole);
    }
    let checks = lower == "http.sslverify" || lower.starts_with("transfer.fsck");
    if (checks && is_off) || (lower == "safe.directory" && value == "*") {
        run.found.add(PROTECTION, whole);
    }
}

/// Options of verbs that name a program, or a setting.
fn options(run: &mut Run<'_>, verb: &str, call: &Call<'_>) {
    let (helpers, settings) = match verb {
        "clone" => ("--upload-pack -u", "-c --config"),
        "fetch" | "pull" | "ls-remote" | "fetch-pack" => ("--upload-pack --exec", ""),
        "push" | "send-pack" => ("--receive-pack --exec", ""),
        "archive" => ("--exec", ""),
        "grep" => {
            // The pager is behind the letter, or left out.
            let begins = ["-O", "--open-files-in-pager="];
            for pager in call
                .words()
                .filter_map(|word| begins.iter().find_map(|begin| word.strip_prefix(begin)))
            {
                run.helper(pager, call.whole);
            }
            return;
        }
        "difftool" => ("-x --extcmd", ""),
        "submodule" => ("", "-c"),
        "send-email" => (
            "--sendmail-cmd --to-cmd --cc-cmd --header-cmd --smtp-server",
            "",
        ),
        _ => return,
    };
    let helpers = Some(helpers).filter(|helpers| !helpers.is_empty());
    for value in helpers
        .map(|helpers| call.values(helpers))
        .unwrap_or_default()
    {
        let is_own = value.starts_with("git-") || value.starts_with("git ");
        if !is_own {
            run.helper(&value, call.whole);
        }
    }
    if !settings.is_empty() {
        for value in call.values(settings) {
            if let Some((name, value)) = value.split_once('=') {
                setting(run, name, value, call.whole);
            }
        }
    }
}

/// Verbs that run a command for each of something.
fn runs(run: &mut Run<'_>, verb: &Arg, call: &Call<'_>) {
    let words: Vec<&str> = call.words().collect();
    let script = match (verb.text.as_str(), words.as_slice()) {
        ("submodule", ["foreach", rest @ ..]) => rest
            .iter()
            .filter(|word| **word != "--recursive")
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
        ("bisect", ["run", ..]) => {
            drop(run.run(call.args.get(1..).unwrap_or_default(), call.stdin));
            String::new()
        }
        ("rebase", _) => call.values("-x --exec").join("; "),
        ("filter-branch", _) => call
            .values("--tree-filter --index-filter --msg-filter --env-filter --commit-filter")
            .join("; "),
        _ => String::new(),
    };
    if !script.is_empty() {
        drop(run.text(&script));
    }
}
