//! Markdown as lines of a terminal.
//!
//! Owns how headings, lists, quotes, code, tables, links and emphasis look. Marks and indentation
//! carry the structure, so that it is there without colours too. A link shows where it leads.

use std::sync::Arc;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use crate::tui::theme::Theme;
use crate::tui::transcript::render::highlight;
use crate::tui::transcript::render::highlight_budget::HighlightBudget;
use crate::tui::transcript::render::table::Table;
use crate::tui::transcript::render::text::{self, Row};

/// What stands before a line of code.
const CODE_BAR: &str = "▏ ";

/// Deepest nesting of lists and quotes that is set in.
const MAX_DEPTH: usize = 16;

/// Markdown in lines of at most so many columns.
#[must_use]
pub fn render(text: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    write(text, width, theme, &HighlightBudget::unlimited())
}

/// The same with as much highlighted as there is budget.
pub(crate) fn write(
    text: &str,
    width: usize,
    theme: &Theme,
    budget: &Arc<HighlightBudget>,
) -> Vec<Line<'static>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut renderer = Renderer {
        theme,
        budget,
        width: width.max(1),
        lines: Vec::new(),
        row: Row::new(),
        styles: vec![theme.text],
        around: Vec::new(),
        lists: Vec::new(),
        links: Vec::new(),
        code: None,
        table: None,
        apart: false,
    };
    for event in Parser::new_ext(text, options) {
        renderer.event(event);
    }
    renderer.flush();
    renderer.lines
}

/// Lines of code as they look within Markdown.
pub(crate) fn code(
    text: &str,
    language: &str,
    width: usize,
    theme: &Theme,
    budget: &Arc<HighlightBudget>,
) -> Vec<Line<'static>> {
    let bar = Row::of(CODE_BAR, theme.border);
    highlight::rows(text, language, theme, budget)
        .into_iter()
        .flat_map(|row| row.columns(width, &bar, &bar))
        .collect()
}

/// What stands around a block: a list's mark or a quote's bar.
struct Around {
    first: Row,
    rest: Row,
    used: bool,
}

struct Renderer<'t> {
    theme: &'t Theme,
    budget: &'t Arc<HighlightBudget>,
    width: usize,
    lines: Vec<Line<'static>>,
    row: Row,
    styles: Vec<Style>,
    around: Vec<Around>,
    /// The lists we are in: the next number of each.
    lists: Vec<Option<u64>>,
    /// The links we are in: where they lead, and what their words are so far.
    links: Vec<(String, String)>,
    code: Option<(String, String)>,
    table: Option<Table>,
    /// Whether the next block stands apart from what was before.
    apart: bool,
}

impl Renderer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => self.text(&words),
            Event::Code(words) => {
                let style = self.style().patch(self.theme.code);
                self.said(&words);
                self.row.foreign(&words, style, self.theme);
            }
            Event::Html(html) => {
                for line in text::lines(&html) {
                    self.open_block();
                    self.row.foreign(line, self.theme.dim, self.theme);
                    self.flush();
                }
                self.apart = true;
            }
            Event::InlineHtml(html) => self.row.foreign(&html, self.theme.dim, self.theme),
            Event::SoftBreak => {
                let style = self.style();
                self.said(" ");
                self.inline(" ", style);
            }
            Event::HardBreak => {
                if self.table.is_some() {
                    let style = self.style();
                    self.inline(" ", style);
                } else {
                    self.flush();
                }
            }
            Event::Rule => {
                self.open_block();
                let room = self.width.saturating_sub(self.before().1.width());
                let rule = "─".repeat(room.min(40));
                self.row.own(&rule, self.theme.border);
                self.flush();
                self.apart = true;
            }
            Event::TaskListMarker(done) => {
                let (mark, style) = if done {
                    ("☑ ", self.theme.good)
                } else {
                    ("☐ ", self.theme.text)
                };
                self.row.own(mark, style);
            }
            // Not asked for in the options; shown as they are should they come.
            Event::InlineMath(words) | Event::DisplayMath(words) => self.text(&words),
            Event::FootnoteReference(name) => self.text(&name),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let theme = self.theme;
        match tag {
            Tag::Paragraph => self.open_block(),
            Tag::Heading { level, .. } => {
                self.open_block();
                let style = match level {
                    HeadingLevel::H1 => theme.heading.add_modifier(Modifier::UNDERLINED),
                    HeadingLevel::H2 => theme.heading,
                    HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => {
                        theme.heading.add_modifier(Modifier::ITALIC)
                    }
                };
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.separate();
                self.enter(Row::of("▎ ", theme.border), Row::of("▎ ", theme.border));
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.separate();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                self.separate();
                let even = self.lists.len().is_multiple_of(2);
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                        mark
                    }
                    Some(None) | None if even => "◦ ".to_owned(),
                    Some(None) | None => "• ".to_owned(),
                };
                let rest = " ".repeat(text::width(&mark));
                self.enter(Row::of(&mark, theme.accent), Row::of(&rest, theme.text));
            }
            Tag::Table(columns) => {
                self.flush();
                self.table = Some(Table::new(columns));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
                if matches!(tag, Tag::TableHead) {
                    self.styles.push(theme.heading);
                }
            }
            Tag::TableCell => {}
            Tag::Emphasis => self.emphasise(Modifier::ITALIC),
            Tag::Strong => self.emphasise(Modifier::BOLD),
            Tag::Strikethrough => self.emphasise(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } => {
                self.links.push((dest_url.to_string(), String::new()));
                let style = self.style().patch(theme.link);
                self.styles.push(style);
            }
            Tag::Image { dest_url, .. } => {
                self.inline("image: ", theme.dim);
                self.links.push((dest_url.to_string(), String::new()));
                let style = self.style().patch(theme.link);
                self.styles.push(style);
            }
            Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.flush(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.flush();
                self.apart = true;
            }
            TagEnd::Heading(_) => {
                self.styles.pop();
                self.flush();
                self.apart = true;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.around.pop();
                self.apart = true;
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
                self.apart = self.lists.is_empty();
            }
            TagEnd::Item => {
                if self.around.last().is_some_and(|around| !around.used) {
                    self.emit();
                }
                self.flush();
                self.around.pop();
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.separate();
                    let (first, rest) = self.before();
                    let room = self.width.saturating_sub(rest.width()).max(1);
                    for (at, row) in table.render(room, self.theme).into_iter().enumerate() {
                        let mut whole = if at == 0 { first.clone() } else { rest.clone() };
                        whole.append(row);
                        self.lines.push(whole.line());
                    }
                    self.use_marks();
                    self.apart = true;
                }
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::TableHead => {
                self.styles.pop();
            }
            TagEnd::TableRow => {}
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                if let Some((to, words)) = self.links.pop()
                    && to != words
                    && !to.is_empty()
                {
                    let to = format!(" ({to})");
                    self.row.foreign(&to, self.theme.dim, self.theme);
                }
            }
            TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {
                self.flush();
                self.apart = true;
            }
        }
    }

    fn text(&mut self, words: &str) {
        if let Some((_, code)) = &mut self.code {
            code.push_str(words);
            return;
        }
        self.said(words);
        let style = self.style();
        self.inline(words, style);
    }

    /// Adds words to the line; what they begin with may open a tight list's item.
    fn inline(&mut self, words: &str, style: Style) {
        self.row.prose(words, style, self.theme);
    }

    fn said(&mut self, words: &str) {
        for (_, said) in &mut self.links {
            said.push_str(words);
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or(self.theme.text)
    }

    fn emphasise(&mut self, modifier: Modifier) {
        let style = self.style().add_modifier(modifier);
        self.styles.push(style);
    }

    fn enter(&mut self, first: Row, rest: Row) {
        let (first, rest) = if self.around.len() < MAX_DEPTH {
            (first, rest)
        } else {
            (Row::new(), Row::new())
        };
        self.around.push(Around {
            first,
            rest,
            used: false,
        });
    }

    fn open_block(&mut self) {
        self.flush();
        self.separate();
    }

    /// An empty line where the last block asks for one.
    fn separate(&mut self) {
        if self.apart && !self.lines.is_empty() {
            // Within a quote its bar goes on; a mark that is still to come stays for its block.
            let mut row = Row::new();
            for around in self.around.iter().filter(|around| around.used) {
                row.append(around.rest.clone());
            }
            let bare = row
                .spans()
                .iter()
                .all(|span| span.content.trim().is_empty());
            self.lines
                .push(if bare { Line::default() } else { row.line() });
        }
        self.apart = false;
    }

    /// What stands before the next line and before those after it.
    fn before(&self) -> (Row, Row) {
        let (mut first, mut rest) = (Row::new(), Row::new());
        for around in &self.around {
            let now = if around.used {
                &around.rest
            } else {
                &around.first
            };
            first.append(now.clone());
            rest.append(around.rest.clone());
        }
        (first, rest)
    }

    fn use_marks(&mut self) {
        for around in &mut self.around {
            around.used = true;
        }
    }

    /// Ends the line that is being written, if there is one.
    fn flush(&mut self) {
        if !self.row.is_empty() && self.table.is_none() {
            self.emit();
        }
    }

    fn emit(&mut self) {
        let row = std::mem::take(&mut self.row);
        let (first, rest) = self.before();
        self.lines.extend(row.words(self.width, &first, &rest));
        self.use_marks();
    }

    fn code_block(&mut self) {
        let Some((language, code)) = self.code.take() else {
            return;
        };
        self.separate();
        let bar = Row::of(CODE_BAR, self.theme.border);
        for row in highlight::rows(&code, &language, self.theme, self.budget) {
            let (mut first, mut rest) = self.before();
            first.append(bar.clone());
            rest.append(bar.clone());
            self.lines.extend(row.columns(self.width, &first, &rest));
            self.use_marks();
        }
        self.apart = true;
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
