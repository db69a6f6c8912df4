//! Calls in other languages that are disguised: by another name, by a name that is put together, or by
//! a text that is a program of its own.

use super::code::{self, Facts};
use super::reason;
use super::run::Run;
use super::tokens::{Token, made, texts};
use super::value::Flow;

/// Calls that nobody gives another name without a reason.
const TELLING: &str = "system popen execSync spawnSync execFileSync rmtree rmSync rmdirSync rm_rf unlinkSync getoutput Popen \
    execv execvp shell_exec passthru check_output os.remove os.unlink";

/// Judges a name for what it may hide.
pub(super) fn judge(
    run: &mut Run<'_>,
    facts: &Facts<'_>,
    tokens: &[Token<'_>],
    at: usize,
    name: &str,
    whole: &str,
) {
    let last = name.rsplit('.').next().unwrap_or(name);
    let opens = is_sign(tokens, at + 1, '(');
    let is_hidden = if opens {
        let is_binding = matches!(
            name,
            "process.binding" | "process._linkedBinding" | "process.dlopen"
        );
        let by_name = matches!(
            last,
            "getattr"
                | "__getattribute__"
                | "public_send"
                | "send"
                | "require"
                | "import"
                | "__import__"
                | "import_module"
        );
        is_binding || by_name && is_joined(facts, tokens, at + 1)
    } else {
        is_renamed(facts, tokens, at, name, last)
    };
    if is_hidden {
        run.found.unclear(reason::CODE_UNKNOWN, whole);
    }
    if opens && matches!(last, "exec" | "eval" | "Function" | "compile") {
        let text = texts(tokens, at + 1).concat();
        // It is the program's own language.
        if text.contains('(') {
            run.nested(|run| {
                code::source(run, &text, whole);
                Flow::nothing()
            });
        }
    }
}

fn is_sign(tokens: &[Token<'_>], at: usize, sign: char) -> bool {
    matches!(tokens.get(at), Some(Token::Sign(found)) if *found == sign)
}

/// Whether a name is put together within the brackets that open at a place.
fn is_joined(facts: &Facts<'_>, tokens: &[Token<'_>], from: usize) -> bool {
    let within = tokens.get(from..).unwrap_or_default();
    let mut open = 0_usize;
    let end = within
        .iter()
        .take(32)
        .position(|token| {
            match token {
                Token::Sign('(') => open += 1,
                Token::Sign(')') => open = open.saturating_sub(1),
                Token::Sign(_) | Token::Name(_) | Token::Text(..) => {}
            }
            open == 0
        })
        .unwrap_or(within.len().min(32));
    let within = within.get(..end).unwrap_or_default();
    let of_texts = within
        .windows(3)
        .any(|three| matches!(three, [Token::Text(..), Token::Sign('+'), Token::Text(..)]));
    of_texts
        || made(tokens, from) && facts.has("os __import__ subprocess builtins Kernel child_process")
}

/// Whether a call gets another name: `import system as s`, `f = os.system`, `{exec: e}`.
fn is_renamed(facts: &Facts<'_>, tokens: &[Token<'_>], at: usize, name: &str, last: &str) -> bool {
    let is_exec = last == "exec"
        && facts
            .texts
            .iter()
            .any(|text| text.ends_with("child_process"));
    if !is_exec
        && !TELLING
            .split_whitespace()
            .any(|known| known == last || known == name)
    {
        return false;
    }
    let as_other = matches!(tokens.get(at + 1), Some(Token::Name("as")));
    let in_pattern =
        is_sign(tokens, at + 1, ':') && matches!(tokens.get(at + 2), Some(Token::Name(_)));
    let is_before = at > 0 && (is_sign(tokens, at - 1, '=') || is_sign(tokens, at - 1, '.'));
    let ends = tokens.get(at + 1).is_none()
        || is_sign(tokens, at + 1, ';')
        || is_sign(tokens, at + 1, ',');
    as_other || in_pattern || is_before && ends
}

/// Whether a text is a name that is called: `fs["rmSync"](…)`, `array_map("unlink", …)`.
pub(super) fn is_called_by_name(facts: &Facts<'_>, tokens: &[Token<'_>], at: usize) -> bool {
    let sign = |at: usize, sign: char| matches!(tokens.get(at), Some(Token::Sign(found)) if *found == sign);
    let is_member = at > 0 && sign(at - 1, '[') && sign(at + 1, ']') && sign(at + 2, '(');
    let by = "array_map array_walk array_filter call_user_func call_user_func_array usort register_shutdown_function";
    let is_callable = at > 1
        && sign(at - 1, '(')
        && matches!(tokens.get(at - 2), Some(Token::Name(name)) if by.split(' ').any(|known| known == *name));
    is_member || is_callable && facts.is_by("php")
}

/// Whether AWK gives what it prints to the command that a name stands for, or reads from it.
pub(super) fn pipes(tokens: &[Token<'_>]) -> bool {
    let mut prints = false;
    tokens.iter().enumerate().any(|(at, token)| {
        match token {
            Token::Name("print" | "printf") => prints = true,
            Token::Sign(';' | '{' | '}' | '/') => prints = false,
            Token::Sign(_) | Token::Name(_) | Token::Text(..) => {}
        }
        let is_single = is_sign(tokens, at, '|') && at > 0 && !is_sign(tokens, at - 1, '|');
        let next = tokens.get(at + 1);
        let reads = matches!(next, Some(Token::Name("getline")))
            && matches!(tokens.get(at.wrapping_sub(1)), Some(Token::Name(_)));
        is_single
            && (reads || prints && matches!(next, Some(Token::Name(name)) if *name != "getline"))
    })
}
