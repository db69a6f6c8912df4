//! Small pieces that several panes draw: frames, lines that fit, keys with their words.

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Block, BorderType, Borders, Clear, Scrollbar, ScrollbarOrientation, ScrollbarState,
    StatefulWidget as _, Widget,
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::text::{sanitize_line, sanitize_prose_line};
use crate::tui::forms::Field;
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::theme::Theme;

/// What turns while something is under way, at a tick.
#[must_use]
pub fn spinner(tick: i64) -> &'static str {
    const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let turn = usize::try_from(tick.rem_euclid(10)).unwrap_or(0);
    TURNS.get(turn).copied().unwrap_or("…")
}

/// `claude-opus-5-5` is `opus-5-5`.
#[must_use]
pub fn short_model(model: &str) -> &str {
    model.strip_prefix("claude-").unwrap_or(model)
}

/// Draws a pane's frame and returns what is inside.
pub fn frame(theme: &Theme, title: Line<'_>, focused: bool, area: Rect, buf: &mut Buffer) -> Rect {
    let style = if focused {
        theme.border_focus
    } else {
        theme.border
    };
    let block = Block::new()
        .borders(Borders::ALL)
        .border_type(BorderType::Rounded)
        .border_style(style)
        .title(title);
    let inside = block.inner(area);
    block.render(area, buf);
    inside
}

/// A frame in the middle of the screen, with everything under it gone.
pub fn popup(
    theme: &Theme,
    title: Line<'_>,
    width: u16,
    height: u16,
    screen: Rect,
    buf: &mut Buffer,
) -> Rect {
    let width = width.min(screen.width);
    let height = height.min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 3,
        width,
        height,
    };
    Clear.render(area, buf);
    buf.set_style(area, theme.text);
    frame(theme, title, true, area, buf)
}

/// A foreign text on one line, safe, and cut to so many columns.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    let (head, is_whole) = head_for(text, columns);
    cut(&sanitize_line(head), columns, is_whole)
}

/// The same for a text that is only read, such as a title.
#[must_use]
pub fn fit_prose(text: &str, columns: usize) -> String {
    let (head, is_whole) = head_for(text, columns);
    cut(&sanitize_prose_line(head), columns, is_whole)
}

/// Bytes of a text that are looked at for each column: no letter with its marks has more.
const COLUMN_BYTES: usize = 64;

/// As much of a text as could fill so many columns, and whether that is all of it: a frame costs no more
/// where a text is endless.
fn head_for(text: &str, columns: usize) -> (&str, bool) {
    let most = columns.saturating_add(2).saturating_mul(COLUMN_BYTES);
    let head = &text[..text.floor_char_boundary(most)];
    (head, head.len() == text.len())
}

/// A safe text cut to so many columns; one that is not whole is cut in any case.
fn cut(safe: &str, columns: usize, is_whole: bool) -> String {
    if is_whole && safe.width() <= columns {
        return safe.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for cluster in safe.graphemes(true) {
        let wide = cluster.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        cut.push_str(cluster);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// The same, but what is cut is the beginning: for paths, whose end says most.
#[must_use]
pub fn fit_tail(text: &str, columns: usize) -> String {
    let most = columns.saturating_add(2).saturating_mul(COLUMN_BYTES);
    let from = text.ceil_char_boundary(text.len().saturating_sub(most));
    let safe = sanitize_line(&text[from..]);
    if from == 0 && safe.width() <= columns {
        return safe.into_owned();
    }
    let mut kept = Vec::new();
    let mut used = 0;
    for cluster in safe.graphemes(true).rev() {
        let wide = cluster.width();
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(cluster);
    }
    if columns > 0 {
        kept.push("…");
    }
    kept.reverse();
    kept.concat()
}

/// The mark that stands where the cursor is, in a line that is typed in a title.
pub const BAR: &str = "▏";

/// A line that is typed, in so many columns, with the bar where its cursor is.
#[must_use]
pub fn typed_line(cursor: &Field, line: &str, columns: usize) -> String {
    // Somebody else's cursor is at another line.
    let at = match cursor.text() == line {
        true => cursor.area.cursor().1,
        false => line.chars().count(),
    };
    let at = line.char_indices().nth(at).map_or(line.len(), |(at, _)| at);
    let (before, after) = line.split_at(at);
    // There is one bar.
    let (before, after) = (before.replace(BAR, "|"), after.replace(BAR, "|"));
    let behind = after.width().min(columns / 3);
    let before = fit_tail(&before, columns - behind);
    let after = fit(&after, columns.saturating_sub(before.width()));
    format!("{before}{BAR}{after}")
}

/// Shows on a frame's right edge which part of a longer list is in sight.
pub fn scrollbar(
    theme: &Theme,
    focused: bool,
    frame: Rect,
    first: usize,
    rows: usize,
    buf: &mut Buffer,
) {
    let track = frame.inner(Margin::new(0, 1));
    let seen = usize::from(track.height);
    if rows <= seen || track.is_empty() {
        return;
    }
    let mut state = ScrollbarState::new(rows - seen + 1)
        .viewport_content_length(seen)
        .position(first);
    Scrollbar::new(ScrollbarOrientation::VerticalRight)
        .thumb_symbol("┃")
        .begin_symbol(None)
        .end_symbol(None)
        .track_symbol(None)
        .thumb_style(if focused { theme.accent } else { theme.dim })
        .render(track, buf, &mut state);
}

/// Draws a line whose right part stays in sight and whose left part gives way.
pub fn split_line(left: Line<'_>, right: &Line<'_>, style: Style, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    buf.set_style(Rect { height: 1, ..area }, style);
    let wide = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let room = area.width.saturating_sub(wide + u16::from(wide > 0));
    buf.set_line(area.x, area.y, &left, room);
    buf.set_line(area.x + area.width - wide, area.y, right, wide);
    if style.add_modifier.contains(Modifier::REVERSED) {
        smooth(Rect { height: 1, ..area }, buf);
    }
}

/// On a reversed row each colour of a word would become a ground of its own, and the row a patchwork:
/// words give their colours up there, and only what has a ground already keeps it.
fn smooth(row: Rect, buf: &mut Buffer) {
    for position in row.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position)
            && cell.bg == Color::Reset
        {
            cell.fg = Color::Reset;
            cell.modifier.remove(Modifier::DIM);
        }
    }
}

/// A text whose letters that fit the filter stand out.
#[must_use]
pub fn matched(
    text: &str,
    fuzzy: &mut Fuzzy,
    style: Style,
    standing_out: Style,
) -> Vec<Span<'static>> {
    let letters = fuzzy.letters(text);
    if letters.is_empty() {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut run = (String::new(), false);
    for (index, letter) in text.graphemes(true).enumerate() {
        let fits = letters.binary_search(&index).is_ok();
        if fits != run.1 && !run.0.is_empty() {
            let look = if run.1 { standing_out } else { style };
            spans.push(Span::styled(std::mem::take(&mut run.0), look));
        }
        run.1 = fits;
        run.0.push_str(letter);
    }
    let look = if run.1 { standing_out } else { style };
    spans.push(Span::styled(run.0, look));
    spans
}

/// Keys of a form, which are its own.
#[must_use]
pub fn form_hints<'a>(theme: &Theme, keys: &[(&'a str, &'a str)]) -> Line<'a> {
    let mut spans = Vec::new();
    for (key, words) in keys {
        if !spans.is_empty() {
            spans.push(Span::styled("  ", theme.dim));
        }
        spans.push(Span::styled(*key, theme.key));
        spans.push(Span::styled(" ", theme.dim));
        spans.push(Span::styled(*words, theme.dim));
    }
    Line::from(spans)
}

/// A row that can be selected: its mark on the left and its ground.
#[must_use]
pub fn row_style(theme: &Theme, selected: bool, focused: bool) -> Style {
    match (selected, focused) {
        (true, true) => theme.selected,
        (true, false) => theme.selected_idle,
        (false, _) => Style::new(),
    }
}

/// The first row to show so that the selected one is in sight.
#[must_use]
pub fn offset(offset: usize, selected: Option<usize>, rows: usize, height: u16) -> usize {
    let height = usize::from(height);
    let most = rows.saturating_sub(height);
    let Some(selected) = selected else {
        return offset.min(most);
    };
    if selected < offset {
        selected
    } else if selected >= offset + height {
        (selected + 1).saturating_sub(height)
    } else {
        offset.min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_endless_text_a_little_is_looked_at_and_the_cut_is_shown() {
        for text in ["a", "\u{301}", "…", "👩‍👩‍👧", "\u{202e}"] {
            let endless = text.repeat(5_000_000);
            let (head, is_whole) = head_for(&endless, 80);
            assert!(head.len() <= 82 * COLUMN_BYTES && !is_whole);
            for cut in [fit(&endless, 80), fit_prose(&endless, 80)] {
                assert!(cut.ends_with('…') && cut.width() <= 80, "{cut:?}");
            }
            let cut = fit_tail(&endless, 80);
            assert!(cut.starts_with('…') && cut.width() <= 80, "{cut:?}");
        }
        assert_eq!(fit("short", 80), "short");
        assert_eq!(fit_tail("short", 80), "short");
        assert_eq!(fit("short", usize::MAX), "short");
    }
}
