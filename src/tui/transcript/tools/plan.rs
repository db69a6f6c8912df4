//! `ExitPlanMode`: the plan that the agent wants to carry out.

use serde_json::Value;

use crate::tui::transcript::render::canvas::Canvas;
use crate::tui::transcript::render::{markdown, text};
use crate::tui::transcript::tools::input::field;

pub(crate) fn card(canvas: &mut Canvas<'_>, plan: &str) {
    let rows = markdown::write(plan, canvas.width, canvas.theme, &canvas.budget);
    canvas.extend(rows);
}

/// The plan's first line, which is its heading as a rule.
pub(crate) fn summary(input: &Value) -> String {
    let plan = field(input, "plan").unwrap_or_default();
    let heading = text::first_line(plan).trim_start_matches('#').trim();
    heading.to_owned()
}
