//! Texts that the shell itself evaluates although they stood in quotes: arithmetic, in which a name
//! stands for the text of its variable and `a[$(…)]` carries out the substitution, the names that
//! builtins are given, and prompts.

use super::reason;
use super::run::Run;
use super::shell::{self, Cut, Piece, Word};
use super::value::Arg;

/// Names of one text, and values of one variable, that are followed.
const MAX_NAMES: usize = 64;
const MAX_VALUES: usize = 16;

/// Builtins that are given names of variables, which they evaluate.
const NAMING: &str =
    "read mapfile readarray unset declare local typeset export readonly getopts wait";

impl Run<'_> {
    /// A text whose substitutions are carried out.
    pub fn substituted(&mut self, text: &str) {
        self.spend(text.len() / 8 + 1);
        if !text.contains("$(") && !text.contains('`') && !text.contains("${") {
            return;
        }
        self.nested(|run| {
            let (word, cut) = shell::read_quoted(text, &mut run.found.steps);
            match cut {
                Some(Cut::TooLong) => run.found.unclear(reason::TOO_LONG, ""),
                Some(Cut::TooDeep) => run.found.unclear(reason::TOO_DEEP, ""),
                None => {}
            }
            run.text_of(&word);
            super::value::Flow::nothing()
        });
    }

    /// A text that is evaluated as arithmetic.
    pub fn arithmetic(&mut self, text: &str) {
        self.substituted(text);
        self.names_in(text);
    }

    /// What the variables that a text names hold is evaluated in turn.
    fn names_in(&mut self, text: &str) {
        if self.variables.is_empty() {
            return;
        }
        let is_number = |value: &&Arg| value.text.bytes().all(|byte| byte.is_ascii_digit());
        let mut seen: Vec<&str> = Vec::new();
        for name in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if seen.len() >= MAX_NAMES {
                break;
            }
            let Some(values) = self.variables.get(name).filter(|_| !seen.contains(&name)) else {
                continue;
            };
            let values: Vec<String> = values
                .iter()
                .take(MAX_VALUES)
                .filter(|value| !is_number(value))
                .map(|value| value.text.clone())
                .collect();
            let mark = format!("${name}");
            if values.is_empty() || self.is_active(&mark) {
                continue;
            }
            seen.push(name);
            self.spend(values.iter().map(String::len).sum());
            self.within(mark, |run| {
                run.nested(|run| {
                    values.iter().for_each(|value| run.arithmetic(value));
                    super::value::Flow::nothing()
                });
            });
        }
    }

    /// A word that is evaluated as arithmetic; its text.
    pub fn evaluated(&mut self, word: &Word) -> String {
        let mut whole = String::new();
        for piece in &word.pieces {
            match piece {
                Piece::Quoted(text) => {
                    self.arithmetic(text);
                    whole.push_str(text);
                }
                Piece::Plain(text) => {
                    self.names_in(text);
                    whole.push_str(text);
                }
                Piece::Parameter(..) => {
                    let text = self.piece_text(piece).text;
                    self.arithmetic(&text);
                    whole.push_str(&text);
                }
                Piece::Output(..) | Piece::Process(_) | Piece::Arithmetic(_) => {
                    whole.push_str(&self.piece_text(piece).text);
                }
            }
        }
        whole
    }

    /// What stands between the brackets behind a variable's name.
    pub fn subscript(&mut self, index: &Word) -> String {
        match index.plain() {
            Some(sign @ ("@" | "*")) => sign.to_owned(),
            _ => self.evaluated(index),
        }
    }

    /// The name of a variable that something is to be put into, or that is looked for.
    pub fn target(&mut self, name: &str) {
        if name.contains('[') {
            self.arithmetic(name);
        }
    }

    /// `[[ … ]]` and `test`: names that are looked for, and numbers that are compared.
    pub fn tested(&mut self, args: &[Arg], is_builtin: bool) {
        for pair in args.windows(2) {
            if let [sign, name] = pair
                && matches!(sign.text.as_str(), "-v" | "-R")
            {
                self.target(&name.text);
            }
        }
        let compares = |arg: &Arg| {
            matches!(
                arg.text.as_str(),
                "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"
            )
        };
        if !is_builtin && args.iter().any(compares) {
            for arg in args {
                self.arithmetic(&arg.text);
            }
        }
    }

    /// What builtins evaluate of their arguments.
    pub fn builtin_evaluates(&mut self, name: &str, args: &[Arg]) {
        match name {
            "let" => {
                for arg in args {
                    self.arithmetic(&arg.text);
                }
            }
            "test" | "[" => self.tested(args, true),
            "printf" => {
                if let [option, target, ..] = args
                    && option.text == "-v"
                {
                    self.target(&target.text);
                }
            }
            "print" if args.iter().any(|arg| arg.text == "-P") => {
                for arg in args {
                    self.substituted(&arg.text);
                }
            }
            "compgen" | "complete" | "mapfile" | "readarray" => {
                for pair in args.windows(2) {
                    if let [option, value] = pair {
                        self.target(&value.text);
                        match option.text.as_str() {
                            "-W" => self.substituted(&value.text),
                            "-C" | "-F" => drop(self.text(&value.text)),
                            _ => {}
                        }
                    }
                }
            }
            _ if NAMING.split(' ').any(|known| known == name) => {
                for arg in args {
                    self.target(&arg.text);
                }
            }
            _ => {}
        }
    }

    /// The characters at which the value of a variable outside quotes falls apart: blanks, and those
    /// of `IFS` where the script sets it.
    pub fn word_ends(&self) -> String {
        let mut ends = " \t\n".to_owned();
        for value in self.variables.get("IFS").into_iter().flatten() {
            ends.extend(value.text.chars().take(16));
        }
        ends
    }
}
