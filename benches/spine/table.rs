//! The one table: a figure, what it is compared with, and whether it is as good as it should be.

use std::time::Duration;

/// One figure.
pub struct Row {
    pub figure: String,
    pub measured: String,
    /// What was measured beside it in the same run; empty for an absolute figure.
    pub reference: String,
    pub ratio: Option<f64>,
    pub aim: String,
    /// None for a figure without an aim of its own.
    pub met: Option<bool>,
}

impl Row {
    /// A figure with an absolute limit.
    pub fn limit(figure: &str, measured: String, aim: &str, met: bool) -> Self {
        Self {
            figure: figure.to_owned(),
            measured,
            reference: String::new(),
            ratio: None,
            aim: aim.to_owned(),
            met: Some(met),
        }
    }

    /// A figure that is only told.
    pub fn told(figure: &str, measured: String) -> Self {
        Self {
            met: None,
            ..Self::limit(figure, measured, "", true)
        }
    }

    /// Puts a reference beside it.
    pub fn beside(mut self, reference: String, ratio: f64) -> Self {
        self.reference = reference;
        self.ratio = Some(ratio);
        self
    }
}

/// Aligned text, in the shape of a Markdown table.
pub fn render(rows: &[Row]) -> String {
    let mut cells =
        vec![["figure", "measured", "reference", "ratio", "aim", "met"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [
            row.figure.clone(),
            row.measured.clone(),
            row.reference.clone(),
            row.ratio
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            row.aim.clone(),
            row.met
                .map_or("", |met| if met { "yes" } else { "NO" })
                .to_owned(),
        ]
    }));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; 6]| {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        format!("| {} |", padded.join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    lines.insert(1, format!("| {} |", rule.join(" | ")));
    lines.join("\n")
}

/// Durations, sorted, for asking which share was faster.
pub struct Spread(Vec<Duration>);

impl Spread {
    pub fn of(mut all: Vec<Duration>) -> Self {
        assert!(!all.is_empty(), "nothing was measured");
        all.sort();
        Self(all)
    }

    /// The duration that `share` of all did not exceed.
    pub fn at(&self, share: f64) -> Duration {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into a short list"
        )]
        let index = ((self.0.len() - 1) as f64 * share).round() as usize;
        self.0[index]
    }

    /// All durations, the shortest first.
    pub fn all(&self) -> &[Duration] {
        &self.0
    }

    pub fn median(&self) -> Duration {
        self.at(0.5)
    }
}

/// A duration in the unit that suits it.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

/// How many times longer the one took than the other.
pub fn times(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-9)
}
