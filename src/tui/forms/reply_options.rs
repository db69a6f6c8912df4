//! A text to type, with answers offered for it.
//!
//! What a denial and the answer to a contact have in common: an offered answer is chosen with up
//! and down and may be changed or replaced by typing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::approval::ResponseOption;
use crate::tui::forms::Field;
use crate::tui::forms::drawing::draw_field;
use crate::tui::theme::Theme;
use crate::tui::view::widgets::{fit, offset};

/// An answer that is offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyOption {
    /// What people read.
    pub words: String,
    /// What it means.
    pub meaning: Option<String>,
    /// What comes into the field when it is chosen.
    pub fill: Option<String>,
    /// The asker's name for it; none: it is only words.
    pub name: Option<String>,
}

impl ReplyOption {
    /// Words of ours, which stand for nothing but themselves.
    #[must_use]
    pub fn words(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            fill: Some(words.to_owned()),
            ..Self::default()
        }
    }

    /// One of the asker's options.
    #[must_use]
    pub fn option(option: &ResponseOption) -> Self {
        let title = option
            .title
            .as_ref()
            .filter(|title| !title.trim().is_empty());
        Self {
            words: title.unwrap_or(&option.name).clone(),
            meaning: option.description.clone(),
            fill: option
                .prompt_fill
                .clone()
                .filter(|fill| !fill.trim().is_empty()),
            name: Some(option.name.clone()),
        }
    }
}

/// The text and what is offered.
#[derive(Clone, Debug, Default)]
pub struct ReplyOptions {
    /// What is offered, in order.
    pub list: Vec<ReplyOption>,
    /// The chosen one.
    pub chosen: Option<usize>,
    pub text: Field,
}

impl ReplyOptions {
    /// Nothing typed yet.
    #[must_use]
    pub fn of(list: Vec<ReplyOption>) -> Self {
        Self {
            list,
            ..Self::default()
        }
    }

    /// The option chosen, by the asker's name for it.
    #[must_use]
    pub fn option(&self) -> Option<String> {
        self.list.get(self.chosen?)?.name.clone()
    }

    /// What is typed, where it is anything.
    #[must_use]
    pub fn typed(&self) -> Option<String> {
        (!self.text.is_blank()).then(|| self.text.text())
    }

    /// Whether up and down choose, which they do until something of one's own is typed.
    #[must_use]
    pub fn is_choosing(&self) -> bool {
        !self.list.is_empty() && (self.chosen.is_some() || self.text.is_blank())
    }

    /// Chooses the next or the previous one; beyond the ends none is chosen.
    pub fn step(&mut self, down: bool) {
        let last = self.list.len().saturating_sub(1);
        self.chosen = match (self.chosen, down) {
            (None, true) => Some(0),
            (None, false) => Some(last),
            (Some(at), true) => (at < last).then_some(at + 1),
            (Some(at), false) => at.checked_sub(1),
        };
        let fill = self.chosen.and_then(|at| self.list.get(at)?.fill.clone());
        self.text.set(&fill.unwrap_or_default());
    }

    /// Something is typed: words that were only filled in are one's own from now on.
    pub fn typing(&mut self) {
        if self.option().is_none() {
            self.chosen = None;
        }
    }
}

/// What a key came to.
pub enum ReplyKey {
    /// It was typed, or chose something.
    Taken,
    /// It asks for sending.
    Send,
    /// It asks for the editor.
    Editor,
}

/// Enter sends, alt-enter is a new line, up and down choose while nothing of one's own is typed.
pub fn key(offers: &mut ReplyOptions, key: KeyEvent) -> ReplyKey {
    match key.code {
        KeyCode::Enter if key.modifiers.is_empty() => return ReplyKey::Send,
        KeyCode::Char('s') if key.modifiers == KeyModifiers::CONTROL => return ReplyKey::Send,
        KeyCode::Char('g') if key.modifiers == KeyModifiers::CONTROL => return ReplyKey::Editor,
        KeyCode::Up | KeyCode::Down if offers.is_choosing() => {
            offers.step(key.code == KeyCode::Down);
        }
        KeyCode::Enter => {
            offers
                .text
                .key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
            offers.typing();
        }
        _ => {
            offers.text.key(key);
            offers.typing();
        }
    }
    ReplyKey::Taken
}

/// Rows that it would like to have.
#[must_use]
pub fn height(offers: &ReplyOptions) -> u16 {
    let list = u16::try_from(offers.list.len()).unwrap_or(u16::MAX);
    field_height(offers).saturating_add(list.min(10)) + u16::from(list > 0)
}

fn field_height(offers: &ReplyOptions) -> u16 {
    u16::try_from(offers.text.area.lines().len())
        .unwrap_or(u16::MAX)
        .clamp(2, 8)
}

/// Draws both. `nothing` stands dim in the field while nothing is typed: what that would mean.
pub fn draw(
    theme: &Theme,
    offers: &ReplyOptions,
    nothing: &str,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    let rows = field_height(offers).min(area.height);
    let field = Rect {
        height: rows,
        ..area
    };
    let mut text = offers.text.clone();
    text.area.set_placeholder_text(nothing);
    text.area.set_placeholder_style(theme.dim);
    let cursor = draw_field(theme, &text, field, buf);
    let list = Rect {
        y: area.y + rows + 1,
        height: area.height.saturating_sub(rows + 1),
        ..area
    };
    let first = offset(0, offers.chosen, offers.list.len(), list.height);
    for ((index, offer), y) in offers
        .list
        .iter()
        .enumerate()
        .skip(first)
        .zip(0..list.height)
    {
        let chosen = offers.chosen == Some(index);
        let width = usize::from(list.width).saturating_sub(2);
        let words = fit(&offer.words, width);
        let room = width.saturating_sub(words.width() + 3);
        let mut line = vec![
            Span::styled(if chosen { "▸ " } else { "  " }, theme.accent),
            Span::styled(words, if chosen { theme.text } else { theme.dim }),
        ];
        if let Some(meaning) = offer.meaning.as_deref().filter(|_| room > 4) {
            line.push(Span::styled(
                format!(" — {}", fit(meaning, room)),
                theme.dim,
            ));
        }
        buf.set_line(list.x, list.y + y, &Line::from(line), list.width);
    }
    cursor
}
