//! Commands: lists, pipelines, compound commands, redirections.

use super::word::is_name;
use super::{Assignment, Body, Command, Here, Piece, Pipeline, Reader, Redirect, Script, Word};

/// Characters of `[…]` before a `=` that are looked through.
const MAX_SUBSCRIPT: usize = 128;
/// Steps that a command costs beside its text.
const COMMAND: usize = 48;

/// Words that end a list where they stand in place of a command.
const CLOSERS: [&str; 9] = [
    "then", "elif", "else", "fi", "do", "done", "esac", "}", "in",
];

impl Reader {
    /// Reads a list up to one of these, which is not taken, or to the end of the text.
    pub(super) fn list(&mut self, until: &[&str]) -> Script {
        let mut script = Script::default();
        loop {
            self.blanks(true);
            let Some(c) = self.peek() else { break };
            if self.is_at(until) {
                break;
            }
            match c {
                ';' | '&' | '|' => {
                    // `;;` ends a branch of a case; here nothing can be meant but what follows.
                    if self.starts_with(";;") && until.contains(&";;") {
                        break;
                    }
                    self.next();
                }
                ')' => {
                    if until.contains(&")") {
                        break;
                    }
                    self.next();
                }
                _ => {
                    let before = self.at;
                    let pipeline = self.pipeline(until);
                    if !pipeline.commands.is_empty() {
                        script.pipelines.push(pipeline);
                    }
                    if self.at == before {
                        self.next();
                    }
                }
            }
        }
        script
    }

    fn pipeline(&mut self, until: &[&str]) -> Pipeline {
        let mut pipeline = Pipeline::default();
        loop {
            self.blanks(!pipeline.commands.is_empty());
            if let Some(command) = self.nested(Self::command) {
                pipeline.commands.push(command);
            }
            self.blanks(false);
            if self.starts_with("||") || self.starts_with("&&") || self.is_at(until) {
                break;
            }
            if !(self.takes("|&") || self.takes("|")) {
                break;
            }
        }
        pipeline.is_background = self.peek() == Some('&') && self.ahead(1) != Some('&');
        pipeline
    }

    /// Whether one of these comes next, as a word of its own where it is a word.
    fn is_at(&self, until: &[&str]) -> bool {
        until.iter().any(|close| {
            let after = self.ahead(close.chars().count());
            let is_word = close.chars().all(|c| c.is_ascii_alphabetic() || c == '}');
            self.starts_with(close)
                && (!is_word || after.is_none_or(|c| !is_name(c) && c != '-' && c != '='))
        })
    }

    /// Skips blanks and comments, and line ends where they count for no more.
    fn blanks(&mut self, lines: bool) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' => drop(self.next()),
                '\\' if self.ahead(1) == Some('\n') => {
                    self.next();
                    self.next();
                }
                '\n' if lines => {
                    self.next();
                    self.here_documents();
                }
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.next();
                    }
                }
                _ => break,
            }
        }
    }

    fn command(&mut self) -> Option<Command> {
        self.steps = self.steps.saturating_sub(COMMAND);
        self.blanks(false);
        let body = match self.peek()? {
            '(' if self.ahead(1) == Some('(') && self.is_arithmetic(2) => {
                self.next();
                self.next();
                let within = self.arithmetic();
                Body::Test(vec![Word {
                    pieces: vec![Piece::Arithmetic(within)],
                }])
            }
            '(' => {
                self.next();
                let script = self.list(&[")"]);
                self.next();
                Body::Subshell(script)
            }
            _ => match self.keyword() {
                Some(body) => body,
                None => return self.simple(),
            },
        };
        let mut command = Command {
            body,
            redirects: Vec::new(),
        };
        loop {
            self.blanks(false);
            if !self.redirect(&mut command.redirects) {
                return Some(command);
            }
        }
    }

    /// The word that comes next, if it is one of plain letters or signs.
    fn next_plain(&self) -> String {
        (0..10)
            .map_while(|by| self.ahead(by))
            .take_while(|c| {
                !matches!(
                    c,
                    ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
                )
            })
            .collect()
    }

    /// A compound command.
    fn keyword(&mut self) -> Option<Body> {
        let word = self.next_plain();
        match word.as_str() {
            "!" | "time" | "coproc" => {
                self.takes(&word);
                self.blanks(false);
                let inner = self.nested(Self::command)?;
                Some(Body::Group(vec![Script {
                    pipelines: vec![Pipeline {
                        commands: vec![inner],
                        is_background: false,
                    }],
                }]))
            }
            "{" => {
                self.takes("{");
                let script = self.list(&["}"]);
                self.takes("}");
                Some(Body::Group(vec![script]))
            }
            "if" | "while" | "until" => {
                self.takes(&word);
                let mut parts = Vec::new();
                loop {
                    parts.push(self.list(&CLOSERS));
                    let closed = self.next_plain();
                    let is_known = CLOSERS.contains(&closed.as_str());
                    if !is_known || !self.takes(&closed) {
                        break;
                    }
                    if matches!(closed.as_str(), "fi" | "done" | "esac" | "}") {
                        break;
                    }
                }
                Some(Body::Group(parts))
            }
            "for" | "select" => {
                self.takes(&word);
                Some(self.for_loop())
            }
            "case" => {
                self.takes("case");
                Some(self.case())
            }
            "function" => {
                self.takes("function");
                self.blanks(false);
                let name = self.next_name();
                self.blanks(false);
                if self.takes("(") {
                    self.blanks(false);
                    self.takes(")");
                }
                self.blanks(true);
                self.function(name)
            }
            "[[" => {
                let mut words = Vec::new();
                self.takes("[[");
                loop {
                    self.blanks(true);
                    if self.peek().is_none() || self.takes("]]") {
                        break;
                    }
                    match self.word() {
                        Some(word) => words.push(word),
                        None => drop(self.next()),
                    }
                }
                Some(Body::Test(words))
            }
            // What closes nothing here is passed over.
            "then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}" => {
                self.takes(&word);
                self.blanks(false);
                None
            }
            _ => None,
        }
    }

    fn next_name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self
            .peek()
            .filter(|c| is_name(*c) || matches!(c, '-' | '.' | ':'))
        {
            name.push(c);
            self.next();
        }
        name
    }

    fn function(&mut self, name: String) -> Option<Body> {
        let body = Box::new(self.nested(Self::command)?);
        Some(Body::Function { name, body })
    }

    fn for_loop(&mut self) -> Body {
        self.blanks(false);
        let mut words = Vec::new();
        let name = if self.takes("((") {
            let within = self.arithmetic();
            words.push(Word {
                pieces: vec![Piece::Arithmetic(within)],
            });
            String::new()
        } else {
            self.next_name()
        };
        self.blanks(true);
        if self.is_at(&["in"]) {
            self.takes("in");
            loop {
                self.blanks(false);
                match self.word() {
                    Some(word) => words.push(word),
                    None => break,
                }
            }
        }
        let ends = ["do", "{"];
        while self.peek().is_some() && !self.is_at(&ends) {
            self.next();
            self.blanks(true);
        }
        let close = if self.takes("{") {
            "}"
        } else {
            self.takes("do");
            "done"
        };
        let body = self.list(&[close]);
        self.takes(close);
        Body::For { name, words, body }
    }

    fn case(&mut self) -> Body {
        self.blanks(false);
        let subject = self.word();
        self.blanks(true);
        self.takes("in");
        let mut branches = Vec::new();
        loop {
            self.blanks(true);
            if self.peek().is_none() || self.is_at(&["esac"]) {
                self.takes("esac");
                break;
            }
            // The patterns.
            self.takes("(");
            while self.peek().is_some_and(|c| c != ')' && c != '\n') {
                if self.word().is_none() {
                    self.next();
                }
                self.blanks(false);
            }
            self.takes(")");
            branches.push(self.list(&[";;", ";&", "esac"]));
            if !(self.takes(";;&") || self.takes(";;")) {
                self.takes(";&");
            }
        }
        // The subject's own substitutions run first.
        let test = Command {
            body: Body::Test(subject.into_iter().collect()),
            redirects: Vec::new(),
        };
        let first = Script {
            pipelines: vec![Pipeline {
                commands: vec![test],
                is_background: false,
            }],
        };
        branches.insert(0, first);
        Body::Group(branches)
    }

    /// Assignments, words and redirections, in whatever order they come.
    fn simple(&mut self) -> Option<Command> {
        let mut assignments = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        let mut declares = false;
        loop {
            self.blanks(false);
            if self.redirect(&mut redirects) {
                continue;
            }
            if (words.is_empty() || declares)
                && let Some(assignment) = self.assignment()
            {
                if declares {
                    words.push(Word::quoted(assignment.name.clone()));
                }
                assignments.push(assignment);
                continue;
            }
            let Some(word) = self.word() else { break };
            if words.is_empty() {
                declares = matches!(
                    word.plain(),
                    Some("export" | "declare" | "local" | "readonly" | "typeset")
                );
            }
            let is_definition = words.is_empty() && self.peek() == Some('(');
            if is_definition && let Some(name) = word.plain().map(str::to_owned) {
                self.next();
                self.blanks(false);
                self.takes(")");
                self.blanks(true);
                let body = self.function(name)?;
                return Some(Command { body, redirects });
            }
            words.push(word);
            if self.peek() == Some('(') {
                // Nothing that a shell takes, but for the patterns of zsh: `*(.)`.
                self.next();
                while self.next().is_some_and(|c| c != ')') {}
            }
        }
        let is_empty = assignments.is_empty() && words.is_empty() && redirects.is_empty();
        (!is_empty).then_some(Command {
            body: Body::Simple { assignments, words },
            redirects,
        })
    }

    /// `name=`, `name+=`, `name[…]=` and what is assigned.
    fn assignment(&mut self) -> Option<Assignment> {
        let mut by = 0;
        let mut name = String::new();
        while let Some(c) = self.ahead(by).filter(|c| is_name(*c)) {
            name.push(c);
            by += 1;
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let name_ends = by;
        if self.ahead(by) == Some('[') {
            by = self.subscript_ends(by + 1);
        }
        let is_appended = self.ahead(by) == Some('+');
        by += usize::from(is_appended);
        if self.ahead(by) != Some('=') {
            // Looking ahead is work too.
            self.steps = self.steps.saturating_sub(by);
            return None;
        }
        let mut index = None;
        if self.ahead(name_ends) == Some('[') {
            for _ in 0..=name_ends {
                self.next();
            }
            index = Some(self.subscript());
            self.takes("+");
            self.takes("=");
        } else {
            for _ in 0..=by {
                self.next();
            }
        }
        let mut values = Vec::new();
        if self.takes("(") {
            loop {
                self.blanks(true);
                if self.peek().is_none() || self.takes(")") {
                    break;
                }
                match self.word() {
                    Some(word) => values.push(word),
                    None => drop(self.next()),
                }
            }
        } else {
            values.push(self.word().unwrap_or_default());
        }
        Some(Assignment {
            name,
            index,
            is_appended,
            values,
        })
    }

    /// How many characters ahead a `[…]` is over whose text begins so many ahead.
    fn subscript_ends(&self, from: usize) -> usize {
        let mut by = from;
        let mut open = 0_usize;
        let mut quote = None;
        while by < from + MAX_SUBSCRIPT {
            match (self.ahead(by), quote) {
                (None | Some('\n'), _) => break,
                (Some(c), Some(begun)) if c == begun => quote = None,
                (Some(_), Some(_)) => {}
                (Some(c @ ('\'' | '"')), None) => quote = Some(c),
                (Some('['), None) => open += 1,
                (Some(']'), None) if open == 0 => return by + 1,
                (Some(']'), None) => open -= 1,
                (Some(_), None) => {}
            }
            by += 1;
        }
        by
    }

    /// Reads a redirection, if one comes next.
    fn redirect(&mut self, into: &mut Vec<Redirect>) -> bool {
        let mut by = 0;
        while by < 12 && self.ahead(by).is_some_and(|c| c.is_ascii_digit()) {
            by += 1;
        }
        if by == 0 && self.peek() == Some('{') {
            by = 1;
            while by < 40 && self.ahead(by).is_some_and(is_name) {
                by += 1;
            }
            if self.ahead(by) != Some('}') {
                return false;
            }
            by += 1;
        }
        let is_both = by == 0 && self.starts_with("&>");
        let sign = self.ahead(by);
        let is_process = self.ahead(by + 1) == Some('(');
        if !is_both && (!matches!(sign, Some('<' | '>')) || is_process) {
            return false;
        }
        for _ in 0..by {
            self.next();
        }
        if is_both {
            self.next();
        }
        if self.takes("<<<") {
            self.blanks(false);
            into.push(Redirect::Text(self.word().unwrap_or_default()));
        } else if self.takes("<<") {
            let is_indented = self.takes("-");
            self.blanks(false);
            self.here_begins(is_indented);
            into.push(Redirect::Pending(self.here.len() - 1));
        } else if self.takes(">&") || self.takes("<&") {
            self.blanks(false);
            let word = self.word().unwrap_or_default();
            let is_descriptor = word
                .plain()
                .is_some_and(|text| text.chars().all(|c| c.is_ascii_digit() || c == '-'));
            if !is_descriptor && !word.pieces.is_empty() {
                into.push(Redirect::Write(word));
            }
        } else {
            let appends = self.takes(">>");
            let reads = !appends && self.takes("<");
            if !appends {
                let _ = self.takes(">|") || self.takes(">");
            }
            self.blanks(false);
            let word = self.word().unwrap_or_default();
            into.push(match (appends, reads) {
                (true, _) => Redirect::Append(word),
                (_, true) => Redirect::Read(word),
                (false, false) => Redirect::Write(word),
            });
        }
        true
    }

    fn here_begins(&mut self, is_indented: bool) {
        let mut close = String::new();
        let mut is_literal = false;
        let mut quote = None;
        while let Some(c) = self.peek() {
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => {
                    quote = Some(c);
                    is_literal = true;
                }
                ('\\', _) => is_literal = true,
                ('\n', _) => break,
                (' ' | '\t' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')', None) => break,
                (c, _) => close.push(c),
            }
            self.next();
        }
        self.here.push(Here {
            close,
            is_indented,
            is_literal,
            body: Word::default(),
        });
    }

    /// Takes the texts of the here-documents that begin on this line.
    fn here_documents(&mut self) {
        while self.waiting < self.here.len() {
            let number = self.waiting;
            self.waiting += 1;
            let Some(here) = self.here.get(number) else {
                break;
            };
            let (close, is_indented) = (here.close.clone(), here.is_indented);
            let is_literal = here.is_literal;
            let mut body: Vec<char> = Vec::new();
            while self.peek().is_some() {
                let mut line = Vec::new();
                while let Some(c) = self.next().filter(|c| *c != '\n') {
                    line.push(c);
                }
                let text: String = line.iter().collect();
                let bare = if is_indented {
                    text.trim_start_matches('\t')
                } else {
                    &text
                };
                if bare.trim_end_matches('\r') == close {
                    break;
                }
                body.extend(bare.chars());
                body.push('\n');
            }
            let word = if is_literal {
                Word::quoted(body.into_iter().collect::<String>())
            } else {
                self.inner(body, Self::expanded)
            };
            if let Some(here) = self.here.get_mut(number) {
                here.body = word;
            }
        }
    }
}
