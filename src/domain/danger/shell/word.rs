//! Words: quotes, expansions, substitutions.

use super::{Change, Parameter, Piece, Quoting, Reader, Word};

impl Word {
    /// A word of one text.
    pub fn quoted(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![Piece::Quoted(text.into())],
        }
    }

    /// Its text, where it is nothing but text outside quotes.
    pub fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Plain(text)] => Some(text),
            _ => None,
        }
    }

    fn push(&mut self, c: char, is_quoted: bool) {
        match (self.pieces.last_mut(), is_quoted) {
            (Some(Piece::Plain(text)), false) | (Some(Piece::Quoted(text)), true) => text.push(c),
            (_, false) => self.pieces.push(Piece::Plain(c.into())),
            (_, true) => self.pieces.push(Piece::Quoted(c.into())),
        }
    }
}

/// Whether a character ends a word outside quotes.
fn is_meta(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')'
    )
}

/// Whether a character may be in a variable's name.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Reader {
    /// Reads a word; none where there is none.
    pub(super) fn word(&mut self) -> Option<Word> {
        let begin = self.at;
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            let is_process = matches!(c, '<' | '>') && self.ahead(1) == Some('(');
            let is_pattern = matches!(c, '?' | '*' | '+' | '@' | '!')
                && self.ahead(1) == Some('(')
                && (c != '!' || begin > 0);
            if is_process {
                self.next();
                self.next();
                let script = self.nested(|reader| reader.list(&[")"]));
                self.next();
                word.pieces.push(Piece::Process(script));
            } else if is_pattern {
                self.pattern(&mut word);
            } else if is_meta(c) {
                break;
            } else {
                self.piece(&mut word, Quoting::None);
            }
        }
        (self.at > begin && self.cut.is_none()).then_some(word)
    }

    /// `!(…)` and its like, which stand for files.
    fn pattern(&mut self, word: &mut Word) {
        let mut open = 0_usize;
        while let Some(c) = self.next() {
            word.push(c, false);
            match c {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if c == ')' && open == 0 {
                break;
            }
        }
    }

    /// Reads what one character begins.
    fn piece(&mut self, word: &mut Word, quoting: Quoting) {
        let is_quoted = quoting == Quoting::Double;
        match self.next() {
            Some('\\') => match self.next() {
                Some('\r') if self.peek() == Some('\n') => drop(self.next()),
                Some('\n') | None => {}
                Some(c @ ('"' | '\\' | '$' | '`' | '}')) if is_quoted => word.push(c, true),
                Some(c) => {
                    if is_quoted {
                        word.push('\\', true);
                    }
                    word.push(c, true);
                }
            },
            Some('\'') if !is_quoted => {
                word.pieces.push(Piece::Quoted(String::new()));
                while let Some(c) = self.next() {
                    if c == '\'' {
                        break;
                    }
                    word.push(c, true);
                }
            }
            Some('"') if !is_quoted => {
                word.pieces.push(Piece::Quoted(String::new()));
                while let Some(c) = self.peek() {
                    if c == '"' {
                        self.next();
                        break;
                    }
                    self.piece(word, Quoting::Double);
                }
            }
            Some('`') => {
                let text = self.backquoted(is_quoted);
                let script = self.inner(text, |reader| reader.list(&[]));
                word.pieces.push(Piece::Output(script, quoting));
            }
            Some('$') => self.dollar(word, quoting),
            Some(c) => word.push(c, is_quoted),
            None => {}
        }
    }

    /// The script between backquotes.
    fn backquoted(&mut self, is_quoted: bool) -> Vec<char> {
        let mut text = Vec::new();
        while let Some(c) = self.next() {
            match c {
                '`' => break,
                '\\' => match self.next() {
                    Some(c @ ('`' | '\\' | '$')) => text.push(c),
                    Some('"') if is_quoted => text.push('"'),
                    Some(c) => text.extend(['\\', c]),
                    None => {}
                },
                c => text.push(c),
            }
        }
        text
    }

    /// Behind a `$`.
    fn dollar(&mut self, word: &mut Word, quoting: Quoting) {
        match self.peek() {
            Some('(') if self.ahead(1) == Some('(') && self.is_arithmetic(2) => {
                self.next();
                self.next();
                let within = self.nested(Self::arithmetic);
                word.pieces.push(Piece::Arithmetic(within));
            }
            Some('(') => {
                self.next();
                let script = self.nested(|reader| reader.list(&[")"]));
                self.next();
                word.pieces.push(Piece::Output(script, quoting));
            }
            Some('[') => {
                self.next();
                let rest = self.nested(|reader| reader.until(']'));
                word.pieces.push(Piece::Arithmetic(rest));
            }
            Some('{') => {
                self.next();
                let found = self.nested(Self::parameter);
                if let Some(parameter) = found {
                    word.pieces
                        .push(Piece::Parameter(Box::new(parameter), quoting));
                }
            }
            Some('\'') if quoting == Quoting::None => {
                self.next();
                word.pieces.push(Piece::Quoted(self.escaped()));
            }
            Some('"') if quoting == Quoting::None => {}
            Some(c) if is_name(c) || matches!(c, '@' | '*' | '#' | '?' | '$' | '!' | '-') => {
                let mut name = String::new();
                let is_word = is_name(c) && !c.is_ascii_digit();
                while let Some(c) = self.peek() {
                    let goes_on = is_word && is_name(c);
                    if !name.is_empty() && !goes_on {
                        break;
                    }
                    name.push(c);
                    self.next();
                }
                let parameter = Parameter {
                    name,
                    index: None,
                    change: Change::None,
                };
                word.pieces
                    .push(Piece::Parameter(Box::new(parameter), quoting));
            }
            _ => word.push('$', quoting == Quoting::Double),
        }
    }

    /// Whether what begins so many characters ahead ends in `))`, rather than in `) )`.
    pub(super) fn is_arithmetic(&mut self, from: usize) -> bool {
        let mut open = 0_usize;
        let mut by = from;
        while let Some(c) = self.ahead(by) {
            if self.steps == 0 {
                return true;
            }
            self.steps -= 1;
            match c {
                '(' => open += 1,
                ')' if open == 0 => return self.ahead(by + 1) == Some(')'),
                ')' => open -= 1,
                '\n' => return false,
                _ => {}
            }
            by += 1;
        }
        false
    }

    /// The rest of `((…))`.
    pub(super) fn arithmetic(&mut self) -> Word {
        let mut word = Word::default();
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '(' => open += 1,
                ')' if open == 0 => {
                    self.next();
                    self.next();
                    break;
                }
                ')' => open -= 1,
                _ => {}
            }
            if matches!(c, '$' | '`') {
                self.piece(&mut word, Quoting::Double);
            } else {
                word.push(c, true);
                self.next();
            }
        }
        word
    }

    /// The rest of `[…]`.
    pub(super) fn subscript(&mut self) -> Word {
        let mut word = Word::default();
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '[' => open += 1,
                ']' if open == 0 => {
                    self.next();
                    break;
                }
                ']' => open -= 1,
                _ => {}
            }
            self.piece(&mut word, Quoting::None);
        }
        word
    }

    /// Text up to a closing character, which is taken too.
    fn until(&mut self, close: char) -> Word {
        let mut word = Word::default();
        while let Some(c) = self.peek() {
            if c == close {
                self.next();
                break;
            }
            self.piece(&mut word, Quoting::None);
        }
        word
    }

    /// A here-document's text, or any other in which only `$`, backquotes and backslashes count.
    pub(super) fn expanded(&mut self) -> Word {
        let mut word = Word::quoted("");
        while self.peek().is_some() {
            self.piece(&mut word, Quoting::Double);
        }
        word
    }

    /// The rest of `${…}`.
    fn parameter(&mut self) -> Option<Parameter> {
        let is_before_name =
            |reader: &Self| reader.ahead(1).is_some_and(|c| is_name(c) || c == '@');
        let is_length = self.peek() == Some('#') && is_before_name(self);
        let is_indirect = self.peek() == Some('!') && is_before_name(self);
        if is_length || is_indirect {
            self.next();
        }
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| is_name(*c)) {
            name.push(c);
            self.next();
        }
        if name.is_empty() {
            name.extend(self.next());
        }
        let mut index = None;
        if self.peek() == Some('[') {
            self.next();
            index = Some(self.subscript());
        }
        let change = match self.peek() {
            _ if is_length => Change::Other(self.until('}')),
            Some('}') | None => {
                self.next();
                if is_indirect {
                    Change::Indirect
                } else {
                    Change::None
                }
            }
            Some(':') if !matches!(self.ahead(1), Some('-' | '=' | '+' | '?')) => {
                self.next();
                Change::Part(self.until('}'))
            }
            Some(c) => {
                self.next();
                let sign = if c == ':' { self.next() } else { Some(c) };
                match sign {
                    Some('-' | '=') => Change::Default(self.until('}')),
                    Some('+') => Change::Instead(self.until('}')),
                    Some(sign @ ('#' | '%')) => {
                        if self.peek() == Some(sign) {
                            self.next();
                        }
                        Change::Cut(self.until('}'), sign == '%')
                    }
                    Some('/') => {
                        let is_all = self.takes("/");
                        let mut from = Word::default();
                        while self.peek().is_some_and(|c| c != '/' && c != '}') {
                            self.piece(&mut from, Quoting::None);
                        }
                        let to = match self.next() {
                            Some('/') => self.until('}'),
                            _ => Word::default(),
                        };
                        Change::Replace(from, to, is_all)
                    }
                    Some(sign @ ('^' | ',')) => {
                        let rest = self.until('}');
                        match rest.plain() {
                            Some(rest) if rest.starts_with(sign) => Change::Case(sign == '^'),
                            _ => Change::Other(rest),
                        }
                    }
                    Some('@') => {
                        let kind = self.until('}');
                        match kind.plain() {
                            Some("P") => Change::Prompt,
                            _ => Change::Other(kind),
                        }
                    }
                    _ => Change::Other(self.until('}')),
                }
            }
        };
        Some(Parameter {
            name,
            index,
            change,
        })
    }

    /// The rest of `$'…'`.
    fn escaped(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '\'' => break,
                '\\' => {
                    let mut escape = String::from("\\");
                    if let Some(c) = self.next() {
                        escape.push(c);
                        let (radix, most) = match c {
                            'x' => (16, 2),
                            'u' => (16, 4),
                            'U' => (16, 8),
                            '0'..='7' => (8, 2),
                            _ => (0, 0),
                        };
                        for _ in 0..most {
                            match self.peek().filter(|c| c.is_digit(radix)) {
                                Some(c) => escape.push(c),
                                None => break,
                            }
                            self.next();
                        }
                    }
                    text.push_str(&unescape(&escape));
                }
                c => text.push(c),
            }
        }
        text
    }
}

/// A text with the escapes of `printf` and `$'…'` made.
pub(in crate::domain::danger) fn unescape(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            made.push(c);
            continue;
        }
        let Some(sign) = rest.next() else {
            made.push('\\');
            break;
        };
        let mut digits = String::new();
        let (radix, most) = match sign {
            'x' => (16, 2),
            'u' => (16, 4),
            'U' => (16, 8),
            '0'..='7' => {
                digits.push(sign);
                (8, if sign == '0' { 4 } else { 3 })
            }
            _ => (0, 0),
        };
        while digits.len() < most {
            match rest.peek().filter(|c| c.is_digit(radix)) {
                Some(c) => digits.push(*c),
                None => break,
            }
            rest.next();
        }
        let number = (radix > 0)
            .then(|| u32::from_str_radix(&digits, radix).ok())
            .flatten();
        match (sign, number.and_then(char::from_u32)) {
            (_, Some(c)) => made.push(c),
            ('n', None) => made.push('\n'),
            ('t', None) => made.push('\t'),
            ('r', None) => made.push('\r'),
            ('a' | 'b' | 'e' | 'E' | 'f' | 'v' | 'c', None) => made.push('\u{1b}'),
            ('\\' | '\'' | '"' | '?', None) => made.push(sign),
            (sign, None) => made.extend(['\\', sign]),
        }
    }
    made
}
