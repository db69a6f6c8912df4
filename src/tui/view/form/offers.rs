//! A text field with answers offered below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::draw_field;
use crate::tui::state::form::offers::Offers;
use crate::tui::theme::Theme;
use crate::tui::view::widgets::{fit, offset};

/// Rows that it would like to have.
#[must_use]
pub fn height(offers: &Offers) -> u16 {
    let list = u16::try_from(offers.list.len()).unwrap_or(u16::MAX);
    field_height(offers).saturating_add(list.min(10)) + u16::from(list > 0)
}

fn field_height(offers: &Offers) -> u16 {
    u16::try_from(offers.text.area.lines().len())
        .unwrap_or(u16::MAX)
        .clamp(2, 8)
}

/// Draws both. `nothing` stands dim in the field while nothing is typed: what that would mean.
pub fn draw(
    theme: &Theme,
    offers: &Offers,
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
