//! Whole trees of files that are sent to another machine, or shown to whoever asks.

use super::super::paths;
use super::super::reason::SENDS;
use super::super::run::Run;
use super::super::value::Arg;
use super::Call;

/// Servers of files, with the options that say which.
const SERVERS: &[(&str, &str)] = &[
    ("http.server", "-d --directory"),
    ("pyftpdlib", "-d --directory"),
    ("php", "-t --docroot"),
    (
        "httpd darkhttpd miniserve webfsd serve http-server live-server sirv",
        "-h -r --root",
    ),
    ("caddy", "--root -r"),
];

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    let dry = call.has("-n --dry-run --dryrun");
    if !dry && sent(call).iter().any(|arg| is_tree(run, arg)) {
        run.found.add(SENDS, call.whole);
    }
    if let Some((_, options)) = SERVERS.iter().find(|(names, _)| call.is(names)) {
        serves(run, call, options);
    }
}

/// What is sent to another machine.
fn sent<'a>(call: &Call<'a>) -> Vec<&'a Arg> {
    let verbs: Vec<&str> = call
        .words()
        .filter(|word| !word.starts_with('-'))
        .take(6)
        .collect();
    let has = |words: &[&str]| verbs.iter().any(|verb| words.contains(verb));
    let deep = call.has("-r -R --recursive -a");
    let sends = match call.name {
        "rsync" => true,
        "scp" | "sftp" => deep,
        "rclone" => has(&["copy", "sync", "move", "copyto"]),
        "aws" => verbs.first() == Some(&"s3") && (has(&["sync"]) || has(&["cp", "mv"]) && deep),
        "gsutil" | "s3cmd" | "s5cmd" | "mc" | "azcopy" => {
            has(&["rsync", "sync", "mirror"]) || has(&["cp", "put", "copy"]) && deep
        }
        "gcloud" => has(&["storage"]) && (has(&["rsync"]) || has(&["cp"]) && deep),
        "az" => has(&["upload-batch", "sync"]),
        _ => false,
    };
    if !sends {
        return Vec::new();
    }
    let mut files = call.positional();
    let is_remote = |arg: &&Arg| {
        let text = arg.text.as_str();
        text.contains("://") || text.contains(':') && !text.starts_with(['/', '.'])
    };
    if call.name == "az" {
        return files_of(call, "-s --source");
    }
    // What is fetched from there is not sent.
    match files.iter().position(is_remote) {
        Some(at) => {
            files.truncate(at);
            files
        }
        None => Vec::new(),
    }
}

fn files_of<'a>(call: &Call<'a>, options: &str) -> Vec<&'a Arg> {
    call.value(options).into_iter().collect()
}

/// Whether it is all that is here, a home, or a directory of a home.
fn is_tree(run: &Run<'_>, arg: &Arg) -> bool {
    let text = arg.text.trim_end_matches('/');
    let full = run.full(&arg.text);
    let of_home = full
        .strip_prefix("~/")
        .is_some_and(|rest| !rest.contains(['/', '.']) && !arg.text.starts_with("./"));
    let whole =
        matches!(text, "." | "./." | "*" | "./*" | "..") || matches!(text, "$PWD" | "${PWD}");
    whole || paths::is_everything(&full) || of_home && arg.text.starts_with(['~', '/', '$'])
}

/// A server of files: of a home, of the root, of what holds keys.
fn serves(run: &mut Run<'_>, call: &Call<'_>, options: &str) {
    let is_php = call.name == "php" && !call.has("-S");
    let is_other = call.name == "caddy" && !call.words().any(|word| word == "file-server");
    if is_php || is_other {
        return;
    }
    let mut roots = call.values(options);
    if roots.is_empty() && !call.is("php caddy http.server pyftpdlib") {
        roots.extend(call.positional().iter().map(|arg| arg.text.clone()));
    }
    if roots.is_empty() {
        roots.push(".".to_owned());
    }
    let is_private = |root: &String| {
        let full = run.full(root);
        let is_here = matches!(full.as_str(), "." | "*");
        (paths::is_everything(&full) && !is_here) || paths::is_secret(&full) || full == "~/.ssh"
    };
    if roots.iter().any(is_private) {
        run.found.add(SENDS, call.whole);
    }
}
