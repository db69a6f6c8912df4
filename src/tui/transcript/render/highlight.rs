//! Code with its syntax highlighted.
//!
//! Owns which of our styles each kind of word takes: the theme's own colours, so that code looks
//! right on every ground. Nobody waits for grammars: until [`warm`] has run (on a thread of its own,
//! after the first frame) code is plain, and so is a language's until its grammar is compiled
//! (`grammars`). [`generation`] says when what was laid out should be laid out again.

use std::sync::Arc;

use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use syntect::highlighting::{Color, HighlightIterator, HighlightState};
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference};

use crate::tui::theme::{Syntax, Theme};
use crate::tui::transcript::render::grammars::{self, KINDS, Loaded, Word};
use crate::tui::transcript::render::highlight_budget::HighlightBudget;
use crate::tui::transcript::render::layout_context::LayoutContext;
use crate::tui::transcript::render::text::{self, Row};

pub use crate::tui::transcript::render::grammars::generation;
pub use crate::tui::transcript::render::grammars::on_change;
pub use crate::tui::transcript::render::grammars::warm;

/// Bytes of one text that are highlighted; what follows is plain.
const MAX_BYTES: usize = 64 * 1024;

/// Bytes of one line that are highlighted; a longer line is plain, and no harm to a frame.
const MAX_LINE: usize = 2 * 1024;

/// Code, highlighted as the language of that name, or of a file of that name.
#[must_use]
pub fn code(text: &str, language: &str, theme: &Theme) -> Vec<Line<'static>> {
    rows(text, language, theme, &HighlightBudget::unlimited())
        .into_iter()
        .map(Row::line)
        .collect()
}

/// The same as rows that can be wrapped.
pub(crate) fn rows(
    text: &str,
    language: &str,
    theme: &Theme,
    budget: &Arc<HighlightBudget>,
) -> Vec<Row> {
    let mut painter = Painter::new(language, theme, budget);
    text::lines(text).map(|line| painter.line(line)).collect()
}

/// Highlights line by line.
pub(crate) struct Painter<'t> {
    theme: &'t Theme,
    budget: Arc<HighlightBudget>,
    state: Option<State>,
    painted: usize,
}

struct State {
    loaded: &'static Loaded,
    parse: ParseState,
    scopes: HighlightState,
}

impl State {
    fn new(loaded: &'static Loaded, syntax: &SyntaxReference) -> Self {
        Self {
            loaded,
            parse: ParseState::new(syntax),
            scopes: HighlightState::new(&loaded.highlighter, ScopeStack::new()),
        }
    }
}

impl<'t> Painter<'t> {
    /// For the language of that name, or of a file of that name; plain where there is none, or not
    /// yet.
    pub fn new(language: &str, theme: &'t Theme, budget: &Arc<HighlightBudget>) -> Self {
        let state = (theme.syntax != Syntax::Off)
            .then(|| grammars::of(language))
            .flatten()
            .filter(|_| budget.may_highlight())
            .map(|(loaded, syntax)| State::new(loaded, syntax));
        Self {
            theme,
            budget: Arc::clone(budget),
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
        if line.len() > MAX_LINE || self.painted > MAX_BYTES {
            return plain;
        }
        if self.budget.is_used_up() {
            self.state = None;
        }
        let Some(state) = &mut self.state else {
            return plain;
        };
        self.budget.take(line.len() + 1);
        let whole = format!("{line}\n");
        let Ok(changes) = state.parse.parse_line(&whole, &state.loaded.syntaxes) else {
            // A grammar at fault: the rest is plain.
            self.state = None;
            return plain;
        };
        let mut pieces = Vec::new();
        let mut at = 0;
        for (style, piece) in HighlightIterator::new(
            &mut state.scopes,
            &changes,
            &whole,
            &state.loaded.highlighter,
        ) {
            let end = (at + piece.len()).min(line.len());
            if let Some(piece) = line.get(at..end).filter(|piece| !piece.is_empty()) {
                pieces.push((style_of(style.foreground, self.theme), piece));
            }
            at = end;
        }
        pieces
    }
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
pub(crate) fn numbered(
    text: &str,
    language: &str,
    indent: &Row,
    context: &LayoutContext,
) -> Vec<Line<'static>> {
    let (width, theme) = (context.width, &context.theme);
    let mut painter = Painter::new(language, theme, &context.budget);
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
        grammars::compile_now(&["rs", "py", "sh"]);
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
        grammars::compile_now(&["rs"]);
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
        let context = LayoutContext {
            width: 10,
            theme: Theme::mono(),
            budget: HighlightBudget::unlimited(),
        };
        let shown: Vec<String> = numbered("9\ta\n   10→bcdefgh", "x", &Row::new(), &context)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(shown, [" 9  a", "10  bcdefg", "    h"]);
    }
}
