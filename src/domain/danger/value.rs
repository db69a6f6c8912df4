//! What words come to when a script runs, as far as that can be known.

use std::rc::Rc;

use super::braces::braces;
use super::reason;
use super::run::Run;
use super::shell::{Change, Parameter, Piece, Quoting, Word};

/// Bytes that one word may come to; of a longer one it is not known what it is.
const MAX_TEXT: usize = 64 * 1024;
/// Values of one variable.
const MAX_VALUES: usize = 512;

/// Where a text comes from, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// From the network.
    Fetched,
    /// It was decoded or decrypted.
    Encoded,
    /// Another program made it.
    Computed,
    /// A file that was there before.
    File,
    /// It is written in the command.
    Known,
}

/// What a command writes, or another reads.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Where it comes from.
    pub origin: Origin,
    /// Its text, where that is known.
    pub text: Option<Rc<str>>,
    /// The command that makes it; none where it is a terminal, or nothing.
    pub label: Rc<str>,
    /// Whether it holds what others must not have: keys, the environment.
    pub is_secret: bool,
}

impl Flow {
    /// Nothing.
    pub fn nothing() -> Self {
        Self::known("")
    }

    /// A text that the command holds itself.
    pub fn known(text: &str) -> Self {
        Self {
            origin: Origin::Known,
            text: Some(text.into()),
            label: "".into(),
            is_secret: false,
        }
    }

    /// What cannot be known.
    pub fn of(origin: Origin, label: &str) -> Self {
        Self {
            origin,
            text: None,
            label: label.into(),
            is_secret: false,
        }
    }

    /// Both, one behind the other.
    pub fn and(self, other: Self) -> Self {
        if other.is_nothing() {
            return self;
        }
        if self.is_nothing() {
            return other;
        }
        let text = match (&self.text, &other.text) {
            (Some(one), Some(two)) if one.len() + two.len() <= MAX_TEXT => {
                Some(format!("{one}{two}").into())
            }
            _ => None,
        };
        Self {
            origin: self.origin.min(other.origin),
            text,
            label: if self.origin <= other.origin {
                self.label
            } else {
                other.label
            },
            is_secret: self.is_secret || other.is_secret,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_nothing(&self) -> bool {
        self.text.as_deref() == Some("")
    }
}

/// A word as a program gets it.
#[derive(Clone, Debug)]
pub(super) struct Arg {
    /// Its text; what is not known of it stands there as it is written.
    pub text: String,
    /// Up to where something of it is not known.
    pub unknown: usize,
    /// Whether it stands for the files that it fits.
    pub is_glob: bool,
    /// Where the part that is not known comes from.
    pub origin: Origin,
    /// Whether something secret is a part of it.
    pub is_secret: bool,
}

impl Arg {
    /// A known one.
    pub fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            unknown: 0,
            is_glob: false,
            origin: Origin::Known,
            is_secret: false,
        }
    }

    /// One of which nothing is known.
    pub fn unknown(text: &str, origin: Origin) -> Self {
        Self {
            unknown: text.len(),
            origin,
            ..Self::of(text)
        }
    }

    /// Whether all of it is known.
    pub fn is_known(&self) -> bool {
        self.unknown == 0
    }

    /// Whether it is one expansion of which nothing is known.
    pub fn is_unknown(&self) -> bool {
        let is_one = if self.text.starts_with("$(") {
            self.text
                .find(')')
                .is_some_and(|at| at + 1 == self.text.len())
        } else {
            self.text.starts_with('$') && !self.text.contains(char::is_whitespace)
        };
        self.unknown >= self.text.len() && !self.text.is_empty() && is_one
    }

    /// The program that it names: what is behind the last slash; none where that is not known.
    pub fn program(&self) -> Option<&str> {
        let at = self.text.rfind('/').map_or(0, |at| at + 1);
        let name = self.text.get(at..)?;
        let is_pattern =
            self.is_glob && name.contains(['*', '?', '[']) && name != "[" && name != "[[";
        (self.unknown <= at && !is_pattern).then_some(name)
    }

    fn append(&mut self, text: &str) {
        if self.text.len() + text.len() > MAX_TEXT {
            self.unknown = self.text.len().max(1);
            return;
        }
        self.text.push_str(text);
    }

    fn append_arg(&mut self, other: &Self) {
        let before = self.text.len();
        self.append(&other.text);
        if !other.is_known() {
            self.unknown = before + other.unknown;
        }
        self.is_glob |= other.is_glob;
        self.origin = self.origin.min(other.origin);
        self.is_secret |= other.is_secret;
    }
}

/// Words that are being put together.
#[derive(Default)]
struct Fields {
    done: Vec<Arg>,
    open: Option<Arg>,
}

impl Fields {
    fn open(&mut self) -> &mut Arg {
        self.open.get_or_insert_with(|| Arg::of(""))
    }

    fn close(&mut self) {
        self.done.extend(self.open.take());
    }

    /// A value that falls apart at blanks.
    fn split(&mut self, arg: &Arg, ends: &str) {
        if !arg.is_known() {
            self.open().append_arg(arg);
            return;
        }
        for (at, part) in arg.text.split(|c| ends.contains(c)).enumerate() {
            if at > 0 {
                self.close();
            }
            if !part.is_empty() {
                self.open().append_arg(&Arg {
                    text: part.to_owned(),
                    is_glob: part.contains(['*', '?', '[']),
                    ..arg.clone()
                });
            }
        }
    }

    /// All of them as one text.
    fn joined(mut self) -> Arg {
        self.close();
        let mut whole = Arg::of("");
        for (at, arg) in self.done.iter().enumerate() {
            if at > 0 {
                whole.append(" ");
            }
            whole.append_arg(arg);
        }
        whole
    }

    /// Words that stay as they are, in the place of one: `"$@"`.
    fn each(&mut self, args: &[Arg]) {
        for (at, arg) in args.iter().enumerate() {
            if at > 0 {
                self.close();
            }
            self.open().append_arg(arg);
        }
    }
}

impl Run<'_> {
    /// The words that a word comes to.
    pub fn words(&mut self, word: &Word) -> Vec<Arg> {
        let mut args = Vec::new();
        let Some(words) = braces(word) else {
            self.found.unclear(reason::TOO_LONG, "");
            return vec![self.text_of(word)];
        };
        if words.len() > 1 {
            self.spend(words.len() * 128);
        }
        for word in words {
            let mut fields = Fields::default();
            for piece in &word.pieces {
                self.piece(piece, &mut fields);
            }
            fields.close();
            args.append(&mut fields.done);
        }
        args
    }

    /// The one text that a word comes to, where it does not fall apart.
    pub fn text_of(&mut self, word: &Word) -> Arg {
        let mut fields = Fields::default();
        for piece in &word.pieces {
            self.piece(piece, &mut fields);
        }
        fields.joined()
    }

    /// The one text that a piece of a word comes to.
    pub fn piece_text(&mut self, piece: &Piece) -> Arg {
        let mut fields = Fields::default();
        self.piece(piece, &mut fields);
        fields.joined()
    }

    fn piece(&mut self, piece: &Piece, fields: &mut Fields) {
        match piece {
            Piece::Plain(text) => {
                self.spend(text.len());
                let open = fields.open();
                open.append(text);
                open.is_glob |= text.contains(['*', '?', '[']);
            }
            Piece::Quoted(text) => {
                self.spend(text.len());
                fields.open().append(text);
            }
            Piece::Parameter(parameter, quoting) => {
                let index = parameter.index.as_ref().and_then(Word::plain);
                let is_each = parameter.name == "@" || index == Some("@");
                let value = self.parameter(parameter);
                self.spend(value.iter().map(|arg| arg.text.len() + 1).sum());
                match quoting {
                    Quoting::None => {
                        let ends = self.word_ends();
                        for (at, arg) in value.iter().enumerate() {
                            if at > 0 {
                                fields.close();
                            }
                            fields.split(arg, &ends);
                        }
                    }
                    Quoting::Double if is_each => fields.each(&value),
                    Quoting::Double => {
                        let open = fields.open();
                        for (at, arg) in value.iter().enumerate() {
                            if at > 0 {
                                open.append(" ");
                            }
                            open.append_arg(arg);
                        }
                    }
                }
            }
            Piece::Output(script, quoting) => {
                let flow = self.nested(|run| run.script(script));
                let arg = match flow.text {
                    Some(text) => Arg {
                        is_secret: flow.is_secret,
                        ..Arg::of(text.trim_end_matches('\n'))
                    },
                    None => Arg {
                        is_secret: flow.is_secret,
                        ..Arg::unknown(
                            &format!("$({})", flow.label),
                            flow.origin.min(Origin::Computed),
                        )
                    },
                };
                self.spend(arg.text.len());
                match quoting {
                    Quoting::None => fields.split(&arg, &self.word_ends()),
                    Quoting::Double => fields.open().append_arg(&arg),
                }
            }
            Piece::Process(script) => {
                let flow = self.nested(|run| run.script(script));
                let number = self.processes;
                let path = format!("/dev/fd/{}", 63 + number);
                self.processes += 1;
                self.files.insert(path.clone(), flow);
                fields.open().append(&path);
            }
            Piece::Arithmetic(word) => {
                self.evaluated(word);
                fields.open().append("1");
            }
        }
    }

    /// The values of an expansion.
    fn parameter(&mut self, parameter: &Parameter) -> Vec<Arg> {
        let name = parameter.name.as_str();
        let index = parameter.index.as_ref().map(|index| self.subscript(index));
        let known = self.variable(name, index.as_deref());
        let unknown = || {
            let sign = if name.len() == 1 || parameter.index.is_none() {
                ""
            } else {
                "[]"
            };
            vec![Arg::unknown(&format!("${name}{sign}"), Origin::Computed)]
        };
        match &parameter.change {
            Change::None => known.unwrap_or_else(unknown),
            Change::Default(word) => {
                let default = self.words_of_default(word);
                match known {
                    Some(values) if values.iter().any(|value| !value.text.is_empty()) => values,
                    _ => default,
                }
            }
            Change::Instead(word) => {
                // Whether a variable that comes from outside is set is not known; what follows is.
                let instead = self.words_of_default(word);
                match known {
                    Some(values) if values.iter().all(|value| value.text.is_empty()) => Vec::new(),
                    Some(_) | None => instead,
                }
            }
            Change::Other(word) => {
                self.text_of(word);
                vec![Arg::unknown(&format!("${{{name}}}"), Origin::Computed)]
            }
            Change::Indirect => {
                let named = known.and_then(|values| values.into_iter().next());
                let named = named.filter(Arg::is_known);
                if let Some(named) = &named {
                    self.target(&named.text);
                }
                named
                    .and_then(|named| self.variable(&named.text, None))
                    .unwrap_or_else(unknown)
            }
            Change::Prompt => {
                for value in known.iter().flatten() {
                    self.substituted(&value.text);
                }
                vec![Arg::unknown(&format!("${{{name}}}"), Origin::Computed)]
            }
            Change::Part(part) => {
                let part = self.evaluated(part);
                let value = match name {
                    // As it is on every machine.
                    "HOME" | "PWD" | "PATH" | "SHELL" => Some("/".to_owned()),
                    _ => known.filter(|v| v.iter().all(Arg::is_known)).map(join),
                };
                value
                    .and_then(|value| slice(&value, &part))
                    .map_or_else(unknown, |text| vec![Arg::of(text)])
            }
            Change::Cut(pattern, at_end) => {
                let pattern = self.text_of(pattern);
                let value = known.filter(|v| v.iter().all(Arg::is_known)).map(join);
                value
                    .filter(|_| pattern.is_known())
                    .and_then(|value| cut(&value, &pattern.text, *at_end))
                    .map_or_else(unknown, |text| vec![Arg::of(text)])
            }
            Change::Replace(from, to, is_all) => {
                let (from, to) = (self.text_of(from), self.text_of(to));
                let value = known.filter(|v| v.iter().all(Arg::is_known)).map(join);
                let can = from.is_known() && to.is_known() && !from.text.contains(['*', '?', '[']);
                match value.filter(|_| can && !from.text.is_empty()) {
                    Some(value) => {
                        let made = if *is_all {
                            value.replace(&from.text, &to.text)
                        } else {
                            value.replacen(&from.text, &to.text, 1)
                        };
                        self.spend(made.len());
                        vec![Arg::of(made)]
                    }
                    None => unknown(),
                }
            }
            Change::Case(is_upper) => match known.filter(|v| v.iter().all(Arg::is_known)) {
                Some(values) => {
                    let text = join(values);
                    vec![Arg::of(if *is_upper {
                        text.to_uppercase()
                    } else {
                        text.to_lowercase()
                    })]
                }
                None => unknown(),
            },
        }
    }

    fn words_of_default(&mut self, word: &Word) -> Vec<Arg> {
        vec![self.text_of(word)]
    }

    /// A variable's values; none where it comes from outside and may be anything.
    fn variable(&self, name: &str, index: Option<&str>) -> Option<Vec<Arg>> {
        let name = self.resolve(name);
        if let Some(values) = self.variables.get(name) {
            return Some(match index {
                Some("@" | "*") => values.clone(),
                Some(index) => {
                    let at: usize = index.parse().ok()?;
                    values.get(at).cloned().into_iter().collect()
                }
                None if values.len() > 1 => values.first().cloned().into_iter().collect(),
                None => values.clone(),
            });
        }
        let one = |text: &str| Some(vec![Arg::of(text)]);
        match name {
            "@" | "*" => Some(self.positional.clone()?),
            "0" => one("sh"),
            "HOME" => one("~"),
            "PWD" => one(self.directory.as_deref().unwrap_or(".")),
            "IFS" => one(" "),
            "SHELL" | "BASH" => one("bash"),
            "TMPDIR" | "TMP" | "TEMP" => one("/tmp"),
            "EDITOR" | "VISUAL" => one("vi"),
            "PAGER" | "MANPAGER" => one("less"),
            "BROWSER" => one("xdg-open"),
            "PYTHON" => one("python3"),
            "CC" | "CXX" | "MAKE" | "CARGO" | "NODE" | "NPM" => one(&name.to_ascii_lowercase()),
            _ => {
                let number: usize = name.parse().ok()?;
                let values = self.positional.as_ref()?;
                Some(
                    number
                        .checked_sub(1)
                        .and_then(|at| values.get(at))
                        .cloned()
                        .into_iter()
                        .collect(),
                )
            }
        }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, mut values: Vec<Arg>, is_appended: bool, is_array: bool) {
        if is_appended && let Some(before) = self.variables.get(name) {
            let mut joined = before.clone();
            if is_array {
                joined.append(&mut values);
            } else {
                let mut whole = joined.pop().unwrap_or_else(|| Arg::of(""));
                values.iter().for_each(|value| whole.append_arg(value));
                joined.push(whole);
            }
            values = joined;
        }
        values.truncate(MAX_VALUES);
        let name = self.resolve(name).to_owned();
        if let [value] = values.as_slice() {
            self.environment(&name, &value.text);
        }
        let before = self.variables.insert(name.clone(), values);
        if let Some(before) = before.filter(|_| !is_appended) {
            self.keep_earlier(&name, before);
        }
    }
}

fn join(values: Vec<Arg>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.text).collect();
    texts.join(" ")
}

/// `from:count` of a text.
fn slice(text: &str, part: &str) -> Option<String> {
    let (from, count) = part.split_once(':').unwrap_or((part, ""));
    let length = text.chars().count();
    let at = |number: &str| {
        number
            .trim()
            .trim_matches(['(', ')'])
            .trim()
            .parse::<isize>()
            .ok()
    };
    let from = match at(from)? {
        from if from < 0 => length.checked_add_signed(from)?,
        from => from.unsigned_abs(),
    };
    let count = match count {
        "" => length,
        count => match at(count)? {
            count if count < 0 => length.checked_add_signed(count)?.checked_sub(from)?,
            count => count.unsigned_abs(),
        },
    };
    Some(text.chars().skip(from).take(count).collect())
}

/// A text without what fits a pattern at its end or its beginning, for patterns of a plain text, of
/// `?`, and of a text with one `*`.
fn cut(text: &str, pattern: &str, at_end: bool) -> Option<String> {
    if !pattern.contains(['*', '?', '[']) {
        let rest = if at_end {
            text.strip_suffix(pattern)
        } else {
            text.strip_prefix(pattern)
        };
        return Some(rest.unwrap_or(text).to_owned());
    }
    if pattern.chars().all(|c| c == '?') {
        let (all, gone) = (text.chars().count(), pattern.len());
        return Some(if at_end {
            text.chars().take(all.saturating_sub(gone)).collect()
        } else {
            text.chars().skip(gone).collect()
        });
    }
    match (pattern.split_once('*')?, at_end) {
        ((before, ""), true) if !before.contains(['*', '?', '[']) => {
            Some(text.rfind(before).map_or(text, |at| &text[..at]).to_owned())
        }
        (("", after), false) if !after.contains(['*', '?', '[']) => Some(
            text.find(after)
                .map_or(text, |at| &text[at + after.len()..])
                .to_owned(),
        ),
        _ => None,
    }
}
