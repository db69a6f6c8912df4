//! What the shell itself does: the commands that are part of it, as far as they change what runs.

use super::run::{Run, join};
use super::value::{Arg, Flow, Origin};
use super::{Verdict, names, programs, reason};

impl Run<'_> {
    /// What the shell itself does.
    pub fn builtin(&mut self, name: &str, rest: &[Arg], stdin: &Flow) -> Option<Flow> {
        match name {
            "cd" | "pushd" => {
                let to = rest.iter().find(|arg| !arg.text.starts_with('-'));
                let to = to.map_or_else(|| "~".to_owned(), |arg| arg.text.clone());
                self.directory = Some(self.full(&to));
            }
            "alias" => {
                for arg in rest {
                    if let Some((name, value)) = arg.text.split_once('=') {
                        match names::alias(name, value) {
                            Some(Verdict::Dangerous) => {
                                self.found.add(reason::HIJACKS, &arg.text);
                            }
                            Some(Verdict::CantTell) => {
                                self.found.unclear(reason::SHADOWS, &arg.text);
                            }
                            None => {}
                        }
                        // Looked at here, too, whether or not it is the one that a call sees.
                        let calls = std::mem::replace(&mut self.found.unclear_is_off, true);
                        drop(self.text(value));
                        self.found.unclear_is_off = calls;
                        self.aliases.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
            "unalias" => {}
            "trap" => {
                if let Some(script) = rest
                    .iter()
                    .find(|arg| arg.text != "--" && !arg.text.starts_with('-'))
                {
                    self.runs_arg(script, &format!("trap {}", script.text));
                }
            }
            "set" if rest.first().is_some_and(|arg| arg.text == "--") => {
                self.set_positional(rest.get(1..).map(<[Arg]>::to_vec));
            }
            "shift" => {
                let by = rest.first().map_or(Some(1), |by| by.text.parse().ok());
                let shifted = self
                    .positional
                    .as_ref()
                    .and_then(|words| words.get(by.unwrap_or(1)..))
                    .map(<[Arg]>::to_vec);
                if shifted.is_some() {
                    self.set_positional(shifted);
                }
            }
            "read" | "mapfile" | "readarray" => {
                self.reads_into(name, rest, stdin);
            }
            "printf" if rest.first().is_some_and(|arg| arg.text == "-v") => {
                if let Some((target, args)) = rest.get(1..).and_then(<[Arg]>::split_first) {
                    let made = programs::printed("printf", args);
                    let value = made.text.map_or_else(
                        || Arg::unknown("$printf", Origin::Computed),
                        |text| Arg::of(&*text),
                    );
                    self.set(&target.text, vec![value], false, false);
                }
            }
            "eval" => {
                let mut script = Arg::of(join(rest));
                for arg in rest {
                    script.origin = script.origin.min(arg.origin);
                }
                if let [only] = rest {
                    script = only.clone();
                }
                // What sets up a shell says so with its verb: `direnv hook bash`, `brew shellenv`.
                let verbs = [
                    "env",
                    "init",
                    "hook",
                    "shellenv",
                    "activate",
                    "completion",
                    "completions",
                    "docker-env",
                    "-s",
                    "-",
                ];
                let made = script.text.strip_prefix("$(").unwrap_or_default();
                let is_tool = made
                    .trim_end_matches(')')
                    .split_whitespace()
                    .skip(1)
                    .any(|word| verbs.contains(&word))
                    || made.starts_with("dircolors")
                    || made.starts_with("ssh-agent");
                let is_tool = is_tool && script.origin == Origin::Computed;
                if !is_tool {
                    self.runs_arg(&script, &format!("eval {}", script.text));
                }
                return Some(Flow::of(Origin::Computed, "eval"));
            }
            "source" | "." => {
                let path = rest.first()?.text.clone();
                let full = self.full(&path);
                if full == "/dev/stdin" {
                    self.runs(stdin, &format!("{name} {path}"));
                }
                if let Some(flow) = self.files.get(&full).cloned() {
                    self.runs(&flow, &format!("{name} {path}"));
                }
            }
            "bind" => {
                for arg in rest {
                    if let Some((_, script)) = arg.text.split_once("\":") {
                        drop(self.text(script));
                    }
                }
            }
            "setenv" => self.sets_by_words(rest),
            "enable" if rest.iter().any(|arg| arg.text == "-f") => {
                self.found
                    .add(reason::HIJACKS, &format!("enable {}", join(rest)));
            }
            "hash" if rest.iter().any(|arg| arg.text == "-p") => {
                self.found
                    .add(reason::HIJACKS, &format!("hash {}", join(rest)));
            }
            "export" | "declare" | "local" | "readonly" | "typeset" | "return" | "exit"
            | "break" | "continue" | "wait" | "jobs" | "bg" | "fg" | "set" | "shopt" | "unset"
            | "test" | "[" | "let" | "type" | "hash" | "popd" | "dirs" | "true" | "false" | ":"
            | "ulimit" | "umask" | "getopts" | "disown" | "complete" | "compgen" => {
                let variable = |arg: &Arg| arg.text.contains("HISTFILE");
                for arg in rest {
                    self.declares(name, arg);
                }
                if name == "set" {
                    self.sets_by_words(rest);
                }
                if name == "unset" && rest.iter().any(variable) {
                    self.found.add(reason::HIDES, &join(rest));
                }
            }
            _ => return None,
        }
        Some(Flow::nothing())
    }

    /// `export "name=value"`, which is no assignment to the reader of the script.
    fn declares(&mut self, builtin: &str, arg: &Arg) {
        let declares = matches!(
            builtin,
            "export" | "declare" | "local" | "readonly" | "typeset"
        );
        if let Some((name, value)) = arg.text.split_once('=').filter(|_| declares) {
            let value = Arg {
                text: value.to_owned(),
                unknown: arg.unknown.saturating_sub(name.len() + 1),
                ..arg.clone()
            };
            self.set(name, vec![value], false, false);
        }
    }

    /// `set -gx name value` and `setenv name value` of other shells.
    pub fn sets_by_words(&mut self, words: &[Arg]) {
        let mut words = words
            .iter()
            .filter(|arg| !arg.text.starts_with('-') || arg.text.contains(' '));
        if let (Some(name), Some(value)) = (words.next(), words.next())
            && name
                .text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            let (name, value) = (name.text.clone(), value.text.clone());
            self.environment(&name, &value);
        }
    }

    /// Puts what is read into variables.
    fn reads_into(&mut self, builtin: &str, rest: &[Arg], stdin: &Flow) {
        let mut names: Vec<&Arg> = Vec::new();
        let mut words = rest.iter();
        while let Some(arg) = words.next() {
            match arg.text.strip_prefix('-') {
                // Whose value is the next word.
                Some(letters) if letters.ends_with(|c| "dpnNtuiOsCc".contains(c)) => {
                    words.next();
                }
                Some(_) => {}
                None => names.push(arg),
            }
        }
        let text = stdin.text.clone().filter(|_| !stdin.is_nothing());
        let Some(text) = text else {
            let value = Arg::unknown("$read", stdin.origin.min(Origin::Computed));
            for name in names {
                self.set(&name.text, vec![value.clone()], false, false);
            }
            return;
        };
        let ends = self.word_ends();
        let parts: Vec<&str> = match builtin {
            "read" => text.trim().split(|c| ends.contains(c)).collect(),
            _ => text.lines().collect(),
        };
        let is_array = builtin != "read"
            || rest
                .iter()
                .any(|arg| arg.text.starts_with('-') && arg.text.contains('a'));
        if is_array {
            let values: Vec<Arg> = parts.iter().take(64).map(|part| Arg::of(*part)).collect();
            for name in names {
                self.set(&name.text, values.clone(), false, true);
            }
            return;
        }
        let last = names.len().saturating_sub(1);
        for (at, name) in names.iter().enumerate() {
            // The last one takes all that is left.
            let value = match parts.get(at) {
                Some(_) if at == last => parts.get(at..).unwrap_or_default().join(" "),
                Some(part) => (*part).to_owned(),
                None => String::new(),
            };
            self.set(&name.text, vec![Arg::of(value)], false, false);
            self.spend(text.len() / 4);
            if self.found.steps == 0 {
                break;
            }
            self.keep_earlier(&name.text, vec![Arg::of(text.trim())]);
        }
    }
}
