//! The network: what is sent away, what is let in, what asks a server to delete.

use super::super::paths;
use super::super::reason::{RAW_CONNECTION, REMOTE_SHELL, REMOVES_DATA, SENDS};
use super::super::run::Run;
use super::super::value::Origin;
use super::{Call, trees};

/// Programs that speak HTTP.
pub(super) const FETCHERS: &str = "curl wget fetch http https xh curlie aria2c axel lwp-request GET POST hurl httpie wget2 lynx w3m links elinks";

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    let name = call.name;
    if call.is(FETCHERS) {
        http(run, call);
    }
    match name {
        "nc" | "ncat" | "netcat" | "socat" | "telnet" | "cryptcat" | "pwncat" | "openssl"
            if name != "openssl"
                || call
                    .words()
                    .any(|word| word == "s_client" || word == "s_server") =>
        {
            raw(run, call);
        }
        "scp" | "rsync" | "sftp" | "rclone" | "ftp" | "lftp" | "tftp" | "ncftpput" => {
            copies(run, call)
        }
        "mail" | "mailx" | "mutt" | "sendmail" | "msmtp" | "swaks"
            if (call.stdin.is_secret
                || call.stdin.origin == Origin::File
                || call.has("-a -A --attach")) =>
        {
            run.found.add(SENDS, call.whole);
        }
        "dig" | "nslookup" | "host" | "ping" | "traceroute"
            if call.args.iter().any(|arg| {
                !arg.is_known() && arg.text.contains("$(") && arg.text.contains('.')
            }) =>
        {
            run.found.add(SENDS, call.whole);
        }
        "ssh" | "autossh" => {
            if call.has("-R -D -L")
                && call.options().any(|word| {
                    word.starts_with("-R")
                        || word == "-R"
                        || word.ends_with('R') && !word.starts_with("--")
                })
            {
                run.found.add(REMOTE_SHELL, call.whole);
            }
            if call.stdin.is_secret {
                run.found.add(SENDS, call.whole);
            }
        }
        "ngrok" | "cloudflared" | "lt" | "localtunnel" | "bore" | "frpc" | "tailscale"
        | "chisel" | "gost" | "ttyd" | "gotty" | "sshd" | "tmate" | "teleconsole" | "wetty"
        | "dropbear" | "telnetd" | "vncserver" | "x11vnc" => {
            let words: Vec<&str> = call.words().collect();
            let only_asks = matches!(
                words.first(),
                Some(
                    &("status"
                        | "version"
                        | "ip"
                        | "config"
                        | "netcheck"
                        | "-t"
                        | "-T"
                        | "ping"
                        | "--version"
                        | "login")
                )
            );
            if !only_asks {
                run.found.add(REMOTE_SHELL, call.whole);
            }
        }
        "croc"
        | "wormhole"
        | "magic-wormhole"
        | "pastebinit"
        | "termbin"
        | "ix"
        | "transfer"
        | "ffsend"
        | "gist"
        | "dropbox_uploader.sh"
        | "onionshare-cli"
            if !call.words().any(|word| word == "receive") =>
        {
            run.found.add(SENDS, call.whole);
        }
        "gh" if call.words().take(2).eq(["gist", "create"]) => run.found.add(SENDS, call.whole),
        "aws" | "gsutil" | "gcloud" | "az" | "azcopy" | "s3cmd" | "mc" => {
            let reads_secret = call
                .args
                .iter()
                .any(|arg| !arg.text.contains("://") && paths::is_secret(&run.full(&arg.text)));
            let copies = call.words().any(|word| {
                matches!(
                    word,
                    "cp" | "sync" | "mv" | "put" | "upload" | "copy" | "upload-batch" | "rsync"
                )
            });
            if copies && (reads_secret || call.stdin.is_secret) {
                run.found.add(SENDS, call.whole);
            }
        }
        _ => {}
    }
    trees::judge(run, call);
}

/// Whether an address is this machine.
fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    [
        "localhost",
        "127.",
        "[::1]",
        "::1",
        "0.0.0.0",
        "host.docker.internal",
        ":",
    ]
    .iter()
    .any(|local| host.starts_with(local))
}

fn http(run: &mut Run<'_>, call: &Call<'_>) {
    let words: Vec<&str> = call.words().collect();
    let methods = call.values("-X --request --method");
    let deletes = methods.iter().any(|method| {
        method.eq_ignore_ascii_case("DELETE") || method.eq_ignore_ascii_case("PURGE")
    }) || (call.is("http https xh curlie httpie")
        && words.iter().take(6).any(|word| *word == "DELETE"));
    let urls: Vec<&str> = words
        .iter()
        .filter(|word| {
            !word.starts_with('-')
                && (word.contains('.') || word.contains(':') || word.contains("localhost"))
        })
        .copied()
        .collect();
    let local = urls.iter().any(|url| is_local(url))
        && urls.iter().all(|url| is_local(url) || !url.contains("://"));
    // Stores that ask nobody before they delete.
    let store = urls.iter().any(|url| {
        [
            ":9200", ":2379", ":5984", ":8500", ":15672", ":2375", ":8091", ":6333", ":8086",
            ":9090", "/_all", "/*",
        ]
        .iter()
        .any(|port| url.contains(port))
    });
    let socket = call.values("--unix-socket");
    let ours = socket.iter().any(|path| path.contains("humanlayer"))
        || urls.iter().any(|url| {
            is_local(url) && url.contains("/humanlayer/")
                || url.contains(":7777/") && url.contains("approval")
        });
    if ours {
        run.found.add(super::super::reason::DECIDES, call.whole);
    }
    if socket.iter().any(|path| path.contains("docker.sock"))
        && (deletes
            || methods
                .iter()
                .any(|method| method.eq_ignore_ascii_case("POST")))
    {
        run.found
            .add(super::super::reason::RUN_OF_MACHINE, call.whole);
    }
    let by_query = store
        && words
            .iter()
            .any(|word| word.contains("_delete_by_query") || word.contains("/_close"));
    if (deletes && (!local || store || !socket.is_empty())) || by_query {
        run.found.add(REMOVES_DATA, call.whole);
    }
    if urls.iter().any(|url| {
        url.contains("169.254.169.254")
            || url.contains("metadata.google.internal")
            || url.contains("100.100.100.200")
            || url.contains("169.254.170.2")
    }) {
        run.found.add(paths::SECRETS, call.whole);
    }
    if local {
        return;
    }
    let data = call.values("-d --data --data-binary --data-raw --data-ascii --data-urlencode --json -F --form --form-string --post-data --post-file --body-data --body-file");
    let uploads = call.values("-T --upload-file");
    let secret = call.args.iter().any(|arg| arg.is_secret);
    let sends_stdin = data
        .iter()
        .any(|data| data == "@-" || data.ends_with("=@-") || data == "@/dev/stdin" || data == "-")
        || uploads.iter().any(|path| path == "-" || path == ".")
        || call
            .values("--post-file")
            .iter()
            .any(|path| path == "-" || path == "/dev/stdin");
    let stdin_matters = call.stdin.is_secret
        || call.stdin.origin == Origin::File
        || (call.stdin.origin == Origin::Computed && holds_much(&call.stdin.label));
    let file_of = |text: &str| {
        let path = text.rsplit_once('@').map_or(text, |(_, path)| path);
        let path = path.split(';').next().unwrap_or(path);
        run.full(path)
    };
    let is_private = |path: &str| {
        paths::is_secret(path)
            || paths::is_data(path)
            || paths::is_system(path)
            || path.starts_with("~/")
            || path.ends_with(".tar.gz")
            || path.ends_with(".tgz")
            || path.ends_with(".zip")
            || path.ends_with(".tar")
            || run.files.get(path).is_some_and(|flow| flow.is_secret)
    };
    let post_files = call.values("--post-file --body-file");
    let sends_file = data
        .iter()
        .filter(|text| text.contains('@') && !text.contains("://"))
        .any(|text| is_private(&file_of(text)))
        || !uploads.is_empty() && !sends_stdin
        || post_files
            .iter()
            .any(|path| path != "-" && !path.ends_with(".json"));
    let names_secret = data
        .iter()
        .chain(&uploads)
        .chain(&post_files)
        .any(|text| paths::is_secret(&file_of(text)));
    if names_secret {
        run.found.add(paths::SECRETS, call.whole);
    }
    if secret || (sends_stdin && stdin_matters) || sends_file {
        run.found.add(SENDS, call.whole);
    }
    let by_output = call.args.iter().any(|arg| {
        !arg.is_known()
            && arg.text.contains("$(")
            && [
                "$(cat",
                "$(env",
                "$(printenv",
                "$(base64",
                "$(tar",
                "$(history",
                "$(ls",
                "$(id",
                "$(whoami",
                "$(hostname",
                "$(<",
                "$(set",
                "$(head",
                "$(tail",
                "$(grep",
                "$(uname",
                "$(ps",
                "$(ifconfig",
            ]
            .iter()
            .any(|begin| arg.text.contains(begin))
    });
    if by_output {
        run.found.add(SENDS, call.whole);
    }
}

/// Whether a command's output is a lot, or much of what is here.
pub(super) fn holds_much(label: &str) -> bool {
    let name = label.split_whitespace().next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or(name);
    matches!(
        name,
        "tar"
            | "zip"
            | "env"
            | "printenv"
            | "set"
            | "history"
            | "gzip"
            | "pg_dump"
            | "mysqldump"
            | "mongodump"
            | "pg_dumpall"
            | "base64"
            | "xxd"
            | "gpg"
            | "7z"
            | "zstd"
            | "find"
            | "ps"
            | "crontab"
            | "export"
            | "declare"
            | "openssl"
            | "git"
            | "cat"
            | "sqlite3"
    )
}

fn raw(run: &mut Run<'_>, call: &Call<'_>) {
    let words: Vec<&str> = call.words().collect();
    let runs = call.has("-e -c --exec --sh-exec") && call.is("nc ncat netcat cryptcat pwncat")
        || words.iter().any(|word| {
            let upper = word.to_ascii_uppercase();
            upper.starts_with("EXEC:")
                || upper.starts_with("SYSTEM:")
                || upper.contains(",EXEC:")
                || upper.contains("EXEC:")
        });
    if runs {
        run.found.add(REMOTE_SHELL, call.whole);
        return;
    }
    let feeder = call
        .stdin
        .label
        .split_whitespace()
        .next()
        .unwrap_or_default();
    if matches!(
        feeder.rsplit('/').next(),
        Some("sh" | "bash" | "zsh" | "dash")
    ) {
        run.found.add(REMOTE_SHELL, call.whole);
    }
    let scans = call.has("-z");
    let is_file = call.stdin.origin == Origin::File && !call.stdin.label.is_empty();
    let sends = call.stdin.is_secret
        || is_file
        || (call.stdin.origin == Origin::Computed && holds_much(&call.stdin.label));
    if sends && !scans {
        run.found.add(SENDS, call.whole);
        return;
    }
    let listens = call.has("-l --listen")
        || words
            .iter()
            .any(|word| word.to_ascii_uppercase().contains("-LISTEN"));
    let reaches = call.name == "socat"
        && words.iter().any(|word| {
            word.contains("/etc/") || word.starts_with("FILE:/") || word.contains(".sock")
        });
    if listens || reaches {
        run.found.add(RAW_CONNECTION, call.whole);
    }
}

/// Files that are copied to another machine.
fn copies(run: &mut Run<'_>, call: &Call<'_>) {
    let files = call.positional();
    let remote = files
        .last()
        .is_some_and(|arg| arg.text.contains(':') && !arg.text.starts_with(['/', '.']));
    if !remote {
        return;
    }
    let private = files.iter().rev().skip(1).any(|arg| {
        let full = run.full(&arg.text);
        paths::is_secret(&full)
            || paths::is_data(&full)
            || paths::is_system(&full)
            || matches!(
                full.as_str(),
                "~" | "/" | "~/.ssh" | "~/.aws" | "~/.gnupg" | "~/.config" | "~/.kube"
            )
            || full.ends_with("/.ssh")
            || full == "~/Documents"
            || run.files.get(&full).is_some_and(|flow| flow.is_secret)
    });
    if private {
        run.found.add(SENDS, call.whole);
    }
}
