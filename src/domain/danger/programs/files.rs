//! Files: what is deleted, emptied, moved away, opened to all, and what holds secrets.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::super::paths;
use super::super::reason::{
    DELETES, DELETES_FILES, DELETES_FOUND, DELETES_MISSING, EMPTIES, LOCKS_OUT, OPEN_TO_ALL,
    OVERWRITES, OWNER,
};
use super::super::run::Run;
use super::super::value::{Arg, Origin};
use super::Call;

/// Programs to which files are names, not what is in them.
const NAMES_ONLY: &str = "ls ll la dir vdir tree exa eza lsd stat test [ [[ file du df find fd fdfind locate which whereis \
    type basename dirname realpath readlink chmod chown chgrp mkdir rmdir git hg svn jj touch ssh ssh-add \
    ssh-keygen ssh-copy-id ssh-keyscan kubectl docker docker-compose podman helm aws gcloud az terraform tofu make cargo \
    npm pnpm yarn bun npx pnpx bunx node python python3 ruby perl php go java mvn gradle pytest jest vitest tsc eslint prettier \
    ruff black mypy dotenv certbot mkcert step ansible ansible-playbook systemctl md5sum sha1sum sha256sum sha512sum \
    shasum b2sum cksum getfacl lsattr wc gh humanlayer claude unlink rm shred openssl gpg gitleaks trufflehog \
    detect-secrets psql mysql pg_dump mongosh redis-cli rustc gcc clang nginx caddy sqlite3 deno tmux screen kill pkill";

/// Programs whose words are texts and not files or verbs.
const TEXT_TOOLS: &str = "echo printf print say banner figlet cowsay espeak notify-send logger wall write yes expr seq \
    man info tldr help apropos whatis cheat cht.sh history fc alias unalias export set env test [ [[ true false : \
    ls ll la dir tree exa eza lsd cat bat less more most head tail grep egrep fgrep rg ag ack ugrep zgrep pgrep pidof \
    sed awk gawk mawk cut sort uniq tr wc diff cmp comm tac nl rev fold fmt column paste join split csplit tee xargs \
    find fd fdfind locate which whereis whatis type command file stat du df basename dirname realpath readlink cd pushd \
    mkdir touch cp mv ln install rm rmdir chmod chown git gitk tig vi vim nvim nano emacs ed code subl open xdg-open \
    jq yq xq gron mlr csvcut csvgrep xsv fzf make cmake ninja bazel buck just task mage rake grunt gulp cargo go npm npx \
    pnpm yarn bun bunx deno node python python3 python2 ruby perl php lua java javac kotlin scala dotnet swift rustc gcc \
    clang pytest py.test jest vitest mocha karma cypress playwright rspec phpunit tox nox unittest nose2 ctest gtest \
    ginkgo gotestsum mvn gradle sbt lein mix stack cabal eslint prettier tsc ruff black mypy pylint flake8 rubocop \
    shellcheck date cal sleep time timeout watch bc dc factor id who whoami w last uptime uname hostname ps top htop \
    curl wget http https xh ping dig nslookup host ssh scp docker kubectl psql mysql sqlite3 claude humanlayer \
    codex gemini aider tmux screen convert ffmpeg magick exiftool pandoc rails manage.py artisan nx turbo lerna \
    storybook ng vue vite webpack rollup esbuild swc babel hugo jekyll mkdocs sphinx-build ansible-doc zstd gzip";

const PRINTERS: &str = "echo printf print say notify-send logger";

/// Whether files are but names to a program.
pub(super) fn only_names(name: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| NAMES_ONLY.split_whitespace().collect())
        .contains(name)
}

/// Whether a program's words are texts to it.
pub(super) fn is_text_tool(name: &str) -> bool {
    static SET: OnceLock<HashSet<&'static str>> = OnceLock::new();
    SET.get_or_init(|| TEXT_TOOLS.split_whitespace().collect())
        .contains(name)
}

pub(super) fn is_printer(name: &str) -> bool {
    PRINTERS.split(' ').any(|known| known == name)
}

pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if let Some(reason) = verdict(run, call) {
        run.found.add(reason, call.whole);
    }
    written(run, call);
    secrets(run, call);
}

fn verdict(run: &Run<'_>, call: &Call<'_>) -> Option<&'static str> {
    let words: Vec<&str> = call.words().collect();
    let has = |word: &str| words.contains(&word);
    let files = || call.positional();
    match call.name {
        "rm" | "grm" | "unlink" | "del" | "erase" | "rimraf" | "del-cli" | "trash" | "rd"
        | "srm" | "rmtree" => {
            let deep = call.has("-r -R --recursive") || call.is("rimraf rmtree rd");
            let everything = files().iter().any(|arg| {
                let full = run.full(&arg.text);
                paths::is_everything(&full)
                    || paths::is_everything(&arg.text)
                    || (arg.is_glob
                        && (arg.text == "*"
                            || arg.text.ends_with("/*")
                            || arg.text.ends_with(".*")
                            || arg.text.starts_with("!(")
                            || arg.text.starts_with("**")))
            });
            let data = files().iter().any(|arg| {
                paths::is_data(&run.full(&arg.text)) && !run.full(&arg.text).starts_with("/tmp/")
            });
            let of_git = files()
                .iter()
                .any(|arg| arg.text.contains(".git/") && !arg.text.ends_with(".lock"));
            let passed = files().iter().any(|arg| {
                matches!(arg.text.as_str(), "{}" | "$read" | "$each")
                    || (arg.origin == Origin::Computed && arg.text.starts_with("$("))
            });
            let files = files();
            let is_made_again = |arg: &&Arg| !arg.is_glob && paths::is_made_again(&arg.text);
            match () {
                () if !files.is_empty() && files.iter().all(is_made_again) => None,
                () if deep || everything => Some(DELETES),
                () if data || of_git => Some(DELETES_FILES),
                () if passed => Some(DELETES_FOUND),
                () => None,
            }
        }
        "rmdir" => None,
        "find" | "gfind" => {
            let runs = words.windows(2).any(|pair| {
                matches!(
                    pair.first(),
                    Some(&("-exec" | "-execdir" | "-ok" | "-okdir"))
                ) && matches!(
                    pair.get(1)
                        .map(|name| name.rsplit('/').next().unwrap_or(name)),
                    Some("rm" | "shred" | "unlink" | "srm" | "trash")
                )
            });
            (has("-delete") || runs).then_some(DELETES_FOUND)
        }
        "fd" | "fdfind" => {
            let at = words
                .iter()
                .position(|word| matches!(*word, "-x" | "-X" | "--exec" | "--exec-batch"));
            at.and_then(|at| words.get(at + 1))
                .filter(|name| matches!(**name, "rm" | "shred" | "unlink"))
                .map(|_| DELETES_FOUND)
        }
        "rsync" => {
            let dry = call.has("-n --dry-run");
            (!dry
                && words.iter().any(|word| {
                    word.starts_with("--delete")
                        || *word == "--remove-source-files"
                        || *word == "--del"
                }))
            .then_some(DELETES_MISSING)
        }
        "robocopy" => words
            .iter()
            .any(|word| {
                matches!(
                    word.to_ascii_uppercase().as_str(),
                    "/MIR" | "/PURGE" | "/MOVE"
                )
            })
            .then_some(DELETES_MISSING),
        "unison" => (call.has("-batch") && call.has("-force")).then_some(DELETES_MISSING),
        "truncate" => {
            let sizes = call.values("-s --size");
            let shrinks = sizes.iter().any(|size| {
                size == "0" || size.starts_with(['-', '<', '/', '%']) || size.starts_with("0")
            });
            let kept = files()
                .iter()
                .any(|arg| paths::is_kept(&run.full(&arg.text)));
            (shrinks && kept).then_some(EMPTIES)
        }
        "fallocate" => call
            .has("-p -c --punch-hole --collapse-range --zero-range -z")
            .then_some(EMPTIES),
        "cp" | "mv" | "ln" => moves(run, call, &words),
        "install" if call.values("-m --mode").iter().any(|mode| opens(mode)) => Some(OPEN_TO_ALL),
        "chmod" => chmod(run, call, &words),
        "chown" | "chgrp" => {
            let deep = call.has("-R --recursive");
            let wide = files()
                .iter()
                .any(|arg| paths::is_system(&run.full(&arg.text)));
            (deep || wide).then_some(OWNER)
        }
        "setfacl" => (call.has("-b -x -k --remove-all --restore -R")
            || words
                .iter()
                .any(|word| word.contains("o::rwx") || word.contains("other:")))
        .then_some(OPEN_TO_ALL),
        "tar" | "bsdtar" => {
            let target = call.values("-C --directory");
            let deep = target
                .iter()
                .any(|path| paths::is_everything(&run.full(path)) && run.full(path) != ".");
            let extracts =
                words.first().is_some_and(|word| word.contains('x')) || call.has("-x --extract");
            match () {
                () if has("--remove-files") => Some(DELETES_FILES),
                () if extracts
                    && (deep
                        || has("--overwrite")
                        || call.has("-P --absolute-names --unlink-first --recursive-unlink")) =>
                {
                    Some(OVERWRITES)
                }
                () => None,
            }
        }
        "zip" => call.has("-m --move -d --delete").then_some(DELETES_FILES),
        "7z" | "7za" | "7zz" if has("d") || has("-sdel") => Some(DELETES_FILES),
        "7z" | "7za" | "7zz" => {
            let target = words.iter().find_map(|word| word.strip_prefix("-o"));
            let over = words.iter().any(|word| matches!(*word, "-y" | "-aoa"));
            (over
                && target.is_some_and(|path| {
                    paths::is_everything(&run.full(path)) && run.full(path) != "."
                }))
            .then_some(OVERWRITES)
        }
        "unzip" => (call.has("-o")
            && call
                .values("-d")
                .iter()
                .any(|path| paths::is_everything(&run.full(path))))
        .then_some(OVERWRITES),
        "rename" | "prename" | "perl-rename" => call.has("-f --force").then_some(OVERWRITES),
        "sponge" => (call.stdin.is_nothing()
            && files()
                .iter()
                .any(|arg| paths::is_kept(&run.full(&arg.text))))
        .then_some(EMPTIES),
        "perl" | "ruby" => {
            let in_place = words
                .iter()
                .any(|word| word.starts_with("-pi") || word.starts_with("-i"));
            let empties = ["s/.*//", "s/^.*//", "s{.*}{}", "s|.*||"];
            (in_place
                && words
                    .iter()
                    .any(|word| empties.iter().any(|begin| word.starts_with(begin))))
            .then_some(EMPTIES)
        }
        "ssh-keygen" => {
            let agrees = call
                .stdin
                .text
                .as_deref()
                .is_some_and(|text| text.starts_with('y'));
            (agrees && call.has("-f -t")).then_some(OVERWRITES)
        }
        "ed" => {
            let text = call.stdin.text.as_deref().unwrap_or_default();
            (text.starts_with(",d") || text.starts_with("1,$d") || text.starts_with("%d"))
                .then_some(EMPTIES)
        }
        "clean" | "git-clean" => None,
        "Remove-Item" | "ri" => Some(DELETES),
        "logrotate" => None,
        _ => None,
    }
}

/// Files that are copied, moved or linked over others, or away.
fn moves(run: &Run<'_>, call: &Call<'_>, words: &[&str]) -> Option<&'static str> {
    let mut files = call.positional();
    let target = call.values("-t --target-directory").first().cloned();
    let target = match target {
        Some(target) => target,
        None => files.pop()?.text.clone(),
    };
    let empty = files.iter().any(|arg| run.full(&arg.text) == "/dev/null");
    if call.name == "cp" && empty {
        return paths::is_kept(&run.full(&target)).then_some(EMPTIES);
    }
    if matches!(call.name, "cp" | "install")
        && paths::is_disk(run.full(&target).strip_prefix("/dev/").unwrap_or(""))
    {
        return Some(super::super::reason::DISK);
    }
    if call.name != "mv" {
        return None;
    }
    let is_gone = run.full(&target) == "/dev/null";
    let everything = files.iter().any(|arg| {
        let full = run.full(&arg.text);
        (arg.is_glob
            && matches!(
                arg.text.as_str(),
                "*" | "./*" | ".*" | "~/*" | "/*" | "../*"
            ))
            || (full == "~" || full == "/" || full == "." || paths::is_system(&full))
            || (full.starts_with("~/") && full.ends_with("/*"))
            || full.ends_with("/.git")
            || full == ".git"
            || full == "./.git"
    });
    let data = files.iter().any(|arg| paths::is_data(&run.full(&arg.text)))
        && (target.starts_with("/tmp") || words.contains(&"-f"));
    (is_gone || everything || data).then_some(OVERWRITES)
}

fn chmod(run: &Run<'_>, call: &Call<'_>, words: &[&str]) -> Option<&'static str> {
    let deep = call.has("-R --recursive");
    let modes: Vec<&&str> = words
        .iter()
        .filter(|word| !word.starts_with("--") && **word != "-R")
        .take(3)
        .collect();
    let wide = call
        .positional()
        .iter()
        .skip(1)
        .any(|arg| paths::is_everything(&run.full(&arg.text)) && run.full(&arg.text) != ".");
    let mode = modes.iter().find(|mode| is_mode(mode))?;
    if opens(mode) {
        return Some(OPEN_TO_ALL);
    }
    let digits = mode.chars().all(|c| c.is_ascii_digit());
    let last_three = mode.get(mode.len().saturating_sub(3)..).unwrap_or_default();
    let locks = if digits {
        last_three.starts_with('0')
            || (deep && last_three.starts_with(['1', '2', '4']) && !last_three.starts_with("44"))
    } else {
        deep && mode.split(',').any(|part| {
            part.strip_prefix(['a', 'u', '+'])
                .unwrap_or(part)
                .starts_with(['-', '='])
                && !part.starts_with(['g', 'o'])
                && (part.contains("-r")
                    || part.contains("-w")
                    || part.contains("-x")
                    || part.ends_with('='))
        })
    };
    (locks || (deep && wide)).then_some(LOCKS_OUT)
}

fn is_mode(word: &str) -> bool {
    let digits = (1..=5).contains(&word.len()) && word.chars().all(|c| ('0'..='7').contains(&c));
    let letters =
        word.contains(['+', '-', '=']) && word.chars().all(|c| "ugoarwxXst+-=,0".contains(c));
    digits || letters
}

fn opens(mode: &str) -> bool {
    if mode.chars().all(|c| c.is_ascii_digit()) {
        let number = u32::from_str_radix(mode, 8).unwrap_or(0);
        return number & 0o2 != 0 && mode.len() >= 3 || (number & 0o6000 != 0 && mode.len() >= 4);
    }
    mode.split(',').any(|part| {
        let Some((who, what)) = part.split_once(['+', '=']) else {
            return false;
        };
        let all = who.contains('a') || who.contains('o');
        (all && what.contains('w'))
            || what.contains('s')
            || (who.is_empty()
                && what.contains('w')
                && what.contains('x')
                && what.contains('r')
                && what.len() == 3)
    })
}

/// Files that it writes, and why that matters.
fn written(run: &mut Run<'_>, call: &Call<'_>) {
    let positional = call.positional();
    let last = |args: &[&Arg]| {
        args.last()
            .map(|arg| arg.text.clone())
            .into_iter()
            .collect::<Vec<_>>()
    };
    let all = |args: &[&Arg]| args.iter().map(|arg| arg.text.clone()).collect::<Vec<_>>();
    let in_place = call.options().any(|word| {
        word.starts_with("-i")
            || word == "--in-place"
            || word.starts_with("-pi")
            || word.starts_with("-ni")
    });
    let targets = match call.name {
        "tee" | "touch" | "truncate" | "unlink" | "rm" | "mkdir" | "rmdir" | "sponge" | "ed"
        | "ex" | "patch" | "vipw" => all(&positional),
        "vi" | "vim" | "nvim" | "nano" | "emacs" | "code" | "pico" | "micro" => all(&positional),
        "mv" => {
            let mut targets = all(&positional);
            targets.extend(call.values("-t --target-directory"));
            targets
        }
        "mount" if call.has("--bind --rbind") => last(&positional),
        "cp" | "ln" | "install" | "rsync" | "scp" => {
            let named = call.values("-t --target-directory");
            if named.is_empty() {
                last(&positional)
            } else {
                named
            }
        }
        "sed" | "perl" | "gsed" | "ruby" | "awk" | "gawk" if in_place => all(&positional),
        "find" | "gfind" => call.values("-fprint -fprintf -fls -fprint0"),
        "curl" => call.values("-o --output -c --cookie-jar -D --dump-header"),
        "wget" => call.values("-O --output-document -P --directory-prefix"),
        "tar" | "bsdtar"
            if call.args.first().is_some_and(|arg| arg.text.contains('x'))
                || call.has("-x --extract") =>
        {
            call.values("-C --directory")
        }
        "unzip" | "gunzip" => call.values("-d"),
        "openssl" | "gpg" | "ssh-keygen" | "age" => call
            .values("-out -o --output")
            .into_iter()
            .filter(|path| paths::is_system(&run.full(path)))
            .collect(),
        "sqlite3" => positional
            .first()
            .map(|arg| arg.text.clone())
            .into_iter()
            .filter(|path| paths::is_system(&run.full(path)))
            .collect(),
        _ => Vec::new(),
    };
    for target in targets {
        let full = run.full(&target);
        let from_template = call.is("cp install mv")
            && positional
                .first()
                .is_some_and(|arg| paths::is_template(&arg.text));
        let harmless = call.is("touch mkdir") && paths::is_secret(&full)
            || from_template && paths::is_secret(&full);
        if let Some(reason) = paths::written(&full).filter(|_| !harmless) {
            run.found.add(reason, call.whole);
        }
        if call.name == "tee"
            && call.stdin.is_nothing()
            && !call.has("-a --append")
            && paths::is_kept(&full)
        {
            run.found.add(EMPTIES, call.whole);
        }
    }
}

/// Files with secrets whose contents it reads.
fn secrets(run: &mut Run<'_>, call: &Call<'_>) {
    let shows_key = call.name == "openssl"
        && call
            .values("-in -inkey")
            .iter()
            .any(|path| paths::is_secret(&run.full(path)))
        || call.name == "ssh-keygen" && call.has("-y");
    if shows_key && !call.has("-noout") {
        run.found.add(paths::SECRETS, call.whole);
    }
    if run.is_loading || is_printer(call.name) || only_names(call.name) {
        return;
    }
    let mut files: Vec<&Arg> = call.positional();
    if call.is("grep egrep fgrep rg ag ack ugrep zgrep") {
        let quiet = call.has("-q --quiet --silent -c --count -l --files-with-matches -L");
        let has_pattern = call.has("-e -f --regexp --file");
        files = if quiet {
            Vec::new()
        } else {
            files.into_iter().skip(usize::from(!has_pattern)).collect()
        };
    }
    if call.is("sed awk gawk jq yq tr cut") && !files.is_empty() {
        files.remove(0);
    }
    if call.is("cp install mv")
        && files
            .first()
            .is_some_and(|arg| paths::is_template(&arg.text))
    {
        return;
    }
    for arg in files {
        let path = arg
            .text
            .split_once('=')
            .filter(|_| call.name == "dd")
            .map_or(arg.text.as_str(), |(_, path)| path);
        let path = path.trim_start_matches('@');
        let path = path
            .split_once(':')
            .filter(|_| call.is("scp rsync"))
            .map_or(path, |(_, path)| path);
        let is_url = path.contains("://");
        let full = run.full(path);
        let is_wide = matches!(
            full.as_str(),
            "~/.ssh" | "~/.aws" | "~/.gnupg" | "~/.kube" | "~/.docker" | "~/.config"
        );
        if !is_url && (paths::is_secret(&full) || is_wide) {
            run.found.add(paths::SECRETS, call.whole);
        }
    }
    if call.name == "dd"
        && call.words().any(|word| {
            word.strip_prefix("if=").is_some_and(|path| {
                paths::is_disk(run.full(path).strip_prefix("/dev/").unwrap_or(""))
            })
        })
    {
        run.found.add(paths::SECRETS, call.whole);
    }
}
