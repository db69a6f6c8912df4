//! Programs that run what they are given: shells, `sudo`, `env`, `xargs`, `ssh`, `docker exec`, `find -exec`.

use super::programs::{Call, value_options};
use super::run::{Run, join};
use super::value::{Arg, Flow, Origin};
use super::wrapper_table::How::{Script, Words};
use super::wrapper_table::{Wrapper, known};
use super::{given, reason};

/// Shells.
pub(super) const SHELLS: &str =
    "sh bash zsh dash ksh mksh fish ash rbash csh tcsh nu elvish pwsh powershell busybox-sh";

/// Runs what a program is given to run; whether there is no more to be said of the program itself.
pub(super) fn run(run: &mut Run<'_>, call: &Call<'_>) -> bool {
    if SHELLS.split(' ').any(|shell| shell == call.name) {
        shell(run, call);
        return true;
    }
    if call.is("sudo doas pkexec run0 su gosu su-exec sudo-rs runuser")
        && !call.has("-l -V -v -k -K --list --version --help --validate")
    {
        run.found.add(reason::AS_ROOT, call.whole);
    }
    if call.is("command") && call.has("-v -V") {
        return true;
    }
    special(run, call);
    given::judge(run, call);
    super::programs::packages(run, call);
    let mut has_run = false;
    for wrapper in known(call.name) {
        has_run |= wrapped(run, call, wrapper);
    }
    if !has_run {
        unknown(run, call);
    }
    // Those that do nothing else.
    has_run && call.is("sudo doas pkexec su env nohup command exec builtin nice timeout time xargs busybox toybox setsid stdbuf ionice npx bunx chroot watch parallel flock")
}

/// A shell: what it is told to run, wherever that comes from.
fn shell(run: &mut Run<'_>, call: &Call<'_>) {
    let is_windows = call.is("pwsh powershell");
    let mut args = call.args;
    let mut told = false;
    while let Some((first, rest)) = args.split_first() {
        let word = first.text.as_str();
        let is_option = word.len() > 1 && word.starts_with(['-', '+']) && first.is_known();
        if !is_option || word == "--" {
            break;
        }
        let letters =
            !word.starts_with("--") && word[1..].chars().all(|c| c.is_ascii_alphanumeric());
        let is_script = (letters && word.contains('c') && !is_windows)
            || word.eq_ignore_ascii_case("-command")
            || word == "--command"
            || (is_windows && word == "-c");
        let takes = matches!(
            word,
            "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file" | "-File"
        );
        if word.to_ascii_lowercase().starts_with("-enc") && is_windows {
            run.found.unclear(reason::UNREADABLE, call.whole);
        }
        if matches!(word, "--rcfile" | "--init-file")
            && let Some(path) = rest.first()
        {
            let full = run.full(&path.text);
            if let Some(flow) = run.files.get(&full).cloned() {
                run.runs(&flow, call.whole);
            }
        }
        args = rest.get(usize::from(takes)..).unwrap_or_default();
        if is_script {
            told = true;
            // Further options may come before the script itself.
            while args.first().is_some_and(|arg| {
                arg.text.starts_with('-') && arg.text.len() > 1 && args.len() > 1
            }) {
                args = args.get(1..).unwrap_or_default();
            }
            break;
        }
    }
    if args.first().is_some_and(|arg| arg.text == "--") {
        args = args.get(1..).unwrap_or_default();
    }
    match (told, args.split_first()) {
        (true, Some((script, rest))) => {
            let after = rest.get(1..).map(<[Arg]>::to_vec);
            let positional = run.positional.replace(after.unwrap_or_default());
            if is_windows {
                windows_download(run, &join(args), call.whole);
                run.runs_arg(
                    &Arg {
                        text: join(args),
                        ..script.clone()
                    },
                    call.whole,
                );
            } else {
                run.runs_arg(script, call.whole);
            }
            run.positional = positional;
        }
        (true, None) => {}
        (false, Some((file, _))) if file.text != "-" && !call.has("-s") => {
            let full = run.full(&file.text);
            let made = run.files.get(&full).cloned();
            match made {
                Some(flow) => run.runs(&flow, call.whole),
                None if full == "/dev/stdin" => feeds(run, call),
                None => {}
            }
        }
        (false, _) => feeds(run, call),
    }
}

/// A script of PowerShell that runs what it downloads.
fn windows_download(run: &mut Run<'_>, script: &str, whole: &str) {
    let script = script.to_ascii_lowercase();
    let has = |names: &[&str]| {
        script
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .any(|word| names.contains(&word))
    };
    let fetches = has(&[
        "irm",
        "iwr",
        "curl",
        "wget",
        "invoke-restmethod",
        "invoke-webrequest",
        "downloadstring",
        "start-bitstransfer",
    ]);
    if fetches && has(&["iex", "invoke-expression"]) {
        run.found.add(reason::FROM_NETWORK, whole);
    }
}

/// A shell that reads its commands.
fn feeds(run: &mut Run<'_>, call: &Call<'_>) {
    if !call.stdin.is_nothing() && call.stdin.origin != Origin::File {
        run.runs(&call.stdin.clone(), call.whole);
    }
}

fn wrapped(run: &mut Run<'_>, call: &Call<'_>, wrapper: &Wrapper) -> bool {
    let takes = |word: &str| wrapper.values.split(' ').any(|option| option == word);
    let gives = |word: &str| {
        wrapper
            .scripts
            .split(' ')
            .any(|option| option == word && !option.is_empty())
    };
    let is_in_container =
        call.is("docker podman nerdctl docker-compose podman-compose kubectl oc k");
    let mut has_run = false;
    let mut words = call.args;
    // The verbs and words before the command.
    let mut verbs = wrapper.before.split(' ').filter(|verb| !verb.is_empty());
    let mut wanted = verbs.next();
    while let Some((first, rest)) = words.split_first() {
        let word = first.text.as_str();
        let is_option = word.len() > 1 && word.starts_with('-') && word != "--";
        let is_setting = wanted.is_none_or(|wanted| wanted != ".")
            && is_assignment(word)
            && matches!(wrapper.how, Words)
            && !call.is("xargs");
        if let Some((_, body)) = word
            .strip_prefix("BASH_FUNC_")
            .and_then(|rest| rest.split_once("()"))
        {
            drop(run.text(body));
            words = rest;
            continue;
        }
        if is_option {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let letters = !word.starts_with("--") && word.len() > 2;
            let last = word
                .chars()
                .next_back()
                .filter(|_| letters && word.is_ascii());
            let last = last.map(|letter| format!("-{letter}"));
            if !gives(word)
                && call.name != "env"
                && last.as_deref().is_some_and(&gives)
                && word.chars().skip(1).all(char::is_alphabetic)
            {
                if let Some(script) = rest.first() {
                    run.runs_arg(script, call.whole);
                    has_run = true;
                }
                words = rest.get(1..).unwrap_or_default();
                continue;
            }
            if let Some((_, script)) = word
                .split_once('S')
                .filter(|_| call.name == "env" && letters)
            {
                let line = if script.is_empty() {
                    join(rest)
                } else {
                    format!("{script} {}", join(rest))
                };
                run.runs_arg(&Arg::of(line), call.whole);
                return true;
            }
            if gives(name)
                || (name.len() > 2
                    && gives(&name[..name.floor_char_boundary(2)])
                    && call.name == "env")
            {
                let script = if word.contains('=') && name.starts_with("--") {
                    Arg::of(value)
                } else if gives(word) {
                    match rest.first() {
                        Some(script) => script.clone(),
                        None => break,
                    }
                } else {
                    Arg::of(word.get(2..).unwrap_or_default())
                };
                words = rest.get(usize::from(gives(word))..).unwrap_or_default();
                if call.name == "env" {
                    // The rest is a part of it.
                    let line = Arg {
                        text: format!("{} {}", script.text, join(words)),
                        ..script
                    };
                    run.runs_arg(&line, call.whole);
                    return true;
                }
                if call.is("cargo") && word == "-x" {
                    has_run = true;
                    continue;
                }
                run.runs_arg(&script, call.whole);
                has_run = true;
                continue;
            }
            words = rest.get(usize::from(takes(word))..).unwrap_or_default();
        } else if word == "--" && wanted.is_none() {
            words = rest;
            break;
        } else if word == "--" {
            words = rest;
            if wanted == Some(".") {
                wanted = verbs.next();
            }
        } else if is_setting || call.name == "su" {
            if let Some((name, value)) = word.split_once('=')
                && !is_in_container
            {
                run.environment(name, value);
            }
            words = rest;
        } else if let Some(verb) = wanted {
            let fits = verb == "." || verb.split('|').any(|verb| verb == word);
            if !fits {
                return has_run;
            }
            wanted = verbs.next();
            words = rest;
        } else {
            break;
        }
    }
    if wanted.is_some_and(|wanted| wanted != ".") || words.is_empty() {
        if call.is("ssh autossh mosh sshpass dbclient adb") && !has_run {
            feeds(run, call);
        }
        return has_run;
    }
    if call.is("docker podman nerdctl kubectl") && words.first().is_some_and(|arg| arg.text == "--")
    {
        words = words.get(1..).unwrap_or_default();
    }
    let is_run = call.is("docker podman nerdctl") && wrapper.before.starts_with("run");
    if is_run && !mounts(call) {
        return has_run;
    }
    match wrapper.how {
        Words if call.is("xargs gxargs") => xargs(run, call, words),
        Words => {
            drop(run.run(words, call.stdin));
        }
        Script => {
            let mut script = Arg::of(join(words));
            script.origin = words
                .iter()
                .map(|arg| arg.origin)
                .min()
                .unwrap_or(Origin::Known);
            if call.is("hyperfine concurrently npm-run-all run-p run-s") {
                for word in words {
                    run.runs_arg(word, call.whole);
                }
            } else if call.is("parallel sem rush") {
                parallel(run, call, words);
            } else {
                if words.len() == 1
                    && let Some(only) = words.first()
                {
                    script = only.clone();
                }
                remote(run, call, &script);
            }
        }
    }
    true
}

/// A script that runs elsewhere, with what this one reads.
fn remote(run: &mut Run<'_>, call: &Call<'_>, script: &Arg) {
    let name = script.text.split_whitespace().next().unwrap_or_default();
    let reads =
        SHELLS.split(' ').any(|shell| shell == name) && script.text.split_whitespace().count() <= 2;
    if reads {
        feeds(run, call);
    }
    run.runs_arg(script, call.whole);
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Whether a container sees something of this machine.
fn mounts(call: &Call<'_>) -> bool {
    call.has("-v --volume --mount --volumes-from --privileged")
        || call.options().any(|word| word.starts_with("-v"))
}

/// `xargs`: the command with the words that it reads, as far as those are known.
fn xargs(run: &mut Run<'_>, call: &Call<'_>, words: &[Arg]) {
    let Some(first) = words.first() else { return };
    let name = first.program().unwrap_or_default();
    let sign = call.value("-I --replace -i").map(|arg| arg.text.clone());
    if matches!(name, "rm" | "shred" | "unlink" | "srm" | "rmdir") && name != "rmdir" {
        run.found.add(reason::DELETES_FOUND, call.whole);
    }
    let is_shell = SHELLS.split(' ').any(|shell| shell == name);
    if sign.as_deref() == Some(first.text.as_str())
        || (is_shell
            && words.iter().all(|arg| !arg.text.contains(' '))
            && !words.iter().any(|arg| arg.text.ends_with(".sh")))
    {
        let known = call.stdin.text.clone();
        match known {
            Some(text) if call.stdin.origin == Origin::Known => drop(run.text(&text)),
            _ if call.stdin.origin == Origin::Fetched => {
                run.found.add(reason::FROM_NETWORK, call.whole)
            }
            _ => run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole),
        }
        if words.len() == 1 {
            return;
        }
    }
    let mut args = words.to_vec();
    match call.stdin.text.as_deref() {
        Some(text) if call.stdin.origin == Origin::Known && !call.stdin.is_nothing() => {
            let read: Vec<Arg> = text.split_whitespace().take(64).map(Arg::of).collect();
            match &sign {
                Some(sign) => {
                    for arg in &mut args {
                        arg.text = arg.text.replace(sign.as_str(), text.trim());
                    }
                }
                None => args.extend(read),
            }
        }
        _ => {}
    }
    if call.stdin.is_secret {
        args.iter_mut().for_each(|arg| arg.is_secret = true);
    }
    if name == "kill" && call.stdin.origin != Origin::Known {
        run.found.add(reason::KILLS, call.whole);
    }
    drop(run.run(&args, &Flow::nothing()));
}

/// `parallel command ::: words`.
fn parallel(run: &mut Run<'_>, call: &Call<'_>, words: &[Arg]) {
    let at = words
        .iter()
        .position(|arg| arg.text.starts_with(":::"))
        .unwrap_or(words.len());
    let (command, given) = words.split_at(at);
    let first = command.first().and_then(Arg::program).unwrap_or_default();
    if first == "rm" {
        run.found.add(reason::DELETES_FOUND, call.whole);
    }
    if command.is_empty() {
        for word in given.iter().skip(1) {
            run.runs_arg(word, call.whole);
        }
        if given.is_empty() {
            feeds(run, call);
        }
    } else {
        let line = format!(
            "{} {}",
            join(command),
            join(given.get(1..).unwrap_or_default())
        );
        drop(run.text(&line));
    }
}

/// Programs that take a command somewhere among their options.
fn special(run: &mut Run<'_>, call: &Call<'_>) {
    match call.name {
        "find" | "gfind" | "fd" | "fdfind" => {
            let starts = [
                "-exec",
                "-execdir",
                "-ok",
                "-okdir",
                "-x",
                "-X",
                "--exec",
                "--exec-batch",
            ];
            let names = call.values("-name -iname -path");
            if call
                .args
                .iter()
                .any(|arg| starts.contains(&arg.text.as_str()))
                && names.iter().any(|name| super::paths::is_secret(name))
            {
                run.found.add(super::paths::SECRETS, call.whole);
            }
            let mut words = call.args;
            while let Some(at) = words
                .iter()
                .position(|arg| starts.contains(&arg.text.as_str()))
            {
                let rest = words.get(at + 1..).unwrap_or_default();
                let end = rest
                    .iter()
                    .position(|arg| matches!(arg.text.as_str(), ";" | "+"))
                    .unwrap_or(rest.len());
                drop(run.run(rest.get(..end).unwrap_or_default(), &Flow::nothing()));
                words = rest.get(end..).unwrap_or_default();
            }
        }
        "ansible" | "salt" => {
            for value in call.values("-a --args") {
                drop(run.text(&value));
            }
            if call.name == "ansible"
                && call
                    .values("-a --args")
                    .iter()
                    .any(|args| args.contains("state=absent") || args.contains("state=stopped"))
            {
                run.found.add(reason::REMOVES_DATA, call.whole);
            }
            if let Some(script) = call
                .args
                .iter()
                .skip_while(|arg| arg.text != "cmd.run")
                .nth(1)
            {
                run.runs_arg(script, call.whole);
            }
        }
        "aws" if call.words().any(|word| word == "send-command") => {
            for value in call.values("--parameters") {
                for part in value.split(['"', '\'', '[', ']', '=']) {
                    drop(run.text(part));
                }
            }
        }
        "start-stop-daemon" => {
            if call.has("-K --stop") {
                run.found.add(reason::STOPS, call.whole);
            }
            for value in call.values("-x --exec -a --startas") {
                let at = call.args.iter().position(|arg| arg.text == "--");
                let rest = at
                    .and_then(|at| call.args.get(at + 1..))
                    .unwrap_or_default();
                let mut args = vec![Arg::of(value)];
                args.extend_from_slice(rest);
                drop(run.run(&args, call.stdin));
            }
        }
        "at" | "batch" => feeds(run, call),
        "make" | "gmake"
            if call.has("-f")
                && call.values("-f --file").iter().any(|file| file == "-")
                && call.stdin.origin != Origin::File =>
        {
            run.found.unclear(reason::SCRIPT_UNKNOWN, call.whole);
        }
        "docker" | "podman" | "nerdctl" => {
            let values = call.values("-v --volume --mount");
            let open = values.iter().any(|value| {
                let source = value
                    .split([':', ','])
                    .find(|part| !part.starts_with("type="))
                    .unwrap_or_default();
                let source = source
                    .trim_start_matches("source=")
                    .trim_start_matches("src=");
                let full = run.full(source);
                source == "/"
                    || value.contains("docker.sock")
                    || value.starts_with("/:")
                    || full == "~/.ssh"
                    || full == "/etc"
                    || full == "/root"
                    || full == "~"
            });
            let joins = call
                .values("--pid --network --ipc --uts --userns --security-opt --cap-add --device");
            let joins = joins.iter().any(|value| {
                matches!(
                    value.as_str(),
                    "SYS_ADMIN"
                        | "ALL"
                        | "SYS_PTRACE"
                        | "SYS_MODULE"
                        | "seccomp=unconfined"
                        | "apparmor=unconfined"
                ) || value.starts_with("/dev/sd")
                    || value.starts_with("/dev/nvme")
            }) || call.has("--pid=host --cap-add=SYS_PTRACE")
                || call.values("--pid").iter().any(|value| value == "host");
            if (open || joins)
                && call
                    .words()
                    .any(|word| matches!(word, "run" | "create" | "exec"))
            {
                run.found.add(reason::RUN_OF_MACHINE, call.whole);
            }
            let entry = call.values("--entrypoint");
            if let Some(entry) = entry.first().filter(|_| mounts(call)) {
                let image = call
                    .args
                    .iter()
                    .rposition(|arg| arg.text == *entry)
                    .unwrap_or(0);
                let mut args = vec![Arg::of(entry.clone())];
                args.extend(
                    call.args
                        .iter()
                        .skip(image + 2)
                        .filter(|arg| !arg.text.contains(':'))
                        .cloned(),
                );
                drop(run.run(&args, call.stdin));
            }
        }
        "bwrap" => {}
        _ => {}
    }
}

/// A program that nothing is known of, and among its words a command that could only be run.
fn unknown(run: &mut Run<'_>, call: &Call<'_>) {
    const TELLING: &str = "rm shred mkfs dd sh bash zsh sudo chmod chown kill pkill curl wget";
    let is_known = !value_options(call.name).is_empty() || super::programs::takes_words(call.name);
    if is_known {
        return;
    }
    let at = call.args.iter().position(|arg| {
        let name = arg.program().unwrap_or_default();
        TELLING.split(' ').any(|known| known == name) && arg.is_known()
    });
    if let Some(at) = at.filter(|at| call.args.len() > at + 1) {
        let words = call.args.get(at..).unwrap_or_default();
        let is_command = words.get(1).is_some_and(|arg| {
            arg.text.starts_with(['-', '/', '~', '.']) || arg.text.contains('=')
        });
        if is_command {
            drop(run.run(words, &Flow::nothing()));
        }
    }
}
