//! What a row of the list says beside the title, by how wide the list is.
//!
//! Each column has its place, so that the eye can run down it; the narrower the list the fewer
//! there are, and the title keeps most of the room. Pure.

use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::{context_used, short_directory};
use crate::format::{short_age, span};
use crate::protocol::session::SessionState;
use crate::tui::state::App;
use crate::tui::state::sessions::Sort;
use crate::tui::view::widgets::short_model;
use crate::tui::view::widgets::{fit, fit_tail};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The directory from home, its end first.
    Directory,
    /// The model; of another program's run the program.
    Model,
    /// Tokens in all.
    Tokens,
    /// How full the context window is.
    Context,
    /// Dollars.
    Cost,
    /// Since it was started.
    Age,
    /// Since it did something; while it works, since its turn began.
    Last,
}

/// From left to right: from which width of the list on, and how many columns of the screen.
const COLUMNS: [(Column, usize, usize); 7] = [
    (Column::Directory, 44, 11),
    (Column::Model, 62, 8),
    (Column::Tokens, 76, 5),
    (Column::Context, 54, 4),
    (Column::Cost, 34, 7),
    (Column::Age, 90, 4),
    (Column::Last, 18, 4),
];

/// The columns of a list of this width, each with its own.
pub fn columns(width: usize, sort: Sort) -> Vec<(Column, usize)> {
    COLUMNS
        .into_iter()
        .filter(|(_, from, _)| width >= *from)
        .map(|(column, _, wide)| match column {
            Column::Directory => (column, wide + width.saturating_sub(60).min(40) / 4),
            // With room for one time only it is the one that the list is sorted by.
            Column::Last if sort == Sort::Age && width < 90 => (Column::Age, wide),
            _ => (column, wide),
        })
        .collect()
}

/// The screen's columns that they take, with the gaps between them and before the first.
pub fn room(columns: &[(Column, usize)]) -> usize {
    columns.iter().map(|(_, wide)| wide + 1).sum()
}

/// What is between two of them.
pub const GAP: &str = " ";

impl Column {
    /// What is above it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Model => "model",
            Self::Tokens => "tok",
            Self::Context => "ctx",
            Self::Cost => "cost",
            Self::Age => "age",
            Self::Last => "last",
        }
    }

    /// What it says of a session.
    pub fn words(self, app: &App, session: &SessionState) -> String {
        let since = |then: jiff::Timestamp| short_age(then, app.now);
        match self {
            Self::Directory => short_directory(app, session),
            Self::Model => match (&session.asker, session.model.as_deref()) {
                (Some(asker), _) => asker.clone(),
                (None, model) => short_model(model.unwrap_or_default()).to_owned(),
            },
            Self::Tokens => match tokens(session) {
                0 => String::new(),
                count => thousands(count),
            },
            Self::Context => {
                context_used(session).map_or_else(String::new, |used| format!("{used}%"))
            }
            Self::Cost => cost(session),
            Self::Age => since(session.created_at),
            // Of a turn that runs, for how long.
            Self::Last => match app.activity.elapsed(session, app.now) {
                Some(elapsed) => span(elapsed),
                None => since(session.last_activity_at),
            },
        }
    }

    /// Puts words in their place: numbers to the right, names to the left.
    pub fn place(self, words: &str, wide: usize) -> String {
        let (words, at_left) = match self {
            Self::Directory => (fit_tail(words, wide), true),
            Self::Model => (fit(words, wide), true),
            Self::Tokens | Self::Context | Self::Cost | Self::Age | Self::Last => {
                (fit(words, wide), false)
            }
        };
        let gap = " ".repeat(wide.saturating_sub(words.width()));
        if at_left {
            format!("{words}{gap}")
        } else {
            format!("{gap}{words}")
        }
    }
}

/// The columns' names, for above the first row.
pub fn labels(columns: &[(Column, usize)], style: ratatui::style::Style) -> Vec<Span<'static>> {
    let mut labels = Vec::new();
    for (column, wide) in columns {
        if !labels.is_empty() {
            labels.push(Span::raw(GAP));
        }
        labels.push(Span::styled(column.place(column.label(), *wide), style));
    }
    labels
}

/// Tokens of all kinds.
#[must_use]
pub fn tokens(session: &SessionState) -> i64 {
    [
        session.input_tokens,
        session.output_tokens,
        session.cache_creation_input_tokens,
        session.cache_read_input_tokens,
    ]
    .into_iter()
    .flatten()
    .sum()
}

/// `1,234` below ten thousand, then `12k`, `3.4M`.
#[must_use]
pub fn thousands(count: i64) -> String {
    match count {
        ..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        1_000_000.. => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// What a session has cost, or the least that it can be where the cost of some turns is not known.
fn cost(session: &SessionState) -> String {
    match (session.unpriced_turns, session.cost_usd) {
        (0, None) => String::new(),
        (0, Some(cost)) => short_dollars(cost),
        (_, cost) => format!("≥{}", short_dollars(cost.unwrap_or(0.0))),
    }
}

/// Whole cents are enough in a list, and whole dollars from a hundred on.
fn short_dollars(cost: f64) -> String {
    if cost < 100.0 {
        format!("${cost:.2}")
    } else {
        format!("${cost:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(width: usize, sort: Sort) -> Vec<Column> {
        columns(width, sort)
            .into_iter()
            .map(|(column, _)| column)
            .collect()
    }

    #[test]
    fn what_says_least_gives_way_first_and_the_title_keeps_its_room() {
        use Column::{Age, Context, Cost, Directory, Last, Model, Tokens};
        for (width, shown) in [
            (10, vec![]),
            (20, vec![Last]),
            (30, vec![Last]),
            (38, vec![Cost, Last]),
            (46, vec![Directory, Cost, Last]),
            (54, vec![Directory, Context, Cost, Last]),
            (62, vec![Directory, Model, Context, Cost, Last]),
            (78, vec![Directory, Model, Tokens, Context, Cost, Last]),
            (96, vec![Directory, Model, Tokens, Context, Cost, Age, Last]),
        ] {
            assert_eq!(names(width, Sort::Activity), shown, "{width}");
        }
        for width in 18..200 {
            let left = width - room(&columns(width, Sort::Activity));
            assert!(left >= 13, "{left} columns for the title of {width}");
        }
        assert_eq!(names(38, Sort::Age), [Cost, Age]);
    }

    #[test]
    fn a_cost_fits_its_column_also_where_it_is_the_least_that_it_can_be() {
        let session = |cost: f64, unpriced: u64| -> SessionState {
            let record = crate::tui::testing::session(
                "s1",
                serde_json::json!({"cost_usd": cost, "unpriced_turns": unpriced}),
            );
            serde_json::from_value(record).unwrap_or_else(|error| unreachable!("{error}"))
        };
        for width in [36, 80, 140] {
            let columns = columns(width, Sort::Activity);
            let found = columns.iter().find(|(column, _)| *column == Column::Cost);
            let wide = found.map_or(0, |(_, wide)| *wide);
            for (cost, unpriced, shown) in [
                (12.34, 1, "≥$12.34"),
                (0.0, 1, " ≥$0.00"),
                (1234.5, 2, " ≥$1234"),
                (99.99, 0, " $99.99"),
            ] {
                let words = super::cost(&session(cost, unpriced));
                assert_eq!(Column::Cost.place(&words, wide), shown, "{width}");
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        for (count, shown) in [(9_999, "9999"), (12_345, "12k"), (3_456_789, "3.4M")] {
            assert_eq!(thousands(count), shown);
        }
        for (cost, shown) in [(0.424, "$0.42"), (12.3, "$12.30"), (1234.5, "$1234")] {
            assert_eq!(short_dollars(cost), shown);
        }
    }
}
