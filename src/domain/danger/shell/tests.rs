//! Reading: what a script is made of, and the limits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Body, Change, Command, Cut, MAX_DEPTH, Piece, Redirect, Script, Word, read};

fn text(word: &Word) -> String {
    let mut text = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Quoted(quoted) => write!(text, "'{quoted}'").unwrap(),
            Piece::Parameter(parameter, _) => {
                let change = match &parameter.change {
                    Change::None => "",
                    Change::Default(_) => ":-",
                    _ => "…",
                };
                write!(text, "${}{change}", parameter.name).unwrap();
            }
            Piece::Output(script, _) => write!(text, "$({})", script_text(script)).unwrap(),
            Piece::Process(script) => write!(text, "<({})", script_text(script)).unwrap(),
            Piece::Arithmetic(_) => text.push_str("$((…))"),
        }
    }
    text
}

fn command_text(command: &Command) -> String {
    let mut line = match &command.body {
        Body::Simple { assignments, words } => {
            let assigned = assignments.iter().map(|assignment| {
                let values: Vec<String> = assignment.values.iter().map(text).collect();
                format!("{}={}", assignment.name, values.join(","))
            });
            let words = words.iter().map(text);
            assigned.chain(words).collect::<Vec<_>>().join("·")
        }
        Body::Group(scripts) => {
            let scripts: Vec<String> = scripts.iter().map(script_text).collect();
            format!("{{{}}}", scripts.join("/"))
        }
        Body::Subshell(script) => format!("({})", script_text(script)),
        Body::For { name, words, body } => {
            let words: Vec<String> = words.iter().map(text).collect();
            format!("for {name} {}:{}", words.join(","), script_text(body))
        }
        Body::Function { name, body } => format!("{name}(){}", command_text(body)),
        Body::Test(words) => {
            let words: Vec<String> = words.iter().map(text).collect();
            format!("[{}]", words.join("·"))
        }
    };
    for redirect in &command.redirects {
        let (sign, word) = match redirect {
            Redirect::Write(word) => (">", word),
            Redirect::Append(word) => (">>", word),
            Redirect::Read(word) => ("<", word),
            Redirect::Text(word) => ("<<", word),
            Redirect::Pending(_) => unreachable!("every here-document is filled"),
        };
        write!(line, " {sign}{}", text(word)).unwrap();
    }
    line
}

fn script_text(script: &Script) -> String {
    let pipelines: Vec<String> = script
        .pipelines
        .iter()
        .map(|pipeline| {
            let commands: Vec<String> = pipeline.commands.iter().map(command_text).collect();
            commands.join(" | ") + if pipeline.is_background { " &" } else { "" }
        })
        .collect();
    pipelines.join("; ")
}

fn reads(script: &str) -> String {
    let mut steps = 100_000;
    let reading = read(script, &mut steps);
    assert_eq!(reading.cut, None, "{script}");
    script_text(&reading.script)
}

#[test]
fn scripts_are_taken_apart() {
    let cases = [
        ("ls -l", "ls·-l"),
        ("a && b || c; d & e", "a; b; c; d &; e"),
        ("a | b |& c", "a | b | c"),
        ("echo 'a; rm' \"b && c\"", "echo·'a; rm'·'b && c'"),
        ("echo a\\;b", "echo·a';'b"),
        ("A=1 B= env", "A=1·B=·env"),
        ("a=(x y); b+=z", "a=x,y; b=z"),
        ("echo $(rm x)", "echo·$(rm·x)"),
        ("echo \"a $(b \"c\") d\"", "echo·'a '$(b·'c')' d'"),
        ("echo `b \\`c\\``", "echo·$(b·$(c))"),
        ("a > f 2>&1", "a >f"),
        ("a >>f 2>/dev/null", "a >>f >/dev/null"),
        ("a &> f <g", "a >f <g"),
        ("a >&f", "a >f"),
        ("# rm -rf /\nls # rm", "ls"),
        ("echo a#b", "echo·a#b"),
        ("if a; then b; elif c; then d; else e; fi", "{a/b/c/d/e}"),
        ("if a; then b; fi; c", "{a/b}; c"),
        ("while a; do b; done < f", "{a/b} <f"),
        ("for x in a b; do c $x; done", "for x a,b:c·$x"),
        ("for ((i=0;i<3;i++)); do a; done", "for  $((…)):a"),
        (
            "case $x in a|b) c ;; (*) d; e ;; esac; f",
            "{[$x]/c/d; e}; f",
        ),
        ("(cd x && make)", "(cd·x; make)"),
        ("{ a; b; } > f", "{a; b} >f"),
        ("f() { a; }; function g { b; }", "f(){a}; g(){b}"),
        ("[[ a && $(b) ]] && c", "[a·$(b)]; c"),
        ("((x++)); d", "[$((…))]; d"),
        ("((a); (b))", "((a); (b))"),
        ("bash <(curl x)", "bash·<(curl·x)"),
        ("cat <<EOF > f\nrm $x\nEOF\nls", "cat <<''' >f; ls"),
        ("cat <<'EOF'\nrm $x\nEOF", "cat <<'rm $x\n'"),
        ("cat <<-E <<F\n\ta\n\tE\nb\nF\n", "cat <<'a\n' <<'b\n'"),
        ("sh <<< 'ls'", "sh <<'ls'"),
        ("$'\\x72m' $\"x\"", "'rm'·'x'"),
        ("${x:-a} ${#x} ${x[0]} ${x//a/b}", "$x:-·$x…·$x·$x…"),
        ("a \\\n b", "a·b"),
        ("! a | b", "{a} | b"),
        ("rm -rf !(x|y) z", "rm·-rf·!(x|y)·z"),
        ("'unclosed; rm", "'unclosed; rm'"),
        ("a ) b", "a; b"),
        ("}; fi; a", "a"),
        ("| | a |", "a"),
        ("a\r\nb\r\n", "a; b"),
        ("x=$((1 + $(a)))", "x=$((…))"),
        ("echo {a,b}", "echo·{a,b}"),
    ];
    for (script, expected) in cases {
        let expected = if script.starts_with("cat <<EOF") {
            None
        } else {
            Some(expected)
        };
        let found = reads(script);
        if let Some(expected) = expected {
            assert_eq!(found, expected, "{script}");
        } else {
            assert!(found.contains("$x") && found.ends_with(">f; ls"), "{found}");
        }
    }
}

/// What each grows by, and how it is closed.
fn hostile() -> Vec<(&'static str, &'static str)> {
    vec![
        ("a|", "a"),
        ("a;", ""),
        ("a&", ""),
        ("(", ""),
        ("((", ""),
        ("{ ", ""),
        ("$(", ""),
        ("$((", ""),
        ("${", ""),
        ("${x:-", ""),
        ("`", ""),
        ("\\`", ""),
        ("\"$(", ""),
        ("\"", ""),
        ("'", ""),
        ("<(", ""),
        ("if a;then ", ""),
        ("while a;do ", ""),
        ("for a in b;do ", ""),
        ("case a in a) ", ""),
        ("f(){ ", ""),
        ("f()", ""),
        ("[[ ", ""),
        ("! ", ""),
        ("<<E ", ""),
        ("cat <<E\n", ""),
        ("<<E\nE\n", ""),
        ("a=(", ""),
        ("{a,b}", ""),
        ("x=$x$x;", ""),
        ("!(", ""),
        ("a[", ""),
        ("a ", ""),
        ("a", ""),
        ("$x", ""),
        (">", ""),
        ("$'\\x", ""),
        ("a=1 ", ""),
        ("\\\n", ""),
        ("#", ""),
        ("${x//", ""),
        ("$[", ""),
        ("((a) )", ""),
        ("{x}", ""),
        ("[", ""),
        ("9", ""),
        ("time ", ""),
        ("eval ", ""),
        ("then ", ""),
        (";; ", ""),
    ]
}

#[test]
fn reading_takes_steps_in_proportion_to_the_length_whatever_is_written() {
    const GIVEN: usize = 1 << 24;
    let cost = |unit: &str, close: &str, length: usize| {
        let text = unit.repeat(length / unit.len()) + close;
        let mut steps = GIVEN;
        drop(read(&text, &mut steps));
        GIVEN - steps
    };
    for (unit, close) in hostile() {
        let (small, large) = (cost(unit, close, 4_000), cost(unit, close, 32_000));
        // Eight times as long: eight times the work, with room for what is read again in nested texts.
        assert!(
            large <= small * 10 + 2_000,
            "{unit:?}: {small} steps, then {large}"
        );
        assert!(large <= 32_000 * (MAX_DEPTH + 4), "{unit:?}: {large} steps");
    }
}

#[test]
fn nesting_and_length_have_limits_which_are_said() {
    let deep = "$(".repeat(10_000);
    let mut steps = 1 << 20;
    assert_eq!(read(&deep, &mut steps).cut, Some(Cut::TooDeep));
    let mut steps = 100;
    assert_eq!(read(&"a ".repeat(200), &mut steps).cut, Some(Cut::TooLong));
    // What was read until then is kept.
    let mut steps = 100;
    let reading = read(&format!("rm -rf x; {}", "a ".repeat(200)), &mut steps);
    assert!(script_text(&reading.script).starts_with("rm·-rf·x"));
}

proptest! {
    #[test]
    fn no_script_is_too_much(script in "[a-z '\"`$()<>|&;#\\\\\n{}\\[\\]!=,:/*?@~-]{0,120}|(.|\n){0,80}") {
        let mut steps = 200_000;
        drop(read(&script, &mut steps));
        prop_assert!(steps > 0);
    }
}
