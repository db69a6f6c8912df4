//! Code with its syntax highlighted.
//!
//! Owns the grammars and which of our styles each kind of word takes: the theme's own colours, so
//! that code looks right on every ground. The grammars take a while to load, so nobody waits for
//! them: until [`warm`] has run (on a thread of its own, after the first frame) code is plain.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use syntect::highlighting::{
    Color, HighlightIterator, HighlightState, Highlighter, ScopeSelectors, StyleModifier,
    Theme as Grammar, ThemeItem,
};
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

use super::text::{self, Row};
use crate::tui::theme::{Syntax, Theme};

/// Bytes of one text that are highlighted; what follows is plain.
const MOST_BYTES: usize = 64 * 1024;

/// Bytes of one line that are highlighted; a longer line is plain, and no harm to a frame.
const MOST_LINE: usize = 2 * 1024;

/// What words are, and the scopes that grammars give them.
const KINDS: [(Word, &str); 9] = [
    (Word::Comment, "comment, punctuation.definition.comment"),
    (Word::String, "string, constant.character, markup.raw"),
    (
        Word::Number,
        "constant.numeric, constant.language, constant.other",
    ),
    (
        Word::Keyword,
        "keyword - keyword.operator, storage, keyword.operator.word, keyword.operator.logical",
    ),
    (
        Word::Function,
        "entity.name.function, support.function, variable.function",
    ),
    (
        Word::Type,
        "entity.name.type, entity.name.class, entity.name.struct, entity.name.enum, \
         entity.name.trait, support.type, support.class, entity.other.inherited-class, storage.type.class",
    ),
    (
        Word::Name,
        "entity.other.attribute-name, variable.parameter, meta.annotation, support.constant, \
         entity.name.tag, meta.mapping.key string",
    ),
    (Word::Heading, "markup.heading, entity.name.section"),
    (Word::Bad, "invalid"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Comment,
    String,
    Number,
    Keyword,
    Function,
    Type,
    Name,
    Heading,
    Bad,
}

struct Loaded {
    syntaxes: SyntaxSet,
    grammar: Grammar,
}

static LOADED: OnceLock<Loaded> = OnceLock::new();
static READY: AtomicBool = AtomicBool::new(false);

/// Loads the grammars and prepares those of common languages. Takes some tenths of a second: call
/// it once, on a thread of its own.
pub fn warm() {
    let loaded = LOADED.get_or_init(|| Loaded {
        syntaxes: two_face::syntax::extra_newlines(),
        grammar: grammar(),
    });
    // A grammar's expressions are compiled when first used.
    let samples = [
        (
            "rs",
            "use a::b; /// c\nfn f<T>(x: &'a str) -> u8 { let y = \"z\"; g!(1, 'c'); }",
        ),
        (
            "py",
            "import a\n@b\ndef f(x: int = 1) -> str:\n    return f\"{x}\" # c",
        ),
        (
            "ts",
            "import { a } from 'b'; const f = async (x: number) => `${x}`; // c",
        ),
        (
            "js",
            "function f(x) { return /a/.test(x) ? { a: 1 } : [null]; }",
        ),
        (
            "sh",
            "for x in *.rs; do echo \"$x\" | grep -v 'a' > b; done # c",
        ),
        ("json", "{\"a\": [1, true, null]}"),
    ];
    let theme = Theme::dark();
    for (language, sample) in samples {
        let mut painter = Painter::with(loaded, language, &theme);
        for line in text::lines(sample) {
            painter.line(line);
        }
    }
    READY.store(true, Ordering::Release);
}

/// Whether code is highlighted already. What was laid out before should be laid out again then;
/// [`super::Transcript::draw`] sees to that for what it draws.
#[must_use]
pub fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}

/// Code, highlighted as the language of that name, or of a file of that name.
#[must_use]
pub fn code(text: &str, language: &str, theme: &Theme) -> Vec<Line<'static>> {
    rows(text, language, theme)
        .into_iter()
        .map(Row::line)
        .collect()
}

/// The same as rows that can be wrapped.
pub(super) fn rows(text: &str, language: &str, theme: &Theme) -> Vec<Row> {
    let mut painter = Painter::new(language, theme);
    text::lines(text).map(|line| painter.line(line)).collect()
}

/// Highlights line by line.
pub(super) struct Painter<'t> {
    theme: &'t Theme,
    state: Option<State>,
    painted: usize,
}

struct State {
    loaded: &'static Loaded,
    parse: ParseState,
    scopes: HighlightState,
}

impl<'t> Painter<'t> {
    /// For the language of that name, or of a file of that name; plain where there is none.
    pub fn new(language: &str, theme: &'t Theme) -> Self {
        match LOADED.get() {
            Some(loaded) if is_ready() => Self::with(loaded, language, theme),
            Some(_) | None => Self {
                theme,
                state: None,
                painted: 0,
            },
        }
    }

    fn with(loaded: &'static Loaded, language: &str, theme: &'t Theme) -> Self {
        let wanted = theme.syntax != Syntax::Off;
        let syntax = wanted.then(|| syntax(&loaded.syntaxes, language)).flatten();
        let state = syntax.map(|syntax| State {
            loaded,
            parse: ParseState::new(syntax),
            scopes: HighlightState::new(&Highlighter::new(&loaded.grammar), ScopeStack::new()),
        });
        Self {
            theme,
            state,
            painted: 0,
        }
    }

    /// The next line, without its end.
    pub fn line(&mut self, line: &str) -> Row {
        let mut row = Row::new();
        for (style, piece) in self.pieces(line) {
            row.foreign(piece, style, self.theme);
        }
        row
    }

    /// The pieces of the next line with their styles; its end is not among them.
    pub fn pieces<'l>(&mut self, line: &'l str) -> Vec<(Style, &'l str)> {
        let plain = vec![(self.theme.text, line)];
        self.painted += line.len() + 1;
        if line.len() > MOST_LINE || self.painted > MOST_BYTES {
            return plain;
        }
        let Some(state) = &mut self.state else {
            return plain;
        };
        let whole = format!("{line}\n");
        let Ok(changes) = state.parse.parse_line(&whole, &state.loaded.syntaxes) else {
            // A grammar at fault: the rest is plain.
            self.state = None;
            return plain;
        };
        let highlighter = Highlighter::new(&state.loaded.grammar);
        let mut pieces = Vec::new();
        let mut at = 0;
        for (style, piece) in
            HighlightIterator::new(&mut state.scopes, &changes, &whole, &highlighter)
        {
            let end = (at + piece.len()).min(line.len());
            if let Some(piece) = line.get(at..end).filter(|piece| !piece.is_empty()) {
                pieces.push((style_of(style.foreground, self.theme), piece));
            }
            at = end;
        }
        pieces
    }
}

/// The grammar for a language's or a file's name.
fn syntax<'s>(syntaxes: &'s SyntaxSet, language: &str) -> Option<&'s SyntaxReference> {
    let name = language.rsplit(['/', '\\']).next().unwrap_or(language);
    // What people write behind a fence: `rust,ignore`, `{.python}`, `console`.
    let name = name
        .split([',', ' ', '}'])
        .next()
        .unwrap_or(name)
        .trim_start_matches(['{', '.']);
    let name = match name.to_ascii_lowercase().as_str() {
        "" => return None,
        "shell" | "console" | "zsh" | "shellscript" => "sh".to_owned(),
        "jsonc" | "json5" | "jsonl" | "ipynb" => "json".to_owned(),
        other => other.to_owned(),
    };
    let extension = name.rsplit('.').next().unwrap_or(&name);
    syntaxes
        .find_syntax_by_token(&name)
        .or_else(|| syntaxes.find_syntax_by_token(extension))
}

/// A theme for the grammars whose colours are the numbers of [`KINDS`].
fn grammar() -> Grammar {
    let color = |number: usize| Color {
        r: u8::try_from(number).unwrap_or(u8::MAX),
        g: 0,
        b: 0,
        a: u8::MAX,
    };
    let items = KINDS.iter().enumerate().filter_map(|(at, (_, scopes))| {
        Some(ThemeItem {
            scope: scopes.parse::<ScopeSelectors>().ok()?,
            style: StyleModifier {
                foreground: Some(color(at + 1)),
                background: None,
                font_style: None,
            },
        })
    });
    let mut grammar = Grammar {
        scopes: items.collect(),
        ..Grammar::default()
    };
    grammar.settings.foreground = Some(color(0));
    grammar
}

fn style_of(color: Color, theme: &Theme) -> Style {
    let kind = usize::from(color.r)
        .checked_sub(1)
        .and_then(|at| KINDS.get(at));
    let Some((word, _)) = kind else {
        return theme.text;
    };
    let light = |style: Style| style.remove_modifier(Modifier::all());
    match word {
        Word::Comment => light(theme.dim).add_modifier(Modifier::ITALIC),
        Word::String => light(theme.good),
        Word::Number => light(theme.accent),
        Word::Keyword => light(theme.tool),
        Word::Function => light(theme.working),
        Word::Type => light(theme.waiting),
        Word::Name => light(theme.code),
        Word::Heading => theme.heading,
        Word::Bad => light(theme.bad),
    }
}

/// Code that carries its line numbers, as the Read tool gives it back: `12→code` or `12<tab>code`.
pub(super) fn numbered(
    text: &str,
    language: &str,
    width: usize,
    indent: &Row,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut painter = Painter::new(language, theme);
    let mut rows = Vec::new();
    let digits = text::lines(text)
        .filter_map(|line| Some(number_of(line)?.0.len()))
        .max()
        .unwrap_or(0);
    let mut rest = indent.clone();
    rest.own(&" ".repeat(digits + 2), theme.dim);
    for line in text::lines(text) {
        match number_of(line) {
            Some((number, code)) => {
                let mut first = indent.clone();
                first.own(&format!("{number:>digits$}  "), theme.dim);
                rows.extend(painter.line(code).columns(width, &first, &rest));
            }
            None => {
                let row = Row::foreign_of(line, theme.dim, theme);
                rows.extend(row.columns(width, &rest, &rest));
            }
        }
    }
    rows
}

fn number_of(line: &str) -> Option<(&str, &str)> {
    let (number, code) = line.split_once(['\t', '→'])?;
    let number = number.trim_start();
    let is_number =
        !number.is_empty() && number.len() < 9 && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some((number, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, language: &str) -> Vec<String> {
        warm();
        let theme = Theme::dark();
        code(text, language, &theme)
            .iter()
            .map(|line| {
                let spans = line.spans.iter().map(|span| {
                    let name = match span.style.fg {
                        color if color == theme.tool.fg => "k",
                        color if color == theme.good.fg => "s",
                        color if color == theme.working.fg => "f",
                        color if color == theme.accent.fg => "n",
                        color if color == theme.dim.fg => "c",
                        _ => "",
                    };
                    if name.is_empty() {
                        span.content.to_string()
                    } else {
                        format!("{name}‹{}›", span.content)
                    }
                });
                spans.collect()
            })
            .collect()
    }

    #[test]
    fn words_take_the_styles_of_what_they_are() {
        let cases = [
            ("let x = 1; // one", "rust", "k‹let› x = n‹1›; c‹// one›"),
            ("let x = 1;", "src/deep/main.rs", "k‹let› x = n‹1›;"),
            ("return \"hi\"", "py", "k‹return› s‹\"hi\"›"),
            ("echo hi", "console", "f‹echo› hi"),
            ("let x = 1;", "no such language", "let x = 1;"),
        ];
        for (given, language, expected) in cases {
            assert_eq!(marked(given, language), [expected], "{language}");
        }
    }

    #[test]
    fn what_deceives_in_code_is_shown() {
        warm();
        let theme = Theme::dark();
        let lines = code("let a = \"\u{202e}\";", "rs", &theme);
        assert_eq!(lines[0].to_string(), "let a = \"\\u{202e}\";");
        let marked = lines[0]
            .spans
            .iter()
            .find(|span| span.style.bg == theme.unmasked.bg);
        assert_eq!(marked.map(|span| span.content.as_ref()), Some("\\u{202e}"));
    }

    #[test]
    fn numbers_of_both_kinds_are_understood() {
        let theme = Theme::mono();
        let shown: Vec<String> = numbered("9\ta\n   10→bcdefgh", "x", 10, &Row::new(), &theme)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, [" 9  a", "10  bcdefg", "    h"]);
    }
}
