//! Programs in other languages: what plainly calls a shell, deletes, or is made when it runs.
//!
//! Not a reader of those languages. A text is taken apart into names that are called and texts between
//! quotes; that is enough for what an agent writes in one line, and for what hides nothing.

use std::collections::HashSet;

use super::code_table::{INTERPRETERS, is_deleting, is_shell_call, is_touching, values_of};
use super::programs::Call;
use super::run::Run;
use super::tokens::{Token, made, texts, tokens};
use super::value::{Arg, Flow, Origin};
use super::{disguise, paths, reason, sql};

/// What a program's text has in it, found once.
pub(super) struct Facts<'a> {
    /// The parts of the names: `os` and `remove` of `os.remove`.
    parts: HashSet<&'a str>,
    pub(super) texts: HashSet<&'a str>,
    /// The interpreter.
    by: &'a str,
    /// Whether what a name stands for is given to a command, or is one: `cmd | getline`.
    pipes: bool,
}

impl<'a> Facts<'a> {
    fn of(tokens: &'a [Token<'_>], whole: &'a str) -> Self {
        let names: HashSet<&str> = tokens
            .iter()
            .filter_map(|token| match token {
                Token::Name(name) => Some(*name),
                Token::Text(..) | Token::Sign(_) => None,
            })
            .collect();
        let texts = tokens
            .iter()
            .filter_map(|token| match token {
                Token::Text(text, _) => Some(text.as_str()),
                Token::Name(_) | Token::Sign(_) => None,
            })
            .collect();
        let by = whole.split_whitespace().next().unwrap_or_default();
        Self {
            parts: names.iter().flat_map(|name| name.split('.')).collect(),
            texts,
            pipes: disguise::pipes(tokens),
            by: by.rsplit('/').next().unwrap_or(by),
        }
    }

    pub(super) fn has(&self, parts: &str) -> bool {
        parts.split(' ').any(|part| self.parts.contains(part))
    }

    pub(super) fn is_by(&self, names: &str) -> bool {
        let by = self
            .by
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        names.split(' ').any(|name| name == by || name == self.by)
    }

    /// Whether it reads from the network.
    fn fetches(&self) -> bool {
        self.has("urlopen requests urllib fetch http https net httpx aiohttp curl_exec LWP HTTP open_uri axios urlretrieve")
            || self.texts.iter().any(|text| text.starts_with("http") || *text == "open-uri")
    }

    /// Whether it writes what it opens.
    fn writes(&self) -> bool {
        self.has("write_text write_bytes writeFileSync writeFile appendFileSync dump write file_put_contents rename replace symlink")
            || ["w", "a", "w+", "a+", "wb", "ab", "r+"].iter().any(|mode| self.texts.contains(mode))
    }
}

/// Runs what an interpreter is given.
pub(super) fn interpret(run: &mut Run<'_>, call: &Call<'_>) {
    let name = call
        .name
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let Some((_, options)) = INTERPRETERS.iter().find(|(names, _)| {
        names
            .split(' ')
            .any(|known| known == call.name || known == name)
    }) else {
        return;
    };
    let is_awk = call.is("awk gawk mawk nawk");
    let mut given = false;
    let mut words = call.args.iter().peekable();
    while let Some(arg) = words.next() {
        let word = arg.text.as_str();
        let is_option = options
            .split(' ')
            .any(|option| !option.is_empty() && option == word);
        // `--eval=…`.
        let joined = word.split_once('=').filter(|(option, _)| {
            option.starts_with("--") && options.split(' ').any(|known| known == *option)
        });
        if let Some((_, text)) = joined {
            given = true;
            argument(
                run,
                &Arg {
                    text: text.to_owned(),
                    ..arg.clone()
                },
                call,
            );
            continue;
        }
        let is_joined = call.is("perl ruby")
            && word.starts_with('-')
            && !word.starts_with("--")
            && word.ends_with('e')
            && word.len() < 8;
        let is_python = name == "python"
            && word.starts_with('-')
            && !word.starts_with("--")
            && word.ends_with('c')
            && word.len() < 6;
        if is_option || is_joined || is_python || (call.name == "deno" && word == "eval") {
            given = true;
            if let Some(code) = words.next() {
                argument(run, code, call);
            }
        } else if values_of(name).contains(&word) {
            if is_awk && matches!(word, "-f" | "--file") {
                given = true;
            }
            words.next();
        } else if is_awk && !word.starts_with('-') && !given {
            given = true;
            source(run, word, call.whole);
        } else if call.is("deno bun tsx") && matches!(word, "run" | "x" | "--") {
            continue;
        } else if !word.starts_with('-') && !given && !is_awk {
            // A file, and what follows are its own arguments.
            let full = run.full(word);
            given = true;
            if let Some(flow) = run.files.get(&full).cloned() {
                flow_of_code(run, &flow, call);
            }
            if word.contains("://") {
                run.found.add(reason::FROM_NETWORK, call.whole);
            }
            let module = matches!(
                word.rsplit('/').next(),
                Some("manage.py" | "artisan" | "console" | "rails" | "rake")
            );
            if module || (call.name == "php" && word.ends_with("artisan")) {
                let at = call
                    .args
                    .iter()
                    .position(|other| other.text == *word)
                    .unwrap_or(0);
                drop(run.run(call.args.get(at..).unwrap_or_default(), &Flow::nothing()));
            }
            break;
        } else if word == "-m" && name == "python" {
            if let Some(module) = words.next() {
                let rest: Vec<Arg> = words.cloned().collect();
                let mut args = vec![module.clone()];
                args.extend(rest);
                if matches!(module.text.as_str(), "timeit" | "pdb") {
                    for arg in &args {
                        source(run, arg.text.trim_start_matches('!'), call.whole);
                    }
                }
                if matches!(
                    module.text.as_str(),
                    "twine"
                        | "http.server"
                        | "pyftpdlib"
                        | "poetry"
                        | "flit"
                        | "alembic"
                        | "flask"
                        | "awscli"
                        | "django"
                ) {
                    drop(run.run(&args, &Flow::nothing()));
                }
                given = true;
                break;
            }
        } else if word == "-" {
            break;
        }
    }
    for word in call
        .words()
        .filter(|word| word.contains("data:text/javascript"))
    {
        source(run, word, call.whole);
        run.found.unclear(reason::CODE_UNKNOWN, call.whole);
    }
    let reads_stdin = !given
        || call
            .args
            .iter()
            .any(|arg| arg.text == "-" || arg.text == "/dev/stdin");
    if reads_stdin && !is_awk && !call.stdin.is_nothing() {
        flow_of_code(run, &call.stdin.clone(), call);
    }
}

fn argument(run: &mut Run<'_>, code: &Arg, call: &Call<'_>) {
    match code.origin {
        Origin::Fetched => run.found.add(reason::FROM_NETWORK, call.whole),
        Origin::Encoded => run.found.unclear(reason::UNREADABLE, call.whole),
        _ if code.unknown > 0 && code.unknown >= code.text.len() && code.text.starts_with('$') => {
            run.found.unclear(reason::CODE_UNKNOWN, call.whole);
        }
        _ => source(run, &code.text, call.whole),
    }
}

fn flow_of_code(run: &mut Run<'_>, flow: &Flow, call: &Call<'_>) {
    match (flow.origin, &flow.text) {
        (Origin::Fetched, _) => {
            let from = format!("{} | {}", flow.label, call.whole);
            run.found.add(reason::FROM_NETWORK, &from);
        }
        (Origin::Encoded, _) => run.found.unclear(reason::UNREADABLE, call.whole),
        (_, Some(text)) => {
            let text = text.clone();
            source(run, &text, call.whole);
        }
        (Origin::Computed, None)
            // A program that reads what it is given as data says so with an argument.
            if (call.args.is_empty() || call.args.iter().all(|arg| arg.text == "-")) => {
                run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole);
            }
        _ => {}
    }
}

/// A program's text.
pub(super) fn source(run: &mut Run<'_>, text: &str, whole: &str) {
    run.spend(text.len() * 2);
    let tokens = tokens(text);
    let facts = Facts::of(&tokens, whole);
    for (at, token) in tokens.iter().enumerate() {
        if run.found.is_full() {
            return;
        }
        match token {
            Token::Name(name) => {
                disguise::judge(run, &facts, &tokens, at, name, whole);
                named(run, &facts, &tokens, at, name, whole);
            }
            Token::Text(name, _) if disguise::is_called_by_name(&facts, &tokens, at) => {
                if is_deleting(name) {
                    deleted(run, &facts, &tokens, at + 1, name, whole);
                } else if is_shell_call(name) || name == "exec" {
                    called(run, &tokens, at + 1, whole, name);
                }
                if matches!(name.as_str(), "exec" | "eval" | "Function") {
                    run.found.unclear(reason::CODE_UNKNOWN, whole);
                }
            }
            // `"ls".execute()`, `"ls".!`.
            Token::Text(script, _)
                if facts.is_by("groovy scala")
                    && matches!(tokens.get(at + 1), Some(Token::Sign('.')))
                    && matches!(
                        tokens.get(at + 2),
                        Some(Token::Sign('!') | Token::Name("execute"))
                    ) =>
            {
                drop(run.text(script));
            }
            Token::Text(script, '`') if facts.is_by("ruby perl php julia") => {
                drop(run.text(script));
            }
            // AWK's own way: `"command" | getline`, `print | "sh"`.
            Token::Text(script, _) if facts.is_by("awk gawk mawk nawk") => {
                let is_sign = |at: Option<&Token<'_>>| matches!(at, Some(Token::Sign('|')));
                let before = tokens.get(at.wrapping_sub(1));
                if matches!(before, Some(Token::Sign('>')))
                    && let Some(reason) = paths::written(&run.full(script))
                {
                    run.found.add(reason, whole);
                }
                if is_sign(before) || is_sign(tokens.get(at + 1)) || facts.pipes {
                    let name = script.split_whitespace().next().unwrap_or_default();
                    if matches!(name, "sh" | "bash" | "/bin/sh" | "/bin/bash") {
                        run.found.unclear(reason::SCRIPT_UNKNOWN, whole);
                    }
                    drop(run.text(script));
                }
            }
            Token::Text(path, _) if path.contains('/') && path.len() < 200 && facts.writes() => {
                let reason = paths::written(&run.full(path));
                if let Some(reason) =
                    reason.filter(|reason| !matches!(*reason, paths::SYSTEM | paths::LATER))
                {
                    run.found.add(reason, whole);
                }
            }
            _ => {}
        }
    }
    if facts.has("fork") && facts.has("while loop for until") {
        run.found.add(reason::STOPS, whole);
    }
    let connects = facts.has(
        "socket connect fsockopen TCPSocket Socket INET create_connection createConnection net",
    );
    let shells = ["/bin/sh", "/bin/bash", "sh", "bash", "cmd.exe"];
    let is_shell = facts.texts.iter().any(|text| {
        shells
            .iter()
            .any(|shell| text.starts_with(&format!("{shell} ")) || text == shell)
    });
    if connects && (facts.has("dup2") || is_shell) {
        run.found.add(reason::REMOTE_SHELL, whole);
    }
    if facts.has("environ env ENV getenv")
        && facts.has("urlopen post fetch request sendall axios")
        && facts.fetches()
    {
        run.found.add(reason::SENDS, whole);
    }
    if facts.has("command") && facts.has("shell") || facts.has("call") && facts.has("process") {
        for text in facts.texts.iter().filter(|_| facts.is_by("emacs")) {
            drop(run.text(text));
        }
    }
    if facts.is_by("osascript") {
        apple(run, text, whole);
    }
    // `%x(…)`, `qx{…}`.
    for sign in ["%x(", "%x{", "%x[", "qx(", "qx{", "qx/", "qx|"] {
        if let Some((_, rest)) = text.split_once(sign).filter(|_| facts.is_by("ruby perl")) {
            let end = rest.find([')', '}', ']', '/', '|']).unwrap_or(rest.len());
            drop(run.text(&rest[..end]));
        }
    }
}

/// A name that may be called.
fn named(
    run: &mut Run<'_>,
    facts: &Facts<'_>,
    tokens: &[Token<'_>],
    at: usize,
    name: &str,
    whole: &str,
) {
    let next = tokens.get(at + 1);
    let opens = matches!(next, Some(Token::Sign('(' | '{' | '[')));
    let bare = match next {
        Some(Token::Text(..) | Token::Sign(',')) => true,
        // Ruby and Perl call without brackets.
        Some(Token::Name(_) | Token::Sign('<' | '$' | '@')) => facts.is_by("ruby perl"),
        _ => false,
    };
    if !opens && !bare {
        return;
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    if matches!(last, "exec" | "eval" | "Function" | "loads" | "exec_module")
        && opens
        && made(tokens, at + 1)
    {
        let is_code = last != "loads" || facts.has("marshal pickle dill");
        match (is_code, facts.fetches()) {
            (true, true) => run.found.add(reason::FROM_NETWORK, whole),
            (true, false) => run.found.unclear(reason::CODE_UNKNOWN, whole),
            (false, _) => {}
        }
    }
    if last == "__import__" && opens && !matches!(tokens.get(at + 2), Some(Token::Text(..))) {
        run.found.unclear(reason::CODE_UNKNOWN, whole);
    }
    let runs = is_shell_call(name)
        || (last == "exec"
            && (facts.has("child_process")
                || facts.texts.contains("child_process")
                || facts.texts.contains("node:child_process")
                || facts.is_by("php perl ruby")))
        || (matches!(
            last,
            "call" | "run" | "Popen" | "check_output" | "check_call"
        ) && facts.has("subprocess"));
    if runs {
        called(run, tokens, at + 1, whole, name);
    }
    if is_deleting(name) {
        deleted(run, facts, tokens, at + 1, last, whole);
    }
    if matches!(last, "kill" | "killpg")
        && (facts.has("SIGKILL")
            || facts.texts.contains("SIGKILL")
            || tokens
                .iter()
                .skip(at)
                .take(12)
                .any(|token| matches!(token, Token::Sign('9'))))
    {
        run.found.add(reason::KILLS, whole);
    }
    if matches!(
        last,
        "execute"
            | "query"
            | "executescript"
            | "exec_driver_sql"
            | "raw"
            | "executemany"
            | "exec"
            | "prepare"
            | "do"
    ) {
        for text in texts(tokens, at + 1) {
            if let Some(part) = sql::destructive(text) {
                run.found.add(reason::SQL, part);
            }
        }
    }
    if matches!(
        last,
        "dropDatabase"
            | "drop_all"
            | "drop_database"
            | "flushall"
            | "flushdb"
            | "delete_all"
            | "destroy_all"
            | "drop_collection"
            | "deleteMany"
            | "delete_many"
    ) {
        run.found.add(reason::SQL, whole);
    }
    if is_touching(last) {
        touched(run, facts, tokens, at + 1, whole, last);
    }
}

/// AppleScript, whose calls are words.
fn apple(run: &mut Run<'_>, text: &str, whole: &str) {
    if let Some((_, rest)) = text.split_once("do shell script") {
        let script = rest.trim().trim_start_matches(['"', '\\']);
        let end = script.find('"').unwrap_or(script.len());
        drop(run.text(script[..end].trim_end_matches('\\')));
    }
    if ["keystroke", "do script", "key code"]
        .iter()
        .any(|word| text.contains(word))
    {
        run.found.add(reason::TYPES, whole);
    }
    if ["empty trash", "empty the trash", "delete every"]
        .iter()
        .any(|word| text.contains(word))
    {
        run.found.add(reason::DELETES_FILES, whole);
    }
}

/// A call of a shell or a program: with one text, or with a list of words.
fn called(run: &mut Run<'_>, tokens: &[Token<'_>], from: usize, whole: &str, name: &str) {
    let given = texts(tokens, from);
    let is_list = tokens
        .iter()
        .skip(from)
        .take(2)
        .any(|token| matches!(token, Token::Sign('[')));
    let Some(first) = given.first() else {
        let is_shell = [
            "system",
            "popen",
            "execSync",
            "shell_exec",
            "passthru",
            "getoutput",
            "execute",
        ]
        .iter()
        .any(|end| name.ends_with(end));
        let is_decoded = made(tokens, from);
        if is_shell || is_decoded {
            run.found.unclear(reason::CODE_UNKNOWN, whole);
        }
        return;
    };
    let is_words = is_list || (first.split_whitespace().count() == 1 && given.len() > 1);
    if is_words {
        let args: Vec<Arg> = given.iter().map(|text| Arg::of(*text)).collect();
        drop(run.run(&args, &Flow::nothing()));
    } else {
        drop(run.text(first));
        // A text that is put together from more than one.
        if given.len() > 1 {
            let joined: String = given.concat();
            drop(run.text(&joined));
        }
    }
}

/// A call that deletes.
fn deleted(
    run: &mut Run<'_>,
    facts: &Facts<'_>,
    tokens: &[Token<'_>],
    from: usize,
    last: &str,
    whole: &str,
) {
    let is_single = matches!(
        last,
        "unlink" | "unlinkSync" | "remove" | "delete" | "removeSync"
    );
    let needs_option = matches!(last, "rm" | "rmdirSync" | "rmdir" | "removeSync");
    let deep = (!is_single && !needs_option) || facts.has("recursive");
    let many = facts.has("glob rglob walk listdir scandir readdirSync readdir iterdir Dir")
        || matches!(tokens.get(from), Some(Token::Sign('<')));
    let protected = texts(tokens, from)
        .iter()
        .any(|path| paths::written(&run.full(path)).is_some());
    if deep {
        run.found.add(reason::DELETES, whole);
    } else if many {
        run.found.add(reason::DELETES_FOUND, whole);
    } else if protected {
        run.found.add(reason::DELETES_FILES, whole);
    }
}

/// A path in a call that reads or writes.
fn touched(
    run: &mut Run<'_>,
    facts: &Facts<'_>,
    tokens: &[Token<'_>],
    from: usize,
    whole: &str,
    last: &str,
) {
    let given = texts(tokens, from);
    // Perl and Ruby open commands, too.
    if last == "open" && facts.is_by("perl ruby") {
        for text in given.iter().take(4).filter(|text| text.len() > 1) {
            if text.starts_with('|') || text.ends_with('|') {
                drop(run.text(text.trim_matches('|')));
            }
        }
    }
    let mode = given.get(1).copied().unwrap_or_default();
    let writes = (mode.starts_with(['w', 'a']) && mode.len() < 4)
        || last.contains("rite")
        || last.contains("append")
        || last.contains("put_contents")
        || matches!(
            last,
            "symlink" | "symlinkSync" | "copy" | "copyfile" | "rename" | "move"
        )
        || (matches!(last, "Path" | "expanduser" | "join") && facts.writes());
    for path in given.iter().take(4) {
        let full = run.full(path);
        if !path.contains(['/', '.']) || path.len() > 200 {
            continue;
        }
        if writes && let Some(reason) = paths::written(&full) {
            run.found.add(reason, whole);
        } else if paths::is_secret(&full) && last != "write" {
            run.found.add(paths::SECRETS, whole);
        }
    }
    if last == "chmod"
        && tokens
            .iter()
            .skip(from)
            .take(12)
            .filter(|token| matches!(token, Token::Sign('7')))
            .count()
            >= 3
    {
        run.found.add(reason::OPEN_TO_ALL, whole);
    }
}

/// The texts between quotes in a program's text.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let texts = tokens(text).into_iter().filter_map(|token| match token {
        Token::Text(text, _) => Some(text),
        Token::Name(_) | Token::Sign(_) => None,
    });
    texts.take(64).collect()
}
