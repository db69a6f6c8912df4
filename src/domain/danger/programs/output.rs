//! What programs write on their standard output, as far as that can be known.

use super::super::paths;
use super::super::run::Run;
use super::super::shell::unescape;
use super::super::value::{Arg, Flow, Origin};
use super::Call;
use super::network::FETCHERS;

/// Programs that decode, decrypt or turn round.
const DECODERS: &str = "base64 base32 basenc gbase64 xxd uudecode openssl gpg gunzip zcat bzcat xzcat zstdcat gzip bzip2 xz rev tr od hexdump ascii85 uncompress funzip brotli rot13 iconv";
/// Programs that pass on what they read, all or some of it.
const PASSING: &str = "cat tee pv sponge head tail sort uniq sed awk gawk grep egrep rg cut tac nl fold tr sudo buffer mbuffer stdbuf unbuffer dos2unix expand fmt jq less more bat ts timeout";
/// What prints the environment or keys.
const TELLING: &str = "env printenv export declare set history pass op security";

/// What a program writes.
pub(in crate::domain::danger) fn output(run: &mut Run<'_>, call: &Call<'_>) -> Flow {
    let computed = Flow::of(Origin::Computed, call.whole);
    passes_on(run, call, &computed);
    let mut flow = match call.name {
        name if call.is(FETCHERS) => fetched(run, call, name),
        "echo" | "printf" | "print" => return printed(call.name, call.args),
        "yes" => Flow::known("y"),
        "cat" | "bat" | "tac" | "head" | "tail" | "sed" | "awk" | "grep" | "sort" | "strings"
        | "less" | "cut" | "base64" | "xxd" | "od" | "gzip" | "zcat" | "rev" | "tee" | "tr"
            if !call.positional().is_empty() || call.is("cat tee") =>
        {
            passed(run, call)
        }
        "which" => match call.positional().first() {
            Some(arg) if arg.is_known() => Flow::known(&arg.text),
            _ => computed,
        },
        "pwd" => Flow::known(run.directory.as_deref().unwrap_or(".")),
        "mktemp" => Flow::known(paths::MADE_BY_MKTEMP),
        "nc" | "ncat" | "netcat" | "socat" | "telnet" | "dig" | "nslookup" | "host" | "scp"
        | "sftp" | "ftp" | "aws" | "gsutil" | "gh"
            if call.is("nc ncat netcat socat telnet dig") =>
        {
            Flow::of(Origin::Fetched, call.whole)
        }
        "aws" | "gsutil" | "gcloud" | "s3cmd"
            if call.words().any(|word| word == "-") && call.words().any(|word| word == "cp") =>
        {
            Flow::of(Origin::Fetched, call.whole)
        }
        _ if call.is(PASSING) && !call.stdin.is_nothing() => Flow {
            text: None,
            ..call.stdin.clone()
        },
        _ if call.is("tar zip 7z") && call.stdin.origin == Origin::Fetched => call.stdin.clone(),
        _ => computed,
    };
    let decodes = call.is(DECODERS)
        && (!matches!(
            call.name,
            "base64"
                | "base32"
                | "xxd"
                | "openssl"
                | "gpg"
                | "gzip"
                | "bzip2"
                | "xz"
                | "gbase64"
                | "basenc"
        ) || call.has("-d -D --decode -r --decrypt -dc -k"));
    if decodes && flow.origin != Origin::Fetched {
        flow = Flow {
            origin: Origin::Encoded,
            text: None,
            label: call.whole.into(),
            is_secret: flow.is_secret || call.stdin.is_secret,
        };
    } else if call.is(DECODERS) && call.stdin.origin == Origin::Fetched {
        flow = call.stdin.clone();
    } else if flow.text.is_none() && flow.origin == Origin::Computed {
        flow.is_secret |= call.stdin.is_secret;
    }
    if matches!(flow.text.as_deref(), Some(text) if !text.is_empty()) && decodes {
        flow.text = None;
    }
    let tells =
        call.is(TELLING) && (call.args.is_empty() || call.is("printenv pass op security history"));
    let private = |arg: &&Arg| {
        let full = run.full(&arg.text);
        paths::is_secret(&full)
            || full.starts_with("/etc/passwd")
            || full == "~/.ssh"
            || full == "~/.aws"
            || full == "~"
    };
    let packs = call.is("tar zip 7z find gpg") && call.positional().iter().any(private);
    flow.is_secret |= tells || packs;
    flow
}

/// Files that the script made and that are copied, or changed in their place.
fn passes_on(run: &mut Run<'_>, call: &Call<'_>, computed: &Flow) {
    let in_place = call.is("sed gsed perl ruby")
        && call
            .options()
            .any(|word| word.starts_with("-i") || word.starts_with("-pi") || word == "--in-place");
    if run.files.is_empty() || !(in_place || call.is("cp mv ln install")) {
        return;
    }
    let files = call.positional();
    if in_place {
        for arg in files {
            if run.files.contains_key(&run.full(&arg.text)) {
                run.made(&arg.text, computed);
            }
        }
        return;
    }
    let named = call.values("-t --target-directory").first().cloned();
    let last = files.last().map(|arg| arg.text.clone());
    let Some(target) = named.or(last) else { return };
    for arg in &files {
        let Some(flow) = run.files.get(&run.full(&arg.text)).cloned() else {
            continue;
        };
        let name = arg.text.rsplit('/').next().unwrap_or_default();
        run.made(&target, &flow);
        run.made(&format!("{target}/{name}"), &flow);
    }
}

/// What `echo` and `printf` write.
pub(in crate::domain::danger) fn printed(name: &str, args: &[Arg]) -> Flow {
    let mut args = args;
    let mut escapes = name == "printf";
    let mut ends_line = name != "printf";
    while let Some((first, rest)) = args.split_first() {
        let is_option = first.text.starts_with('-')
            && first.text.len() > 1
            && first.text[1..].chars().all(|c| "neE".contains(c))
            && name != "printf";
        let is_end = name == "printf" && first.text == "--";
        if !is_option && !is_end {
            break;
        }
        escapes |= first.text.contains('e');
        ends_line &= !first.text.contains('n');
        args = rest;
    }
    let origin = args
        .iter()
        .map(|arg| arg.origin)
        .min()
        .unwrap_or(Origin::Known);
    let is_secret = args.iter().any(|arg| arg.is_secret);
    let texts: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
    let text = match (name, texts.split_first()) {
        ("printf", Some((format, values))) => formatted(format, values),
        _ => texts.join(" "),
    };
    let mut text = if escapes { unescape(&text) } else { text };
    if ends_line {
        text.push('\n');
    }
    let is_whole_unknown = args.len() == 1
        && args
            .iter()
            .all(|arg| arg.unknown >= arg.text.len() && !arg.is_known());
    Flow {
        origin: if origin == Origin::Computed && !is_whole_unknown {
            Origin::Known
        } else {
            origin
        },
        text: (!is_whole_unknown && origin > Origin::Encoded).then(|| text.into()),
        label: "echo".into(),
        is_secret,
    }
}

/// A format with its values in their places; it begins again while there are values left.
fn formatted(format: &str, values: &[&str]) -> String {
    let mut made = String::new();
    let mut rest = values.iter();
    for _ in 0..=values.len() {
        let before = rest.len();
        let mut signs = format.chars().peekable();
        while let Some(c) = signs.next() {
            if c != '%' {
                made.push(c);
                continue;
            }
            let mut kind = signs.next();
            while kind
                .is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | '+' | '#' | ' '))
            {
                kind = signs.next();
            }
            match kind {
                Some('%') => made.push('%'),
                Some(_) => made.push_str(rest.next().copied().unwrap_or_default()),
                None => {}
            }
        }
        if rest.len() == 0 || rest.len() == before || made.len() > 64 * 1024 {
            break;
        }
    }
    made
}

fn fetched(run: &mut Run<'_>, call: &Call<'_>, name: &str) -> Flow {
    let flow = Flow::of(Origin::Fetched, call.whole);
    let mut targets = call.values(if name == "wget" {
        "-O --output-document"
    } else {
        "-o --output --out -d"
    });
    if name == "curl" {
        targets = call.values("-o --output");
    }
    let by_name = name == "curl" && call.has("-O --remote-name -J")
        || (name.starts_with("wget") || matches!(name, "aria2c" | "axel" | "fetch"))
            && targets.is_empty();
    for arg in call.positional().iter().filter(|_| by_name) {
        let name = arg
            .text
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        targets.push(name.to_owned());
    }
    let to_screen = targets
        .iter()
        .any(|target| matches!(target.as_str(), "-" | "/dev/stdout"));
    for target in &targets {
        run.made(target, &flow);
    }
    if targets.is_empty() || to_screen {
        flow
    } else {
        Flow::nothing()
    }
}

/// Files and standard input, as they are or in part.
fn passed(run: &mut Run<'_>, call: &Call<'_>) -> Flow {
    let files = call.positional();
    let skip = usize::from(call.is("sed awk grep tr") && !call.has("-e -f"));
    let whole = call.is("cat tee bat");
    let mut flow = Flow::nothing();
    let reads_stdin =
        files.len() <= skip || call.name == "tee" || files.iter().any(|arg| arg.text == "-");
    if reads_stdin {
        flow = call.stdin.clone();
    }
    if call.name == "tee" {
        for arg in &files {
            run.made(&arg.text, call.stdin);
        }
        return flow;
    }
    for arg in files.iter().skip(skip).filter(|arg| arg.text != "-") {
        let full = run.full(&arg.text);
        if full == "/dev/null" {
            continue;
        }
        let mut held = run
            .files
            .get(&full)
            .cloned()
            .unwrap_or_else(|| Flow::of(Origin::File, call.whole));
        held.is_secret |= paths::is_secret(&full) || full == "/etc/passwd" || paths::is_data(&full);
        flow = flow.and(held);
    }
    if !whole {
        flow.text = None;
        if flow.origin == Origin::Known
            || (flow.origin == Origin::File && call.is("sed awk cut tr rev strings"))
        {
            flow.origin = Origin::Computed;
        }
        flow.label = call.whole.into();
    }
    flow
}
