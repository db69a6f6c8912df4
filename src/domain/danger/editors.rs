//! Editors and pagers, as far as their command lines tell them to run something.

use super::programs::Call;
use super::run::Run;
use super::{code, paths, reason};

/// Editors of the family of vi.
const VI: &str = "vi vim nvim ex view vimdiff nvimdiff gvim rvim";

/// Judges what an editor or a pager is told to do.
pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    if call.is(VI) {
        for value in call.values("-c --cmd --remote-expr") {
            command(run, &value, call);
        }
        if call.has("--remote-send --remote-expr") {
            run.found.add(reason::TYPES, call.whole);
        }
        if let Some(text) = call.stdin.text.clone().filter(|_| call.has("-s -es -E")) {
            text.lines()
                .take(256)
                .for_each(|line| command(run, line, call));
        }
    }
    if call.is(VI) || call.is("less more most man emacs") {
        for word in call.words() {
            if let Some(text) = word.strip_prefix('+') {
                command(run, text, call);
            }
        }
    }
}

/// One line of an editor's own commands.
pub(super) fn command(run: &mut Run<'_>, text: &str, call: &Call<'_>) {
    run.spend(text.len());
    let mut rest = text;
    for _ in 0..32 {
        // The lines that it is for, and what makes it quiet.
        let mut line =
            rest.trim_start_matches(|c: char| c.is_ascii_digit() || " \t:,.$%;'<>".contains(c));
        for quiet in ["silent!", "silent", "sil!", "noautocmd", "keepjumps"] {
            line = line.strip_prefix(quiet).unwrap_or(line).trim_start();
        }
        line = line.trim_start_matches([':', ' ']);
        let end = line
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(line.len());
        let (word, behind) = line.split_at(end);
        let behind = behind.trim_start();
        match word {
            "" | "r" | "read" | "w" | "write" | "term" | "terminal" | "ter" => {
                let script = behind
                    .strip_prefix('!')
                    .or_else(|| word.starts_with("ter").then_some(behind));
                if let Some(script) = script {
                    drop(run.text(script));
                    return;
                }
            }
            "lua" | "luado" | "py" | "py3" | "python" | "python3" | "pyx" | "pydo" | "ruby"
            | "rubydo" | "perl" | "perldo" | "tcl" | "call" | "cal" | "let" | "echo" | "eval"
            | "exe" | "execute" | "exec" | "put" => {
                code::source(run, behind, call.whole);
                for quoted in code::quoted(behind) {
                    let quoted = quoted.trim_start_matches(':');
                    if let Some(script) = quoted.strip_prefix('!') {
                        drop(run.text(script));
                    }
                }
                return;
            }
            "d" | "delete"
                if rest.trim_start_matches(':').starts_with('%')
                    && (behind.is_empty() || behind.starts_with('|')) =>
            {
                let files = call.positional();
                if files.iter().any(|arg| paths::is_kept(&run.full(&arg.text))) {
                    run.found.add(reason::EMPTIES, call.whole);
                }
            }
            _ => {}
        }
        match rest.split_once('|') {
            Some((_, more)) => rest = more,
            None => return,
        }
    }
}
