//! A reader of shell scripts: text in, a tree of commands out.
//!
//! Its text is chosen by whoever is to be judged, so it has limits of its own: [`MAX_DEPTH`] levels of
//! nesting, and a number of steps that its caller gives. Where one is reached it stops, says so, and
//! keeps what it has read. It never fails: what a shell would refuse is read as far as it goes, since
//! a shell too runs what stands before the mistake. Every character is looked at a bounded number of
//! times.
//!
//! Written here, because no library fits. brush-parser 0.4 (MIT, alive, linear) aborts the process at
//! some thousand nested `$(`, `{` or `if`, takes no limit, and gives nothing for a text that ends early
//! or is in the dialect of zsh. tree-sitter-bash 0.25 has errors in here-documents and braces that a
//! shell accepts, is C, and knows no values. yash-syntax is GPL, conch-parser has had no release since 2019.

mod command;
mod tree;
mod word;

pub(super) use word::unescape;

pub(super) use tree::{
    Assignment, Body, Change, Command, Parameter, Piece, Pipeline, Quoting, Redirect, Script, Word,
};

/// Levels of nesting that are read.
pub(super) const MAX_DEPTH: usize = 40;

/// Why reading stopped before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// More steps than were given.
    TooLong,
    /// More than [`MAX_DEPTH`] levels of nesting.
    TooDeep,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Reading {
    /// The script.
    pub script: Script,
    /// Why it is not the whole one.
    pub cut: Option<Cut>,
}

/// Reads a script in at most so many steps, and takes those that it needed from them.
pub(super) fn read(text: &str, steps: &mut usize) -> Reading {
    let mut reader = Reader::new(text.chars().collect(), *steps);
    let mut script = Script::default();
    while reader.at < reader.end {
        let more = reader.list(&[]);
        script.pipelines.extend(more.pipelines);
        // What closes nothing.
        reader.next();
    }
    let mut bodies = std::mem::take(&mut reader.here);
    fill(&mut script, &mut bodies);
    *steps = reader.steps;
    Reading {
        script,
        cut: reader.cut,
    }
}

/// Reads a text in which only `$`, backquotes and backslashes count, as within double quotes.
pub(super) fn read_quoted(text: &str, steps: &mut usize) -> (Word, Option<Cut>) {
    let mut reader = Reader::new(text.chars().collect(), *steps);
    let mut word = reader.expanded();
    let mut bodies = std::mem::take(&mut reader.here);
    fill_word(&mut word, &mut bodies);
    *steps = reader.steps;
    (word, reader.cut)
}

/// A here-document whose text has not been reached, or has.
#[derive(Debug)]
struct Here {
    /// The line that ends it.
    close: String,
    /// Whether tabs before its lines do not count.
    is_indented: bool,
    /// Whether its text is taken as it is.
    is_literal: bool,
    /// Its text.
    body: Word,
}

/// The place in the text, and what is left of the limits.
#[derive(Debug)]
struct Reader {
    text: Vec<char>,
    at: usize,
    end: usize,
    depth: usize,
    steps: usize,
    cut: Option<Cut>,
    here: Vec<Here>,
    /// The first here-document whose text has not been reached.
    waiting: usize,
}

impl Reader {
    fn new(text: Vec<char>, steps: usize) -> Self {
        let end = text.len();
        Self {
            text,
            at: 0,
            end,
            depth: 0,
            steps,
            cut: None,
            here: Vec::new(),
            waiting: 0,
        }
    }

    fn stop(&mut self, cut: Cut) {
        self.cut.get_or_insert(cut);
        self.at = self.end;
        self.steps = match cut {
            Cut::TooLong => 0,
            Cut::TooDeep => self.steps,
        };
    }

    fn peek(&self) -> Option<char> {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> Option<char> {
        let at = self.at + by;
        (at < self.end)
            .then(|| self.text.get(at).copied())
            .flatten()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        if self.steps == 0 {
            self.stop(Cut::TooLong);
            return None;
        }
        self.steps -= 1;
        self.at += 1;
        Some(c)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(by, c)| self.ahead(by) == Some(c))
    }

    fn takes(&mut self, text: &str) -> bool {
        let is_there = self.starts_with(text);
        if is_there {
            for _ in text.chars() {
                self.next();
            }
        }
        is_there
    }

    /// Reads something that is nested in what is being read.
    fn nested<T: Default>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= MAX_DEPTH {
            self.stop(Cut::TooDeep);
            return T::default();
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Reads another text within this one, such as that between backquotes.
    fn inner<T: Default>(&mut self, text: Vec<char>, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = (std::mem::take(&mut self.text), self.at, self.end);
        let waiting = std::mem::replace(&mut self.waiting, self.here.len());
        self.end = text.len();
        self.text = text;
        self.at = 0;
        let found = self.nested(read);
        (self.text, self.at, self.end) = outer;
        self.waiting = waiting;
        if self.cut.is_some() {
            self.at = self.end;
        }
        found
    }
}

/// Puts the texts of here-documents where they belong.
fn fill(script: &mut Script, bodies: &mut Vec<Here>) {
    for command in script.pipelines.iter_mut().flat_map(|p| &mut p.commands) {
        fill_command(command, bodies);
    }
}

fn fill_command(command: &mut Command, bodies: &mut Vec<Here>) {
    for redirect in &mut command.redirects {
        if let Redirect::Pending(number) = redirect {
            let body = bodies
                .get_mut(*number)
                .map(|here| std::mem::take(&mut here.body));
            *redirect = Redirect::Text(body.unwrap_or_default());
        }
        match redirect {
            Redirect::Write(word)
            | Redirect::Append(word)
            | Redirect::Read(word)
            | Redirect::Text(word) => fill_word(word, bodies),
            Redirect::Pending(_) => {}
        }
    }
    match &mut command.body {
        Body::Simple { assignments, words } => {
            for word in assignments
                .iter_mut()
                .flat_map(|a| a.index.iter_mut().chain(&mut a.values))
                .chain(words)
            {
                fill_word(word, bodies);
            }
        }
        Body::Group(scripts) => scripts.iter_mut().for_each(|script| fill(script, bodies)),
        Body::Subshell(script) => fill(script, bodies),
        Body::For { words, body, .. } => {
            words.iter_mut().for_each(|word| fill_word(word, bodies));
            fill(body, bodies);
        }
        Body::Function { body, .. } => fill_command(body, bodies),
        Body::Test(words) => words.iter_mut().for_each(|word| fill_word(word, bodies)),
    }
}

fn fill_word(word: &mut Word, bodies: &mut Vec<Here>) {
    for piece in &mut word.pieces {
        match piece {
            Piece::Output(script, _) | Piece::Process(script) => fill(script, bodies),
            Piece::Arithmetic(word) => fill_word(word, bodies),
            Piece::Parameter(parameter, _) => {
                if let Some(index) = &mut parameter.index {
                    fill_word(index, bodies);
                }
                fill_change(&mut parameter.change, bodies);
            }
            Piece::Plain(_) | Piece::Quoted(_) => {}
        }
    }
}

fn fill_change(change: &mut Change, bodies: &mut Vec<Here>) {
    match change {
        Change::Default(word)
        | Change::Part(word)
        | Change::Instead(word)
        | Change::Cut(word, _)
        | Change::Other(word) => fill_word(word, bodies),
        Change::Replace(from, to, _) => {
            fill_word(from, bodies);
            fill_word(to, bodies);
        }
        Change::None | Change::Case(_) | Change::Indirect | Change::Prompt => {}
    }
}

#[cfg(test)]
mod tests;
