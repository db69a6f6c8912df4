//! A shell command line, taken apart as far as is needed to say what it would run.
//!
//! Not a shell: expansions are not made and unclosed quotes end at the end. Pure, linear in the
//! length of the line, bounded in depth. Called by the rules beside it.

/// Nesting of substitutions that is followed.
const MOST_DEPTH: usize = 12;

/// One command with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its words without quotes, assignments before it left out.
    pub words: Vec<String>,
    /// Files that it writes by redirection.
    pub writes: Vec<String>,
    /// What is given to it on its standard input: a here-document or a here-string.
    pub given: Option<String>,
    /// The place of the command whose output it reads.
    pub piped: Option<usize>,
    /// The names of the commands whose output became a part of its words.
    pub made_of: Vec<String>,
}

impl Simple {
    /// The program's name without its directory.
    pub fn name(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The words after the name.
    pub fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }
}

/// Words that may stand before a command without being one.
const BEFORE: [&str; 13] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "fi", "done", "}",
];

/// The commands of a line, those within substitutions before the one that uses them.
pub(super) fn commands(line: &str) -> Vec<Simple> {
    let mut reader = Reader {
        rest: line,
        found: Vec::new(),
        here: Vec::new(),
    };
    reader.list(None, 0);
    reader.found
}

struct Reader<'a> {
    rest: &'a str,
    found: Vec<Simple>,
    /// Here-documents whose text begins on the next line: command's place, the closing word.
    here: Vec<(usize, String)>,
}

/// A word that is being read.
#[derive(Default)]
struct Word {
    text: String,
    /// Whether anything, be it an empty quote, belongs to it.
    begun: bool,
    made_of: Vec<String>,
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Written,
    Read,
    HereEnd,
    HereText,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads commands until the closing character; returns the names of those that it found.
    fn list(&mut self, until: Option<char>, depth: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut command = Simple::default();
        let mut word = Word::default();
        let mut next = Next::Word;
        while let Some(c) = self.peek() {
            if Some(c) == until {
                self.take();
                break;
            }
            match c {
                ' ' | '\t' => {
                    self.take();
                    self.end_word(&mut command, &mut word, &mut next);
                }
                '\r' | '\n' => {
                    self.take();
                    self.end_word(&mut command, &mut word, &mut next);
                    self.end_command(&mut command, false, &mut names);
                    if c == '\n' {
                        self.here_documents();
                    }
                }
                ';' => {
                    self.take();
                    self.end_word(&mut command, &mut word, &mut next);
                    self.end_command(&mut command, false, &mut names);
                }
                '&' if self.rest.starts_with("&>") => {
                    self.take();
                }
                '&' if next != Next::Word && !word.begun => {
                    // `2>&1`: no file.
                    self.take();
                    while self.peek().is_some_and(|c| c.is_ascii_digit() || c == '-') {
                        self.take();
                    }
                    next = Next::Word;
                }
                '&' | '|' => {
                    self.end_word(&mut command, &mut word, &mut next);
                    let both = self.takes("&&") || self.takes("||");
                    let pipe = !both && (self.takes("|&") || self.takes("|"));
                    if !both && !pipe {
                        self.take();
                    }
                    self.end_command(&mut command, pipe, &mut names);
                }
                '(' | ')' => {
                    self.take();
                    self.end_word(&mut command, &mut word, &mut next);
                    self.end_command(&mut command, false, &mut names);
                }
                '#' if !word.begun => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                }
                '<' | '>' if self.rest[1..].starts_with('(') && depth < MOST_DEPTH => {
                    self.take();
                    self.take();
                    word.begun = true;
                    let within = self.list(Some(')'), depth + 1);
                    word.made_of.extend(within);
                }
                '>' => {
                    self.take();
                    let _ = self.takes(">") || self.takes("|");
                    // A number right before it is a descriptor, no word.
                    if word.text.chars().all(|c| c.is_ascii_digit()) {
                        word = Word::default();
                    }
                    self.end_word(&mut command, &mut word, &mut next);
                    next = Next::Written;
                }
                '<' => {
                    self.take();
                    self.end_word(&mut command, &mut word, &mut next);
                    next = if self.takes("<<") {
                        Next::HereText
                    } else if self.takes("<") {
                        let _ = self.takes("-");
                        Next::HereEnd
                    } else {
                        Next::Read
                    };
                }
                _ => self.piece(&mut word, depth),
            }
        }
        self.end_word(&mut command, &mut word, &mut next);
        self.end_command(&mut command, false, &mut names);
        names
    }

    /// Reads one piece of a word: a quote, a substitution, a character.
    fn piece(&mut self, word: &mut Word, depth: usize) {
        word.begun = true;
        match self.take() {
            Some('\'') => {
                while let Some(c) = self.take() {
                    if c == '\'' {
                        return;
                    }
                    word.text.push(c);
                }
            }
            Some('"') => {
                while let Some(c) = self.peek() {
                    match c {
                        '"' => {
                            self.take();
                            return;
                        }
                        '\\' => {
                            self.take();
                            match self.take() {
                                Some('\n') | None => {}
                                Some(c @ ('"' | '\\' | '$' | '`')) => word.text.push(c),
                                Some(c) => word.text.extend(['\\', c]),
                            }
                        }
                        '`' | '$' => {
                            self.take();
                            self.substitution(c, word, depth);
                        }
                        _ => {
                            self.take();
                            word.text.push(c);
                        }
                    }
                }
            }
            Some('\\') => match self.take() {
                Some('\n') | None => {}
                Some(c) => word.text.push(c),
            },
            Some(c @ ('`' | '$')) => self.substitution(c, word, depth),
            Some(c) => word.text.push(c),
            None => {}
        }
    }

    /// Behind a `$` or a backquote.
    fn substitution(&mut self, sign: char, word: &mut Word, depth: usize) {
        let close = match (sign, self.rest.starts_with('(')) {
            ('`', _) => '`',
            ('$', true) => {
                self.take();
                ')'
            }
            _ => {
                word.text.push(sign);
                return;
            }
        };
        if depth < MOST_DEPTH {
            let within = self.list(Some(close), depth + 1);
            word.made_of.extend(within);
        }
        word.text.push_str("$()");
    }

    fn end_word(&mut self, command: &mut Simple, word: &mut Word, next: &mut Next) {
        if !word.begun {
            return;
        }
        let word = std::mem::take(word);
        command.made_of.extend(word.made_of);
        match std::mem::replace(next, Next::Word) {
            Next::Word => {
                let first = command.words.is_empty();
                if first && (BEFORE.contains(&word.text.as_str()) || is_assignment(&word.text)) {
                    return;
                }
                command.words.push(word.text);
            }
            Next::Written => command.writes.push(word.text),
            Next::Read => {}
            Next::HereText => command.given = Some(word.text),
            Next::HereEnd => self.here.push((self.found.len(), word.text)),
        }
    }

    fn end_command(&mut self, command: &mut Simple, pipes: bool, names: &mut Vec<String>) {
        let ended = std::mem::take(command);
        if ended.words.is_empty() && ended.writes.is_empty() && ended.made_of.is_empty() {
            return;
        }
        names.push(ended.name().to_owned());
        // Only ever what stands before it: who follows the pipes comes to an end.
        command.piped = pipes.then_some(self.found.len());
        self.found.push(ended);
    }

    /// The texts of the here-documents that begin here.
    fn here_documents(&mut self) {
        for (place, close) in std::mem::take(&mut self.here) {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim_start_matches('\t').trim_end_matches('\r') == close {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if let Some(command) = self.found.get_mut(place) {
                command.given = Some(text);
            }
        }
    }
}

/// `NAME=value` before a command.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        commands(line)
            .iter()
            .map(|command| {
                let sign = if command.piped.is_some() { "|" } else { "" };
                let writes: String = command.writes.iter().map(|f| format!(" >{f}")).collect();
                format!("{sign}{}{writes}", command.words.join("·"))
            })
            .collect()
    }

    #[test]
    fn lines_are_taken_apart() {
        let cases: [(&str, &[&str]); 18] = [
            ("ls -l", &["ls·-l"]),
            ("a && b || c; d & e", &["a", "b", "c", "d", "e"]),
            ("a | b |& c", &["a", "|b", "|c"]),
            ("echo 'a; rm' \"b && c\"", &["echo·a; rm·b && c"]),
            ("echo a\\;b", &["echo·a;b"]),
            ("A=1 B= env", &["env"]),
            ("echo $(rm x)", &["rm·x", "echo·$()"]),
            ("echo \"a $(b \"c\") d\"", &["b·c", "echo·a $() d"]),
            ("echo `b c`", &["b·c", "echo·$()"]),
            ("a > f 2>&1", &["a >f"]),
            ("a >>f 2>/dev/null", &["a >f >/dev/null"]),
            ("a &> f", &["a >f"]),
            ("# rm -rf /\nls # rm", &["ls"]),
            ("if a; then b; fi", &["a", "b"]),
            ("(cd x && make)", &["cd·x", "make"]),
            ("bash <(curl x)", &["curl·x", "bash·"]),
            ("cat <<EOF > f\nrm -rf /\nEOF\nls", &["cat >f", "ls"]),
            ("'unclosed; rm", &["unclosed; rm"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_given_and_what_a_word_is_made_of_is_kept() {
        let found = commands("bash <<'X'\nrm -rf a\nX\n");
        assert_eq!(found[0].given.as_deref(), Some("rm -rf a\n"));
        let found = commands("sh -c \"$(curl -s u)\"");
        assert_eq!(found[1].made_of, ["curl"]);
        assert_eq!(commands("sh <<< 'ls'")[0].given.as_deref(), Some("ls"));
    }

    proptest! {
        #[test]
        fn no_line_is_too_much(line in "[a-z '\"`$()<>|&;#\\\\\n{}é]{0,60}") {
            drop(commands(&line));
        }
    }
}
