//! The list of what the text before the cursor can become, over whatever is there.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

use super::widgets::{fit, frame, offset, row_style, split_line};
use crate::tui::state::complete::Completion;
use crate::tui::theme::Theme;

/// Entries that are shown at once.
const ROWS: usize = 8;

/// Draws it below the cursor, or above where there is no room.
pub fn draw(theme: &Theme, list: &Completion, cursor: Position, screen: Rect, buf: &mut Buffer) {
    if !list.is_open() || screen.height < 5 {
        return;
    }
    let widest = list.found.iter().map(|entry| entry.width()).max();
    let width = widest.unwrap_or(0).clamp(16, 60) + 4;
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(screen.width);
    let below = screen.bottom().saturating_sub(cursor.y + 1);
    let above = cursor.y.saturating_sub(screen.y);
    let wanted = u16::try_from(list.found.len().min(ROWS)).unwrap_or(0) + 2;
    // What is at the foot, the prompt line say, keeps its frame and the keys below it in sight.
    let goes_below = below >= above && (below >= wanted || above < wanted);
    let (y, height) = if goes_below {
        (cursor.y + 1, wanted.min(below))
    } else {
        let height = wanted.min(above);
        (cursor.y - height, height)
    };
    if height < 3 {
        return;
    }
    let x = cursor.x.min(screen.right().saturating_sub(width));
    let area = Rect::new(x, y, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.text);
    let title = Line::styled(" Tab to complete ", theme.dim);
    let inside = frame(theme, title, true, area, buf);
    let first = offset(0, list.chosen, list.found.len(), inside.height);
    for ((index, entry), y) in list
        .found
        .iter()
        .enumerate()
        .skip(first)
        .zip(inside.y..inside.bottom())
    {
        let line = Rect {
            y,
            height: 1,
            ..inside
        };
        let entry = fit(entry, usize::from(inside.width.saturating_sub(2)));
        let words = Line::styled(format!(" {entry}"), theme.text);
        let style = row_style(theme, list.chosen == Some(index), true);
        split_line(words, &Line::default(), style, line, buf);
    }
}
