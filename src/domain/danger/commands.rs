//! What a shell command line does that is dangerous.

use super::shell::{self, Simple};
use super::{Found, paths};

/// Scripts within scripts that are looked into.
const MOST_DEPTH: usize = 4;

const DELETES: &str = "deletes directories with all that is in them";
const AS_ROOT: &str = "runs as another user, most likely root";
const FROM_NETWORK: &str = "runs a program from the network that nobody has read";
const UNREADABLE: &str = "runs a program that cannot be read here";
const LOSES_WORK: &str = "throws away work that is in no commit";
const REWRITES: &str = "rewrites or removes what others may have taken already";
const PUBLISHES: &str = "publishes something that cannot be taken back";
const REMOVES_DATA: &str = "removes containers, volumes or what runs in a cluster or cloud";
const DISK: &str = "writes over a disk or a whole file system";
const KILLS: &str = "kills processes without asking them";
const OPEN_TO_ALL: &str = "lets everybody change it, or run it as its owner";
const STOPS: &str = "stops this machine or a service of it";
/// Why SQL that removes is dangerous.
pub(super) const SQL: &str = "removes data from a database";

const SHELLS: [&str; 7] = ["sh", "bash", "zsh", "dash", "ksh", "fish", "ash"];
const INTERPRETERS: [&str; 7] = [
    "python",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "osascript",
];
const FETCHERS: [&str; 5] = ["curl", "wget", "fetch", "http", "aria2c"];
const DATABASES: [&str; 9] = [
    "psql",
    "mysql",
    "mariadb",
    "sqlite3",
    "duckdb",
    "sqlcmd",
    "clickhouse-client",
    "cockroach",
    "cqlsh",
];

/// Looks a command line through.
pub(super) fn look(line: &str, found: &mut Found) {
    script(line, 0, found);
}

fn script(line: &str, depth: usize, found: &mut Found) {
    if line
        .replace(char::is_whitespace, "")
        .contains(":(){:|:&};:")
    {
        found.add(STOPS, line.trim());
    }
    let commands = shell::commands(line);
    for command in &commands {
        let before = reads_from(&commands, command);
        for file in &command.writes {
            if let Some(reason) = paths::written(file) {
                found.add(reason, &format!("> {file}"));
            }
        }
        look_at(command, before, depth, found);
    }
}

/// The command whose output this one reads: of a chain of pipes the one that says most.
fn reads_from<'a>(commands: &'a [Simple], command: &Simple) -> Option<&'a Simple> {
    let before = |command: &Simple| commands.get(command.piped?);
    let nearest = before(command)?;
    std::iter::successors(Some(nearest), |command| before(command))
        .find(|command| FETCHERS.contains(&command.name()) || decodes(command.name()))
        .or(Some(nearest))
}

/// One command, and what it runs in turn.
fn look_at(command: &Simple, before: Option<&Simple>, depth: usize, found: &mut Found) {
    let name = command.name();
    let arguments = command.arguments();
    let whole = command.words.join(" ");
    if let Some(within) = wrapped(command, found) {
        if depth < MOST_DEPTH {
            look_at(&within, before, depth + 1, found);
        }
        return;
    }
    if SHELLS.contains(&name) || matches!(name, "eval" | "source" | ".") {
        runs_script(command, before, depth, found);
    } else if INTERPRETERS.contains(&name) {
        interprets(command, before, found);
    }
    if DATABASES.contains(&name) {
        let asked = arguments.iter().map(String::as_str);
        let piped = before.map(|before| before.words.join(" "));
        let given = command.given.as_deref();
        for sql in asked.chain(given).chain(piped.as_deref()) {
            if let Some(part) = destructive_sql(sql) {
                found.add(SQL, part);
            }
        }
    }
    if let Some(reason) = by_name(name, arguments) {
        found.add(reason, &whole);
    }
    files(name, arguments, &whole, found);
}

/// The command that this one runs as it is given: `sudo rm x` runs `rm x`.
fn wrapped(command: &Simple, found: &mut Found) -> Option<Simple> {
    let name = command.name();
    let takes_value: &[&str] = match name {
        "sudo" | "doas" | "pkexec" | "su" | "run0" => {
            found.add(AS_ROOT, &command.words.join(" "));
            &["-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-c"]
        }
        "env" => &["-u", "-C", "-S"],
        "nohup" | "command" | "exec" | "builtin" | "setsid" | "time" | "stdbuf" | "ionice"
        | "caffeinate" => &["-n", "-c", "-o", "-e", "-i", "-a"],
        "nice" => &["-n"],
        "timeout" => &["-s", "-k"],
        "xargs" | "parallel" => &["-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E", "-j"],
        "watch" => &["-n"],
        _ => return None,
    };
    let mut words = command.arguments();
    if name == "su" {
        // Only `-c` says what it runs, and that is a script.
        let at = words.iter().position(|word| word == "-c")?;
        let script = words.get(at + 1)?;
        words = std::slice::from_ref(script);
        return Some(Simple {
            words: ["sh", "-c", &words[0]].map(str::to_owned).to_vec(),
            ..command.clone()
        });
    }
    let mut skip = usize::from(name == "timeout");
    while let Some((first, rest)) = words.split_first() {
        let is_option = first.starts_with('-') && first.len() > 1;
        let is_assignment = name != "xargs" && first.contains('=') && !first.starts_with('-');
        if is_option {
            let value = usize::from(takes_value.contains(&first.as_str()));
            words = rest.get(value..).unwrap_or_default();
        } else if is_assignment {
            words = rest;
        } else if skip > 0 {
            skip -= 1;
            words = rest;
        } else {
            break;
        }
    }
    (!words.is_empty()).then(|| Simple {
        words: words.to_vec(),
        writes: Vec::new(),
        ..command.clone()
    })
}

/// A shell: what it is told to run, wherever that comes from.
fn runs_script(command: &Simple, before: Option<&Simple>, depth: usize, found: &mut Found) {
    let whole = command.words.join(" ");
    if command
        .made_of
        .iter()
        .any(|name| FETCHERS.contains(&name.as_str()))
    {
        found.add(FROM_NETWORK, &whole);
    } else if command.made_of.iter().any(|name| decodes(name)) {
        found.add(UNREADABLE, &whole);
    }
    let arguments = command.arguments();
    let named = arguments
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('c'));
    let told = match (command.name(), named) {
        ("eval", _) => Some(arguments.join(" ")),
        (_, Some(at)) => arguments.get(at + 1).cloned(),
        (_, None) => None,
    };
    let piped = before.and_then(|before| match before.name() {
        name if FETCHERS.contains(&name) => {
            found.add(
                FROM_NETWORK,
                &format!("{} | {whole}", before.words.join(" ")),
            );
            None
        }
        name if decodes(name) => {
            found.add(UNREADABLE, &format!("{} | {whole}", before.words.join(" ")));
            None
        }
        "echo" | "printf" => Some(before.arguments().join(" ")),
        _ => None,
    });
    if depth < MOST_DEPTH {
        for script_of in [told, piped, command.given.clone()].into_iter().flatten() {
            script(&script_of, depth + 1, found);
        }
    }
}

fn decodes(name: &str) -> bool {
    matches!(
        name,
        "base64" | "base32" | "xxd" | "openssl" | "gunzip" | "zcat" | "uudecode" | "rev" | "tr"
    )
}

/// Python and its like: only what is plain to see.
fn interprets(command: &Simple, before: Option<&Simple>, found: &mut Found) {
    let whole = command.words.join(" ");
    let inline = command
        .arguments()
        .iter()
        .any(|word| matches!(word.as_str(), "-" | "-c" | "-e"));
    let reads = command.arguments().is_empty() || inline;
    if let Some(before) = before.filter(|_| reads) {
        if FETCHERS.contains(&before.name()) {
            found.add(
                FROM_NETWORK,
                &format!("{} | {whole}", before.words.join(" ")),
            );
        } else if decodes(before.name()) {
            found.add(UNREADABLE, &format!("{} | {whole}", before.words.join(" ")));
        }
    }
    let given = command.given.as_deref().unwrap_or_default();
    let told = command.arguments().iter().map(String::as_str);
    for text in told.chain([given]) {
        if ["rmtree(", "rmSync(", "rm_rf(", "remove_tree("]
            .iter()
            .any(|call| text.contains(call))
        {
            found.add(DELETES, text.trim());
        }
    }
}

/// By a command's name and its arguments.
fn by_name(name: &str, arguments: &[String]) -> Option<&'static str> {
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map_or("", String::as_str);
    match name {
        "rm" if flag(arguments, 'r', "--recursive") || flag(arguments, 'R', "--recursive") => {
            Some(DELETES)
        }
        "rm" if arguments.iter().any(|word| is_everything(word)) => Some(DELETES),
        "find" if has("-delete") || runs_rm(arguments) => Some("deletes every file that it finds"),
        "rsync" if arguments.iter().any(|word| word.starts_with("--delete")) => {
            Some("deletes files that are missing in its source")
        }
        "git" => git(arguments),
        "dd" if arguments.iter().any(|word| word.starts_with("of=")) => Some(DISK),
        "shred" | "wipefs" | "fdisk" | "parted" | "sgdisk" | "blkdiscard" => Some(DISK),
        _ if name == "mkfs" || name.starts_with("mkfs.") || name == "newfs" => Some(DISK),
        "diskutil" if first.to_ascii_lowercase().contains("erase") => Some(DISK),
        "chmod" if arguments.iter().any(|mode| opens(mode)) => Some(OPEN_TO_ALL),
        "chown" | "chgrp" if flag(arguments, 'R', "--recursive") => {
            Some("changes the owner of a whole directory")
        }
        "kill" if kills(arguments) => Some(KILLS),
        "pkill" | "killall" => Some(KILLS),
        "shutdown" | "reboot" | "halt" | "poweroff" => Some(STOPS),
        "systemctl" | "launchctl" | "service"
            if arguments.iter().any(|word| {
                matches!(
                    word.as_str(),
                    "stop" | "disable" | "mask" | "kill" | "unload" | "bootout"
                )
            }) =>
        {
            Some(STOPS)
        }
        "iptables" | "nft" if has("-F") || has("flush") => Some("opens the firewall"),
        "ufw" if first == "disable" => Some("opens the firewall"),
        "crontab" if !has("-l") => Some("makes something run by itself later"),
        "useradd" | "userdel" | "usermod" | "passwd" | "visudo" | "chpasswd" => {
            Some("changes who may use this machine")
        }
        "docker" | "podman" | "docker-compose" => containers(arguments),
        "kubectl" | "oc" if first == "delete" || first == "drain" => Some(REMOVES_DATA),
        "helm" if matches!(first, "uninstall" | "delete") => Some(REMOVES_DATA),
        "terraform" | "tofu" | "pulumi"
            if has("destroy") || has("-auto-approve") || has("--auto-approve") || has("--yes") =>
        {
            Some(REMOVES_DATA)
        }
        "aws" if first == "s3" && (second == "rm" || second == "rb") => Some(REMOVES_DATA),
        "aws" | "gcloud" | "az"
            if arguments.iter().any(|word| {
                word == "delete" || word.starts_with("delete-") || word.starts_with("terminate-")
            }) =>
        {
            Some(REMOVES_DATA)
        }
        "npm" | "pnpm" | "yarn" | "bun" | "lerna"
            if matches!(first, "publish" | "unpublish")
                || (first == "npm" && second == "publish") =>
        {
            Some(PUBLISHES)
        }
        "cargo" | "poetry" | "uv" | "flit" | "hatch" | "vsce" | "ovsx" | "dart" | "flutter"
            if has("publish") && !has("--dry-run") =>
        {
            Some(PUBLISHES)
        }
        "twine" if first == "upload" => Some(PUBLISHES),
        "gem" if matches!(first, "push" | "yank") => Some(PUBLISHES),
        "gh" if matches!((first, second), ("release", "create") | ("repo", "delete")) => {
            Some(PUBLISHES)
        }
        "dropdb" => Some(SQL),
        "redis-cli"
            if arguments
                .iter()
                .any(|word| word.to_ascii_lowercase().starts_with("flush")) =>
        {
            Some(SQL)
        }
        "mongosh" | "mongo" if arguments.iter().any(|word| word.contains("dropDatabase")) => {
            Some(SQL)
        }
        _ => None,
    }
}

/// Whether a short flag, alone or among others, or its long form is there.
fn flag(arguments: &[String], short: char, long: &str) -> bool {
    arguments
        .iter()
        .take_while(|word| *word != "--")
        .any(|word| {
            word == long
                || (word.len() > 1
                    && word.starts_with('-')
                    && !word.starts_with("--")
                    && word[1..].contains(short))
        })
}

/// A path that stands for all there is.
fn is_everything(path: &str) -> bool {
    matches!(
        path.trim_end_matches('/'),
        "" | "~" | "*" | "." | ".." | "/*" | "~/*" | "./*" | "$HOME" | "$HOME/*" | "${HOME}"
    ) && !path.is_empty()
}

fn runs_rm(arguments: &[String]) -> bool {
    arguments.windows(2).any(|pair| {
        matches!(pair[0].as_str(), "-exec" | "-execdir" | "-ok")
            && matches!(pair[1].rsplit('/').next(), Some("rm" | "shred" | "unlink"))
    })
}

fn opens(mode: &str) -> bool {
    let digits =
        mode.len() >= 3 && mode.len() <= 4 && mode.chars().all(|c| ('0'..='7').contains(&c));
    if digits {
        let all = mode.chars().last().and_then(|c| c.to_digit(8)).unwrap_or(0);
        let special = mode.len() == 4 && matches!(mode.chars().next(), Some('4' | '6' | '2'));
        return all & 2 != 0 || special;
    }
    let Some((who, what)) = mode.split_once(['+', '=']) else {
        return false;
    };
    let lets = who.is_empty() || who.contains('a') || who.contains('o');
    who.chars().all(|c| "ugoa".contains(c))
        && ((lets && !who.is_empty() && what.contains('w')) || what.contains('s'))
}

fn kills(arguments: &[String]) -> bool {
    let by_signal = |word: &String| {
        matches!(
            word.trim_start_matches('-').to_ascii_uppercase().as_str(),
            "9" | "KILL" | "SIGKILL"
        )
    };
    let mut before = "";
    for word in arguments {
        let named = matches!(before, "-s" | "-n" | "--signal");
        if (word.starts_with('-') || named) && by_signal(word) {
            return true;
        }
        // Every process that one may signal.
        if word == "-1" && !before.is_empty() {
            return true;
        }
        before = word;
    }
    false
}

fn git(arguments: &[String]) -> Option<&'static str> {
    // Options of git itself come before the verb.
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        if !first.starts_with('-') {
            break;
        }
        let value = usize::from(matches!(
            first.as_str(),
            "-C" | "-c" | "--git-dir" | "--work-tree"
        ));
        rest = after.get(value..).unwrap_or_default();
    }
    let (verb, rest) = rest.split_first()?;
    let has = |word: &str| rest.iter().any(|argument| argument == word);
    let first = rest.first().map_or("", String::as_str);
    match verb.as_str() {
        "push" => {
            let forced = flag(rest, 'f', "--force")
                || rest
                    .iter()
                    .any(|word| word.starts_with("--force-with-lease"));
            let removes = has("--delete") || has("-d") || has("--mirror") || has("--prune");
            let by_refspec = rest
                .iter()
                .any(|word| (word.starts_with('+') || word.starts_with(':')) && word.len() > 1);
            (forced || removes || by_refspec).then_some(REWRITES)
        }
        "reset" if has("--hard") => Some(LOSES_WORK),
        "clean" if flag(rest, 'f', "--force") && !flag(rest, 'n', "--dry-run") => Some(LOSES_WORK),
        "checkout" | "restore"
            if (rest
                .iter()
                .any(|word| matches!(word.as_str(), "." | ":/" | "*"))
                && !has("--staged"))
                || (verb == "checkout" && flag(rest, 'f', "--force")) =>
        {
            Some(LOSES_WORK)
        }
        "branch" if flag(rest, 'D', "--delete-force") => Some(LOSES_WORK),
        "stash" if matches!(first, "drop" | "clear") => Some(LOSES_WORK),
        "reflog" if matches!(first, "expire" | "delete") => Some(LOSES_WORK),
        "worktree" if first == "remove" && flag(rest, 'f', "--force") => Some(LOSES_WORK),
        "filter-branch" | "filter-repo" => Some(REWRITES),
        "update-ref" if has("-d") => Some(LOSES_WORK),
        _ => None,
    }
}

fn containers(arguments: &[String]) -> Option<&'static str> {
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let volumes = has("-v") || has("--volumes");
    let removes = has("prune")
        || (has("volume") && has("rm"))
        || (has("down") && volumes)
        || (has("rm") && (has("-f") || has("-fv") || has("--force")));
    if removes {
        return Some(REMOVES_DATA);
    }
    let open = has("--privileged")
        || arguments
            .iter()
            .any(|word| word.contains("docker.sock") || word.starts_with("/:/"));
    (has("run") && open).then_some("gives a container the run of this machine")
}

/// Files among the arguments: secrets at all, and what a writing command writes.
fn files(name: &str, arguments: &[String], whole: &str, found: &mut Found) {
    // A search pattern or a text to print is no file.
    if matches!(
        name,
        "echo" | "printf" | "grep" | "rg" | "git" | "ls" | "test" | "["
    ) {
        return;
    }
    for word in arguments {
        let path = word.split_once('=').map_or(word.as_str(), |(_, path)| path);
        let path = path.trim_start_matches('@');
        if !path.starts_with('-') && paths::is_secret(path) {
            found.add(paths::SECRETS, whole);
        }
    }
    let targets: &[String] = match name {
        "tee" | "touch" | "truncate" | "unlink" | "rm" | "mkdir" => arguments,
        "cp" | "mv" | "ln" | "install" | "rsync" | "scp" => {
            arguments.last().map_or(&[], std::slice::from_ref)
        }
        "sed" | "perl" if arguments.iter().any(|word| word.starts_with("-i")) => arguments,
        _ => &[],
    };
    for target in targets.iter().filter(|word| !word.starts_with('-')) {
        if let Some(reason) = paths::written(target) {
            found.add(reason, whole);
        }
    }
}

/// The statement of a text that removes data.
pub(super) fn destructive_sql(sql: &str) -> Option<&str> {
    sql.split(';').map(str::trim).find(|statement| {
        let upper: Vec<String> = statement
            .split_whitespace()
            .take(12)
            .map(str::to_ascii_uppercase)
            .collect();
        let words: Vec<&str> = upper.iter().map(String::as_str).collect();
        let begins = |start: &[&str]| words.windows(start.len()).any(|window| window == start);
        let drops = ["TABLE", "DATABASE", "SCHEMA", "VIEW", "INDEX", "COLUMN"]
            .iter()
            .any(|what| begins(&["DROP", what]));
        let deletes_all = begins(&["DELETE", "FROM"])
            && !statement
                .split_whitespace()
                .any(|word| word.eq_ignore_ascii_case("where"));
        drops || deletes_all || words.first() == Some(&"TRUNCATE") || begins(&["TRUNCATE", "TABLE"])
    })
}
