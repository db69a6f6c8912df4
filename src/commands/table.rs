//! Rows for a terminal: columns under their headings, each row on one line of the screen.
//!
//! Where there is no room for all, the widest of the columns that may be cut is cut first; only
//! when those are down to a few characters are the others. What is cut ends in an ellipsis.

use unicode_truncate::UnicodeTruncateStr as _;
use unicode_width::UnicodeWidthStr as _;

/// Blanks between two columns.
const GAP: usize = 2;
/// What a column that may be cut keeps as long as there is another way.
const LEAST: usize = 8;

/// The lines of a table; the first one holds the headings.
pub fn lines<const N: usize>(
    header: [&str; N],
    yielding: &[&str],
    rows: &[[String; N]],
    columns: usize,
) -> Vec<String> {
    let mut widths: [usize; N] = header.map(|name| name.width());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let may_be_cut = header.map(|name| yielding.contains(&name));
    let room = columns.saturating_sub(GAP * N.saturating_sub(1));
    fit(&mut widths, &may_be_cut, room);
    let heads = header.map(str::to_owned);
    std::iter::once(&heads)
        .chain(rows)
        .map(|row| line(row, &widths))
        .collect()
}

/// Takes away from the widest column until all fit, or nothing is left to take.
fn fit(widths: &mut [usize], may_be_cut: &[bool], room: usize) {
    for least in [Some(LEAST), None] {
        while widths.iter().sum::<usize>() > room {
            let cuttable = |index: &usize| match least {
                Some(least) => may_be_cut[*index] && widths[*index] > least,
                None => widths[*index] > 1,
            };
            let widest = (0..widths.len())
                .filter(cuttable)
                .max_by_key(|index| widths[*index]);
            match widest {
                Some(index) => widths[index] -= 1,
                None => break,
            }
        }
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let shown = cut(cell, *width);
        let blanks = width - shown.width().min(*width) + GAP;
        line.push_str(&shown);
        line.extend(std::iter::repeat_n(' ', blanks));
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text in at most so many columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (kept, _) = text.unicode_truncate(width.saturating_sub(1));
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: usize) -> Vec<String> {
        let rows = [
            [
                "1a2b3c4d",
                "running",
                "fix the failing test of the 漢字 parser and say what it was",
                "~/src/app",
            ],
            [
                "5e6f7a8b",
                "failed",
                "short",
                "~/src/a/very/long/path/to/a/project",
            ],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        lines(
            ["ID", "STATUS", "SUBJECT", "DIRECTORY"],
            &["SUBJECT", "DIRECTORY"],
            &rows,
            columns,
        )
    }

    #[test]
    fn the_widest_column_that_may_be_cut_is_cut_with_an_ellipsis() {
        assert_eq!(
            table(80),
            [
                "ID        STATUS   SUBJECT                         DIRECTORY",
                "1a2b3c4d  running  fix the failing test of the…    ~/src/app",
                "5e6f7a8b  failed   short                           ~/src/a/very/long/path/to/a/…",
            ]
        );
        assert!(table(200).iter().all(|line| !line.contains('…')));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 12..200 {
            for line in table(columns) {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn headings_stand_over_their_columns() {
        for columns in [40, 80, 140] {
            let lines = table(columns);
            let head = &lines[0];
            for (name, cell) in [("STATUS", "running"), ("DIRECTORY", "~/src/app")] {
                let over = head.find(name).map(|at| head[..at].width());
                let cell = lines[1].find(&cell[..4]).map(|at| lines[1][..at].width());
                assert_eq!(over.is_some(), cell.is_some());
                assert!(columns < 80 || over == cell, "{columns}: {lines:#?}");
            }
        }
    }
}
