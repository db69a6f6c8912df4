//! The scripts of `sed`, as far as they run commands and write files.

use super::programs::Call;
use super::run::Run;
use super::{paths, reason};

/// Judges what `sed` is told to do.
pub(super) fn judge(run: &mut Run<'_>, call: &Call<'_>) {
    let mut scripts = call.values("-e --expression");
    let is_file = call.has("-f --file");
    if scripts.is_empty() && !is_file {
        scripts.extend(call.positional().first().map(|arg| arg.text.clone()));
    }
    let in_place = call.has("-i --in-place") || call.options().any(|word| word.starts_with("-i"));
    for script in &scripts {
        run.spend(script.len());
        let mut reader = Reader {
            rest: script.as_str(),
        };
        while reader.step(run, call.whole, in_place) {}
    }
}

/// A script that is being read.
struct Reader<'s> {
    rest: &'s str,
}

impl<'s> Reader<'s> {
    fn skip(&mut self, signs: &[char]) {
        self.rest = self.rest.trim_start_matches(signs);
    }

    /// The text up to a sign that no backslash is before; the sign is taken too.
    fn until(&mut self, close: char) -> &'s str {
        let mut is_escaped = false;
        for (at, c) in self.rest.char_indices() {
            if std::mem::take(&mut is_escaped) {
                continue;
            }
            match c {
                '\\' => is_escaped = true,
                c if c == close => {
                    let text = &self.rest[..at];
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return text;
                }
                _ => {}
            }
        }
        std::mem::take(&mut self.rest)
    }

    fn line(&mut self) -> &'s str {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        line
    }

    /// The lines that a command is for; whether there are any.
    fn address(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            self.skip(&[
                ' ', '\t', ',', '~', '+', '!', '$', '0', '1', '2', '3', '4', '5', '6', '7', '8',
                '9', 'I', 'M',
            ]);
            if let Some(rest) = self.rest.strip_prefix('/') {
                self.rest = rest;
                self.until('/');
            } else if let Some(rest) = self.rest.strip_prefix('\\') {
                let Some(sign) = rest.chars().next() else {
                    break;
                };
                self.rest = &rest[sign.len_utf8()..];
                self.until(sign);
            } else {
                break;
            }
        }
        self.rest.len() < before
    }

    /// Takes one command; whether there was one.
    fn step(&mut self, run: &mut Run<'_>, whole: &str, in_place: bool) -> bool {
        self.skip(&[' ', '\t', '\n', ';', '}', '{']);
        let has_address = self.address();
        let Some(c) = self.rest.chars().next() else {
            return false;
        };
        self.rest = &self.rest[c.len_utf8()..];
        match c {
            'e' => {
                let script = self.line();
                if script.trim().is_empty() {
                    run.found.unclear(reason::SCRIPT_UNKNOWN, whole);
                } else {
                    drop(run.text(script));
                }
            }
            'w' | 'W' => {
                let path = self.line().trim();
                if let Some(reason) = paths::written(&run.full(path)) {
                    run.found.add(reason, whole);
                }
            }
            's' | 'y' => {
                let Some(sign) = self.rest.chars().next() else {
                    return false;
                };
                self.rest = &self.rest[sign.len_utf8()..];
                let pattern = self.until(sign);
                let made = self.until(sign);
                let end = self
                    .rest
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(self.rest.len());
                let (flags, rest) = self.rest.split_at(end);
                self.rest = rest;
                if c == 's' && flags.contains('e') && !flags.contains('w') {
                    drop(run.text(made));
                    run.found.unclear(reason::SCRIPT_UNKNOWN, whole);
                }
                if c == 's' && flags.ends_with('w') {
                    let path = self.line().trim();
                    if let Some(reason) = paths::written(&run.full(path)) {
                        run.found.add(reason, whole);
                    }
                }
                let is_all = matches!(pattern, ".*" | "^.*" | "^.*$" | ".*$");
                if c == 's' && is_all && made.is_empty() && !has_address && in_place {
                    run.found.add(reason::EMPTIES, whole);
                }
            }
            'd' if !has_address && in_place => run.found.add(reason::EMPTIES, whole),
            'a' | 'i' | 'c' | 'r' | 'R' => drop(self.line()),
            ':' | 'b' | 't' | 'T' => {
                let end = self.rest.find([';', '\n', '}']).unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            _ => {}
        }
        true
    }
}
