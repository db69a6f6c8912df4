//! The selected approval: all that is needed to decide.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::widgets::{fit, frame, hints};
use crate::domain::Kind;
use crate::domain::text::sanitize_line;
use crate::format::{span, subject};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::transcript::{NoFiles, tool_card};

/// How many rows the card would like to have at this width; 0 when nothing is selected.
#[must_use]
pub fn height(app: &App, width: u16) -> u16 {
    let Some(approval) = app.selected_approval() else {
        return 0;
    };
    let lines = body(app, approval, width.saturating_sub(2));
    u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(3)
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(approval) = app.selected_approval().filter(|_| area.height > 0) else {
        return;
    };
    let theme = &app.theme;
    let waited = app.now.as_second() - approval.created_at.as_second();
    let session = app
        .data
        .session(&approval.session_id)
        .map(|session| subject(session, 60))
        .unwrap_or_default();
    let what = match approval.kind {
        Kind::Permission => format!(" May it use {}? ", fit(&approval.tool_name, 40)),
        Kind::Question => " It asks you ".to_owned(),
        Kind::Contact => format!(
            " {} says ",
            fit(approval.asker.as_deref().unwrap_or("a program"), 40)
        ),
        Kind::Plan => " Its plan ".to_owned(),
    };
    let title = Line::from(vec![
        Span::styled(what, theme.waiting),
        Span::styled(
            format!(
                "{} · {} ",
                fit(&session, usize::from(area.width / 2)),
                span(waited.max(0))
            ),
            theme.dim,
        ),
    ]);
    let inside = frame(theme, title, true, area, buf);
    if inside.height == 0 {
        return;
    }
    let lines = body(app, approval, inside.width);
    let room = inside.height.saturating_sub(1);
    let skip =
        usize::from(app.inbox.card_scroll).min(lines.len().saturating_sub(usize::from(room)));
    for (line, y) in lines.iter().skip(skip).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, line, inside.width);
    }
    let hidden = lines.len().saturating_sub(skip + usize::from(room));
    let keys = match app.inbox.sending.get(&approval.id) {
        Some(word) => Line::styled(format!("{word}…"), theme.accent),
        None => actions(app, approval, hidden),
    };
    buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
}

/// How many lines of the question there is no room for.
#[must_use]
pub fn hidden(app: &App, area: Rect) -> u16 {
    let Some(approval) = app.selected_approval().filter(|_| area.height > 3) else {
        return 0;
    };
    let lines = body(app, approval, area.width.saturating_sub(2)).len();
    u16::try_from(lines)
        .unwrap_or(u16::MAX)
        .saturating_sub(area.height - 3)
}

fn actions<'a>(app: &App, approval: &Approval, hidden: usize) -> Line<'a> {
    let mut shown = match approval.kind {
        Kind::Permission => vec![
            (Action::Approve, "approve"),
            (Action::Deny, "deny"),
            (Action::Edit, "edit"),
            (Action::Always, "always"),
        ],
        Kind::Question | Kind::Contact => vec![(Action::Answer, "answer"), (Action::Deny, "deny")],
        Kind::Plan => vec![(Action::Approve, "accept"), (Action::Deny, "reject")],
    };
    shown.push((Action::ReadApproval, "read"));
    let mut line = hints(&app.theme, &app.keymap, &shown);
    if hidden > 0 {
        line.spans.push(Span::styled(
            format!("  … {hidden} more lines"),
            app.theme.waiting,
        ));
    }
    line
}

/// The words of the question.
#[must_use]
pub fn body(app: &App, approval: &Approval, width: u16) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    let mut say = |label: &str, words: Option<&str>| {
        if let Some(words) = words.filter(|words| !words.is_empty()) {
            lines.push(Line::from(vec![
                Span::styled(format!("{label} "), theme.dim),
                Span::styled(sanitize_line(words).into_owned(), theme.text),
            ]));
        }
    };
    say("it says", approval.description.as_deref());
    say("asked because", approval.decision_reason.as_deref());
    say("path", approval.blocked_path.as_deref());
    lines.extend(tool_card(
        &approval.tool_name,
        &approval.tool_input,
        &NoFiles,
        width,
        theme,
    ));
    lines
}
