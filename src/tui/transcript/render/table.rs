//! A Markdown table: aligned columns where there is room, cells wrapped where there is less, and a
//! list of records where columns would be too narrow to read.

use pulldown_cmark::Alignment;

use crate::tui::theme::Theme;
use crate::tui::transcript::render::text::Row;

/// Narrowest column that is still read.
const MIN_COLUMN: usize = 5;

/// What stands between columns.
const BETWEEN: &str = " │ ";

/// A table while it is read.
pub(crate) struct Table {
    columns: Vec<Alignment>,
    rows: Vec<Vec<Row>>,
}

impl Table {
    pub fn new(columns: Vec<Alignment>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    pub fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub fn cell(&mut self, cell: Row) {
        if let Some(row) = self.rows.last_mut() {
            row.push(cell);
        }
    }

    /// The table in rows of at most so many columns.
    pub fn render(self, width: usize, theme: &Theme) -> Vec<Row> {
        match self.widths(width) {
            Some(widths) => self.aligned(&widths, theme),
            None => self.records(width, theme),
        }
    }

    /// How wide each column may be; none if they do not fit.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        let count = self.columns.len();
        let room = width.checked_sub(BETWEEN.chars().count() * count.saturating_sub(1))?;
        let mut widths: Vec<usize> = (0..count)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(Row::width).max().unwrap_or(0).min(room).max(1)
            })
            .collect();
        let mut sum: usize = widths.iter().sum();
        while sum > room {
            let widest = widths.iter_mut().max()?;
            if *widest <= MIN_COLUMN {
                return None;
            }
            *widest -= 1;
            sum -= 1;
        }
        Some(widths)
    }

    fn aligned(self, widths: &[usize], theme: &Theme) -> Vec<Row> {
        let none = Row::new();
        let mut out = Vec::new();
        for (at, cells) in self.rows.into_iter().enumerate() {
            let wrapped: Vec<Vec<Row>> = widths
                .iter()
                .enumerate()
                .map(|(column, width)| {
                    let cell = cells.get(column).cloned().unwrap_or_default();
                    cell.words(*width, &none, &none)
                        .into_iter()
                        .map(|line| {
                            let mut row = Row::new();
                            for span in line.spans {
                                row.own(&span.content, span.style);
                            }
                            row
                        })
                        .collect()
                })
                .collect();
            let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
            for line in 0..height {
                let mut row = Row::new();
                for (column, width) in widths.iter().enumerate() {
                    if column > 0 {
                        row.own(BETWEEN, theme.border);
                    }
                    let cell = wrapped[column].get(line).cloned().unwrap_or_default();
                    let spare = width.saturating_sub(cell.width());
                    let left = match self.columns[column] {
                        Alignment::None | Alignment::Left => 0,
                        Alignment::Center => spare / 2,
                        Alignment::Right => spare,
                    };
                    row.own(&" ".repeat(left), theme.text);
                    row.append(cell);
                    if column + 1 < widths.len() {
                        row.own(&" ".repeat(spare - left), theme.text);
                    }
                }
                out.push(row);
            }
            if at == 0 {
                let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                out.push(Row::of(&rules.join("─┼─"), theme.border));
            }
        }
        out
    }

    fn records(self, width: usize, theme: &Theme) -> Vec<Row> {
        let mut rows = self.rows.into_iter();
        let head = rows.next().unwrap_or_default();
        let mut out = Vec::new();
        for (at, cells) in rows.enumerate() {
            if at > 0 {
                out.push(Row::of(&"─".repeat(width.min(8)), theme.border));
            }
            for (column, cell) in cells.into_iter().enumerate() {
                let mut row = head.get(column).cloned().unwrap_or_default();
                row.own(": ", theme.dim);
                row.append(cell);
                let rest = Row::of("  ", theme.text);
                for line in row.words(width, &Row::new(), &rest) {
                    let mut row = Row::new();
                    for span in line.spans {
                        row.own(&span.content, span.style);
                    }
                    out.push(row);
                }
            }
        }
        out
    }
}
