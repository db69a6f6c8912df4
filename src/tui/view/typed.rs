//! A text that is being typed, as rows with the cursor's place.
//!
//! Wraps at words where it can. What deceives is shown as what it is, one's own text too: it may
//! have been pasted. Pure.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr;

use crate::domain::text::{Level, find_deceptive, visible};
use crate::tui::forms::Field;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldView {
    /// What each shows.
    pub rows: Vec<String>,
    /// The cursor's row and column.
    pub cursor: (usize, usize),
}

/// A grapheme cluster as it is shown.
struct Letter {
    text: String,
    wide: usize,
    /// Which character of the line it begins with.
    begin: usize,
}

/// Lays a field out in so many columns.
#[must_use]
pub fn typed(field: &Field, columns: usize) -> FieldView {
    // The cursor stands behind the last letter of a row.
    let room = columns.saturating_sub(1).max(1);
    let at = field.area.cursor();
    let mut typed = FieldView {
        rows: Vec::new(),
        cursor: (0, 0),
    };
    for (index, line) in field.area.lines().iter().enumerate() {
        let letters = letters(line);
        // Within a cluster the cursor stands before it.
        let at_letter = letters.partition_point(|letter| letter.begin < at.1);
        let at_letter = match letters.get(at_letter) {
            Some(letter) if letter.begin == at.1 => at_letter,
            Some(_) => at_letter.saturating_sub(1),
            None if at.1 >= line.chars().count() => letters.len(),
            None => letters.len().saturating_sub(1),
        };
        let mut begin = 0;
        loop {
            let end = row_end(&letters, begin, room);
            let is_last = end == letters.len();
            let here = index == at.0 && at_letter >= begin && (at_letter < end || is_last);
            if here {
                let before = letters.get(begin..at_letter.min(end)).unwrap_or_default();
                let column = before.iter().map(|letter| letter.wide).sum();
                typed.cursor = (typed.rows.len(), column);
            }
            let row = letters.get(begin..end).unwrap_or_default();
            typed
                .rows
                .push(row.iter().map(|letter| letter.text.as_str()).collect());
            if is_last {
                break;
            }
            begin = end;
        }
    }
    typed
}

fn letters(line: &str) -> Vec<Letter> {
    let mut begin = 0;
    let mut deceptive = find_deceptive(line, 0, Level::Prose);
    line.grapheme_indices(true)
        .map(|(at, cluster)| {
            let end = at + cluster.len();
            let text = match deceptive {
                Some(found) if found < end => {
                    deceptive = find_deceptive(line, end, Level::Prose);
                    // Of a cluster nobody sees which of its characters it is.
                    cluster.chars().map(visible).collect()
                }
                Some(_) | None => cluster.to_owned(),
            };
            let letter = Letter {
                wide: text.width(),
                text,
                begin,
            };
            begin += cluster.chars().count();
            letter
        })
        .collect()
}

/// Where the row that begins at a letter ends: behind a space where there is one, and never without
/// having gone on.
fn row_end(letters: &[Letter], begin: usize, room: usize) -> usize {
    let mut wide = 0;
    for (index, letter) in letters.iter().enumerate().skip(begin) {
        wide += letter.wide;
        if wide > room && index > begin {
            let spaces = letters.get(begin..index).unwrap_or_default();
            let space = spaces.iter().rposition(|letter| letter.text == " ");
            return space.map_or(index, |space| begin + space + 1);
        }
    }
    letters.len()
}

/// Draws a field with the cursor in sight; gives the cursor's place where it has the keys.
pub fn draw(
    field: &Field,
    style: Style,
    has_keys: bool,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    if area.is_empty() {
        return None;
    }
    let typed = typed(field, usize::from(area.width));
    let height = usize::from(area.height);
    let first = if has_keys {
        typed.cursor.0.saturating_sub(height - 1)
    } else {
        0
    };
    for (row, y) in typed.rows.iter().skip(first).zip(area.y..area.bottom()) {
        buf.set_stringn(area.x, y, row, usize::from(area.width), style);
    }
    let row = u16::try_from(typed.cursor.0 - first.min(typed.cursor.0)).ok()?;
    let column = u16::try_from(typed.cursor.1).ok()?.min(area.width - 1);
    has_keys.then(|| Position::new(area.x + column, area.y + row.min(area.height - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_break_at_words_and_the_cursor_is_where_it_is() {
        for (text, columns, rows, cursor) in [
            ("", 10, vec![""], (0, 0)),
            ("short", 10, vec!["short"], (0, 5)),
            ("two words here", 8, vec!["two ", "words ", "here"], (2, 4)),
            ("abcdefghij", 5, vec!["abcd", "efgh", "ij"], (2, 2)),
            ("abcd", 5, vec!["abcd"], (0, 4)),
            ("a\n\nb", 10, vec!["a", "", "b"], (2, 1)),
            ("漢字漢字", 5, vec!["漢字", "漢字"], (1, 4)),
            ("a\u{202e}b", 40, vec!["a\\u{202e}b"], (0, 10)),
            ("⚠\u{fe0f}x", 40, vec!["⚠\u{fe0f}x"], (0, 3)),
            ("می\u{200c}خ", 40, vec!["می\u{200c}خ"], (0, 3)),
            ("👩\u{200d}💻", 40, vec!["👩\u{200d}💻"], (0, 2)),
        ] {
            let typed = typed(&Field::holding(text), columns);
            assert_eq!(typed.rows, rows, "{text:?}");
            assert_eq!(typed.cursor, cursor, "{text:?}");
        }
    }

    #[test]
    fn no_row_is_too_wide() {
        for columns in 2..30 {
            let text = "some words andaverylongonewithoutanyspace 漢字かな\nand more";
            for row in typed(&Field::holding(text), columns).rows {
                assert!(row.width() < columns.max(3), "{row:?} in {columns}");
            }
        }
    }
}
