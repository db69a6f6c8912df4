//! Programs that run a command which stands in one of their arguments, or in what they read.
//!
//! The table says which options of which programs take what: a command is judged as any other; a helper
//! is one that should be of a usual kind (`helpers`); a library is loaded; and code is a program in a
//! language of its own (`code`). What follows the table is for programs whose options are written in
//! a way of their own.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::programs::Call;
use super::run::{Run, join};
use super::value::{Arg, Flow};
use super::wrappers::SHELLS;
use super::{code, editors, reason};

/// What an option takes.
#[derive(Clone, Copy)]
enum Kind {
    /// A command, for running which the option is there.
    Command,
    /// A program to which a part of the work is handed.
    Helper,
    /// A file that becomes a part of the program.
    Library,
    /// A program in the program's own language.
    Code,
}

use Kind::{Code, Command, Helper, Library};

/// Programs, options, and what those take.
// One row a line.
#[rustfmt::skip]
const GIVEN: &[(&str, &str, Kind)] = &[
    ("tar bsdtar gtar", "--to-command --info-script --new-volume-script -F -I --use-compress-program --rmt-command --rsh-command", Helper),
    ("cpio", "--rsh-command --rmt-command", Helper),
    ("split gsplit", "--filter", Command),
    ("zip", "-TT --unzip-command", Helper),
    ("rsync", "-e --rsh --rsync-path", Helper),
    ("scp sftp", "-S", Helper),
    ("mosh", "--ssh --server", Helper),
    ("man", "-P --pager --html", Helper),
    ("sort gsort", "--compress-program", Helper),
    ("nano pico", "-s --speller", Helper),
    ("tcpdump", "-z", Helper),
    ("npm pnpm", "--script-shell --shell", Helper),
    ("svn", "--diff-cmd --diff3-cmd --editor-cmd", Helper),
    ("wget", "--use-askpass", Helper),
    ("mysql mariadb", "--pager", Helper),
    ("pandoc", "-F --filter --pdf-engine", Helper),
    ("go", "-toolexec -exec -vettool", Helper),
    ("borg restic rclone", "--rsh --password-command", Command),
    ("restic", "--password-command", Command),
    ("sshfs", "-o", Helper),
    ("chokidar chokidar-cli onchange", "-c --command", Command),
    ("fzf sk", "--preview", Command),
    ("gcc g++ cc c++ clang clang++", "-fplugin", Library),
    ("ssh-add", "-s", Library),
    ("ssh-keygen", "-D", Library),
    ("ssh sftp scp", "-I", Library),
    ("awk gawk", "-l --load", Library),
    ("openssl", "-engine -provider-path", Library),
    ("php", "-d", Library),
    ("dc bc", "-e --expression", Code),
    ("octave octave-cli matlab scilab scilab-cli", "--eval --exec -batch -r -e", Code),
    ("latexmk", "-e", Code),
    ("latexmk", "-pdflatex -latex -xelatex -lualatex", Helper),
    ("gnuplot maxima gp sage", "-e -c --batch-string", Code),
    ("gimp", "-b --batch", Code),
    ("blender", "--python-expr", Code),
    ("ghci ghc runghc clojure clj bb raku swipl ocaml crystal iex pry irb scheme gosh chez", "-e --eval -g -t", Code),
    ("guile racket sbcl clisp", "-c -e --eval", Code),
    ("emacs emacsclient", "--eval -eval -e --execute", Code),
    ("lldb", "-o -O --one-line --one-line-before-file -Q -k", Code),
    ("gdb", "-ex -iex --eval-command -eval-command", Code),
];

/// Programs that read a program in their own language where nothing else is named.
const READING: &str =
    "dc bc tclsh wish expect m4 gnuplot octave maxima gp swipl ghci ocaml ed ex bb clj gosh";

/// Rows of a program.
fn rows(program: &str) -> &'static [(&'static str, Kind)] {
    static INDEX: OnceLock<HashMap<&'static str, Vec<(&'static str, Kind)>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: HashMap<&str, Vec<(&str, Kind)>> = HashMap::new();
        for (programs, options, kind) in GIVEN {
            for program in programs.split(' ') {
                index.entry(program).or_default().push((options, *kind));
            }
        }
        index
    });
    index.get(program).map_or(&[], Vec::as_slice)
}

/// Judges the commands that a program is given in its arguments, or in what it reads.
pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    for (options, kind) in rows(call.name) {
        for value in call.values(options) {
            match kind {
                Command => {
                    drop(run.text(&value));
                    fed(run, &value, call);
                }
                Helper => {
                    run.helper(&value, call.whole);
                    if call.is("tar bsdtar gtar zip sort") {
                        fed(run, &value, call);
                    }
                }
                Library => run.library(
                    value
                        .trim_start_matches(|c| c != '=' && c != '/' && c != '.')
                        .trim_start_matches('='),
                    call.whole,
                ),
                Code => own_code(run, &value, call),
            }
        }
    }
    special(run, call);
    editors::judge(run, call);
    if READING.split(' ').any(|name| name == call.name)
        && let Some(text) = call.stdin.text.clone()
    {
        own_code(run, &text, call);
    }
}

/// A command that is fed with what nobody has seen.
fn fed(run: &mut Run<'_>, command: &str, call: &Call<'_>) {
    if SHELLS.split(' ').any(|shell| shell == command.trim()) {
        run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole);
    }
}

/// What stands for a command in a language of which little is known.
fn own_code(run: &mut Run<'_>, text: &str, call: &Call<'_>) {
    code::source(run, text, call.whole);
    for line in text.lines().take(256) {
        let line = line.trim_start_matches([' ', '\t', ':']);
        // By a sign, or by a word: `!ls`, `shell ls`, `exec ls`.
        let words = [
            "shell ",
            "exec ",
            "spawn ",
            "platform shell ",
            "make ",
            "pipe ",
        ];
        let script = line.strip_prefix('!').or_else(|| {
            let word = words.iter().find(|word| line.starts_with(**word))?;
            line.get(word.len()..)
        });
        if let Some(script) = script {
            drop(run.text(script));
        }
        // Python and others within a debugger, and calls into the program that it holds.
        for word in [
            "python ",
            "python-interactive ",
            "pi ",
            "script ",
            "call ",
            "print ",
            "p ",
            "expression ",
        ] {
            if let Some(inner) = line.strip_prefix(word) {
                code::source(run, inner, call.whole);
            }
        }
        // `[exec rm]`.
        for (at, _) in line.match_indices("[exec ").take(8) {
            let inner = line.get(at + 6..).unwrap_or_default();
            let end = inner.find(']').unwrap_or(inner.len());
            drop(run.text(&inner[..end]));
        }
    }
    if call.is("emacs emacsclient guile racket sbcl clisp scheme chez gosh clojure clj bb") {
        lisp(run, text, call);
    }
}

/// Emacs Lisp, whose names have dashes.
fn lisp(run: &mut Run<'_>, text: &str, call: &Call<'_>) {
    let has = |names: &[&str]| names.iter().any(|name| text.contains(name));
    if has(&["delete-directory", "delete-tree", "delete-dir"]) {
        run.found.add(reason::DELETES, call.whole);
    }
    let runs = [
        "call-process",
        "start-process",
        "process-lines",
        "process-file",
        "make-process",
        "(system",
        "run-program",
        "shell/sh",
        "(sh ",
        "subprocess",
        "(process",
        "shell-command",
    ];
    if has(&runs) {
        let words: Vec<Arg> = code::quoted(text).into_iter().map(Arg::of).collect();
        match words.as_slice() {
            [] => run.found.unclear(reason::CODE_UNKNOWN, call.whole),
            words => drop(run.text(&join(words))),
        }
    }
    if has(&["url-retrieve", "package-install"]) {
        run.found.unclear(reason::DOWNLOADED, call.whole);
    }
}

/// Programs whose options are written in a way of their own.
fn special(run: &mut Run<'_>, call: &Call<'_>) {
    match call.name {
        "sed" | "gsed" => super::sed::judge(run, call),
        "tar" | "bsdtar" | "gtar" => {
            for value in call.values("--checkpoint-action") {
                if let Some(script) = value.strip_prefix("exec=") {
                    run.helper(script, call.whole);
                }
            }
        }
        "ssh" | "scp" | "sftp" | "autossh" | "rsync" => {
            for value in call.values("-o") {
                let (name, value) = value.split_once(['=', ' ']).unwrap_or((&value, ""));
                match name.to_ascii_lowercase().as_str() {
                    "proxycommand" | "localcommand" | "knownhostscommand" => {
                        run.helper(value, call.whole);
                    }
                    "pkcs11provider" | "securitykeyprovider" => run.library(value, call.whole),
                    _ => {}
                }
            }
        }
        "cargo" => {
            for value in call.values("--config") {
                if let Some((name, value)) = value.split_once('=') {
                    let name = name.trim().to_ascii_lowercase();
                    let names_program = [
                        "rustc",
                        "rustc-wrapper",
                        "rustc-workspace-wrapper",
                        "rustdoc",
                        "linker",
                        "runner",
                    ]
                    .iter()
                    .any(|end| name.rsplit('.').next() == Some(end));
                    if names_program {
                        run.helper(value.trim().trim_matches(['"', '\'']), call.whole);
                    }
                }
            }
        }
        "make" | "gmake" => {
            for value in call.values("--eval") {
                let recipe = value
                    .split_once(['\t', ';'])
                    .map_or(value.as_str(), |(_, recipe)| recipe);
                drop(run.text(recipe));
            }
            // What a variable is made of when it is read.
            for word in call.words() {
                for (at, begin) in word.match_indices("$(shell ").take(16) {
                    let inner = word.get(at + begin.len()..).unwrap_or_default();
                    drop(run.text(inner.strip_suffix(')').unwrap_or(inner)));
                }
            }
            for word in call.words() {
                if let Some((name, value)) = word.split_once(['=']) {
                    let name = name.trim_end_matches([':', '+', '?']);
                    run.environment(name, value);
                    if matches!(name, "SHELL" | "MAKE") {
                        run.helper(value, call.whole);
                    }
                }
            }
        }
        "nix" => {
            let at = call
                .words()
                .position(|word| matches!(word, "-c" | "--command"));
            if let Some(at) = at {
                drop(run.run(call.args.get(at + 1..).unwrap_or_default(), call.stdin));
            }
        }
        "just" => {
            let is_read = call.values("-f --justfile").iter().any(|file| file == "-");
            if is_read && !call.stdin.is_nothing() {
                run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole);
            }
        }
        "systemd-run" => {
            for value in call.values("-E --setenv") {
                if let Some((name, value)) = value.split_once('=') {
                    run.environment(name, value);
                }
            }
        }
        "tmux" | "launchctl" => {
            let at = call
                .words()
                .position(|word| matches!(word, "setenv" | "set-environment"));
            if let Some(at) = at {
                run.sets_by_words(call.args.get(at + 1..).unwrap_or_default());
            }
        }
        "gh" | "npm" | "pnpm" => {
            let words: Vec<&str> = call.words().filter(|word| !word.starts_with('-')).collect();
            match words.as_slice() {
                [
                    "config",
                    "set",
                    "editor" | "pager" | "browser" | "viewer",
                    value,
                    ..,
                ] => {
                    run.helper(value, call.whole);
                }
                ["alias", "set", _, script, ..] if call.name == "gh" => {
                    match script.strip_prefix('!') {
                        Some(script) => drop(run.text(script)),
                        None => drop(run.text(&format!("gh {script}"))),
                    }
                }
                ["extension" | "ext", "install", ..] if call.name == "gh" => {
                    run.found.unclear(reason::DOWNLOADED, call.whole);
                }
                _ => {}
            }
        }
        "hg" => {
            for value in call.values("--config") {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                if name.starts_with("alias.") {
                    drop(run.text(value.trim_start_matches('!')));
                } else if ["hooks.", "extensions.", "merge-tools.", "extdiff."]
                    .iter()
                    .any(|begin| name.starts_with(begin))
                {
                    drop(run.text(value));
                    run.found.unclear(reason::HELPER, call.whole);
                } else if matches!(name, "ui.ssh" | "ui.editor" | "ui.merge" | "pager.pager") {
                    run.helper(value, call.whole);
                }
            }
        }
        "strace" | "ltrace" => {
            for value in call.values("-o --output") {
                if let Some(script) = value.strip_prefix(['|', '!']) {
                    drop(run.text(script));
                }
            }
        }
        "gcc" | "g++" | "cc" | "c++" | "clang" => {
            for value in call.values("-wrapper") {
                drop(run.text(&value.replace(',', " ")));
            }
        }
        "fzf" | "sk" => {
            for value in call.values("--bind") {
                for (at, _) in value.match_indices('(').take(16) {
                    let inner = value.get(at + 1..).unwrap_or_default();
                    let end = inner.find(')').unwrap_or(inner.len());
                    drop(run.text(&inner[..end]));
                }
            }
        }
        "latex" | "pdflatex" | "xelatex" | "lualatex" | "tex" => {
            for word in call.words() {
                for (at, begin) in word.match_indices("\\write18{").take(16) {
                    let inner = word.get(at + begin.len()..).unwrap_or_default();
                    let end = inner.find('}').unwrap_or(inner.len());
                    drop(run.text(&inner[..end]));
                }
            }
        }
        "ruby" if call.words().any(|word| word == "-run") => {
            let at = call
                .words()
                .position(|word| word == "-e")
                .unwrap_or(call.args.len());
            let words = call.args.get(at + 1..).unwrap_or_default();
            let words: Vec<Arg> = words
                .iter()
                .filter(|arg| arg.text != "--")
                .cloned()
                .collect();
            drop(run.run(&words, &Flow::nothing()));
        }
        "capsh" => {
            if let Some(at) = call.words().position(|word| word == "--") {
                let mut args = vec![Arg::of("bash")];
                args.extend(call.args.iter().skip(at + 1).cloned());
                drop(run.run(&args, call.stdin));
            }
        }
        // Terminals take all that follows.
        "xterm"
        | "urxvt"
        | "rxvt"
        | "st"
        | "alacritty"
        | "konsole"
        | "kitty"
        | "foot"
        | "gnome-terminal"
        | "mate-terminal"
        | "xfce4-terminal"
        | "lxterminal"
        | "terminator"
        | "x-terminal-emulator"
        | "tilix" => {
            let at = call
                .words()
                .position(|word| matches!(word, "-e" | "-x" | "--" | "--command" | "--execute"));
            if let Some(at) = at {
                let words = call.args.get(at + 1..).unwrap_or_default();
                drop(run.text(&join(words)));
            }
        }
        // What asks another program, by a message, to do something.
        "busctl" | "gdbus"
            if call
                .words()
                .any(|word| matches!(word, "call" | "emit" | "set-property"))
                && !reads_only(call) =>
        {
            run.found.unclear(reason::ASKS_OTHERS, call.whole);
        }
        "dbus-send" | "qdbus" | "qdbus6" if call.args.len() > 1 && !reads_only(call) => {
            run.found.unclear(reason::ASKS_OTHERS, call.whole);
        }
        "gtk-launch" | "dex" if !call.args.is_empty() => {
            run.found.unclear(reason::ASKS_OTHERS, call.whole)
        }
        "xdg-open" | "open" | "gio" | "kde-open" | "start" => {
            let starts = [
                ".desktop",
                ".command",
                ".app",
                ".sh",
                ".scpt",
                ".workflow",
                ".exe",
                ".jar",
                ".terminal",
            ];
            if call
                .words()
                .any(|word| starts.iter().any(|end| word.ends_with(end)))
            {
                run.found.unclear(reason::ASKS_OTHERS, call.whole);
            }
        }
        "fc" if !call.has("-l") => run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole),
        _ => {}
    }
}

/// Whether a message only asks what there is.
fn reads_only(call: &Call<'_>) -> bool {
    call.words().any(|word| {
        let last = word.rsplit('.').next().unwrap_or(word);
        matches!(
            last,
            "Introspect"
                | "Get"
                | "GetAll"
                | "ListNames"
                | "Ping"
                | "GetNameOwner"
                | "ListUnits"
                | "GetId"
        )
    })
}
