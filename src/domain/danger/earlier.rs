//! Values that a variable had before. Whether the assignment that came last was carried out, and in the
//! very shell that uses the variable, is not known: a branch, a subshell and a loop may leave it as it
//! was. So a command that takes a program from a variable is judged with the earlier values as well.

use super::names;
use super::run::Run;
use super::shell::{Piece, Word};
use super::value::{Arg, Flow};

/// Elements of an array that is set one by one.
const MAX_ELEMENTS: usize = 64;
/// What stands for `$1` and so on among the variables.
const POSITIONAL: &str = "@";
/// Earlier values of one variable that are kept.
const MAX_EARLIER: usize = 3;

impl Run<'_> {
    /// The variable that a name stands for: another one, where it was declared as a reference to it.
    pub fn resolve<'n>(&'n self, name: &'n str) -> &'n str {
        let mut name = name;
        for _ in 0..8 {
            match self.references.get(name) {
                Some(other) => name = other,
                None => break,
            }
        }
        name
    }

    /// Notes what `declare` says of a variable besides its value; whether it only stands for another one.
    pub fn declared(&mut self, words: &[Word], name: &str, values: &[Arg]) -> bool {
        let declares = words
            .first()
            .and_then(Word::plain)
            .is_some_and(|first| matches!(first, "declare" | "typeset" | "local"));
        let has = |letter: char| {
            let options = words.iter().filter_map(Word::plain).take(8);
            declares
                && options
                    .filter(|word| word.starts_with('-'))
                    .any(|word| word.contains(letter))
        };
        if has('n')
            && let [value] = values
        {
            self.references.insert(name.to_owned(), value.text.clone());
            return true;
        }
        if has('i') {
            self.numbers.insert(name.to_owned());
        }
        if self.numbers.contains(name) {
            for value in values {
                self.arithmetic(&value.text);
            }
        }
        false
    }

    /// Keeps a value that a variable had.
    pub fn keep_earlier(&mut self, name: &str, values: Vec<Arg>) {
        let are_same = |one: &[Arg]| {
            one.len() == values.len()
                && one
                    .iter()
                    .zip(&values)
                    .all(|(one, two)| one.text == two.text)
        };
        let is_present = self
            .variables
            .get(name)
            .is_some_and(|present| are_same(present));
        let is_empty = values.iter().all(|value| value.text.is_empty());
        if is_present || is_empty {
            return;
        }
        let kept = self.earlier.get(name).map_or(&[][..], Vec::as_slice);
        if kept.len() < MAX_EARLIER && !kept.iter().any(|known| are_same(known)) {
            self.earlier
                .entry(name.to_owned())
                .or_default()
                .push(values);
        }
    }

    /// The values of an array of which one is set: `a[1]=x`.
    pub fn with_element(&mut self, name: &str, index: &str, values: Vec<Arg>) -> Vec<Arg> {
        let mut array = self.variables.get(name).cloned().unwrap_or_default();
        self.spend(array.iter().map(|arg| arg.text.len() / 8).sum());
        let at = index.trim().parse::<usize>().unwrap_or(array.len());
        let Some(value) = values.into_iter().next().filter(|_| at < MAX_ELEMENTS) else {
            return array;
        };
        if at >= array.len() {
            array.resize(at + 1, Arg::of(""));
        }
        if let Some(element) = array.get_mut(at) {
            *element = value;
        }
        array
    }

    /// Sets `$1` and so on.
    pub fn set_positional(&mut self, words: Option<Vec<Arg>>) {
        if let Some(before) = std::mem::replace(&mut self.positional, words) {
            self.keep_earlier(POSITIONAL, before);
        }
    }

    /// The variables in these words that have earlier values.
    fn changed(&self, words: &[Word]) -> Vec<String> {
        if self.earlier.is_empty() {
            return Vec::new();
        }
        let mut names: Vec<String> = Vec::new();
        for piece in words.iter().take(16).flat_map(|word| &word.pieces) {
            if let Piece::Parameter(parameter, _) = piece {
                let name = self.resolve(&parameter.name);
                let is_positional = matches!(name, "@" | "*") || name.parse::<usize>().is_ok();
                let name = if is_positional { POSITIONAL } else { name };
                let is_known = names.iter().any(|known| known == name);
                if self.earlier.contains_key(name) && !is_known && names.len() < MAX_EARLIER {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// Does something with each earlier value of the variables in these words, one at a time.
    fn each_earlier(&mut self, words: &[Word], mut go: impl FnMut(&mut Self)) {
        for name in self.changed(words) {
            for values in self.earlier.get(&name).cloned().unwrap_or_default() {
                if name == POSITIONAL {
                    let present = self.positional.replace(values);
                    go(self);
                    self.positional = present;
                    continue;
                }
                let present = self.variables.insert(name.clone(), values);
                go(self);
                match present {
                    Some(present) => drop(self.variables.insert(name.clone(), present)),
                    None => drop(self.variables.remove(&name)),
                }
            }
        }
    }

    /// What an assignment comes to with earlier values.
    pub fn with_earlier(&mut self, words: &[Word]) -> Vec<Vec<Arg>> {
        let mut found = Vec::new();
        self.each_earlier(words, |run| {
            found.push(words.iter().map(|word| run.text_of(word)).collect());
        });
        found
    }

    /// Runs a command with earlier values of the variables that its program, or a program of the tables,
    /// is given.
    pub fn run_with_earlier(&mut self, words: &[Word], stdin: &Flow) {
        let Some((first, _)) = words.split_first() else {
            return;
        };
        let is_judged = first
            .plain()
            .is_some_and(|name| names::is_program(name) && !matches!(name, "echo" | "printf"));
        let looked_at = match (is_judged, first.plain()) {
            (true, _) => words,
            (false, None) => words.get(..1).unwrap_or_default(),
            (false, Some(_)) => return,
        };
        self.each_earlier(looked_at, |run| {
            let args: Vec<Arg> = words.iter().flat_map(|word| run.words(word)).collect();
            drop(run.run(&args, stdin));
        });
    }
}
