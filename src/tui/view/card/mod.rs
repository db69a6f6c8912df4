//! The selected approval: all that is needed to decide.

mod body;
mod clip;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

pub use self::body::bytes;
use super::inbox::age_style;
use super::widgets::{fit, frame, split_line};
use crate::domain::Kind;
use crate::format::{span, subject};
use crate::protocol::approval::Approval;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::card::{Laid, Made};
use crate::tui::state::offered;
use crate::tui::transcript::{highlight, tool_label};

/// Bytes of an input that the card lays out; the rest is for who reads the whole question.
const CARD_BYTES: usize = 64 * 1024;

/// Lays the selected approval out for so many columns, its frame included, if that is not done.
pub fn arrange(app: &mut App, width: u16) {
    let mut laid = std::mem::take(&mut app.card.laid);
    match app.selected_approval() {
        Some(approval) => lay(
            app,
            approval,
            width.saturating_sub(2),
            CARD_BYTES,
            &mut laid,
        ),
        None => laid = Laid::default(),
    }
    app.card.laid = laid;
}

/// Lays an approval out, unless the rows are of the same already.
pub fn lay(app: &App, approval: &Approval, width: u16, budget: usize, laid: &mut Laid) {
    let made = Made {
        approval: approval.id.clone(),
        width,
        theme: app.theme.name,
        file: app.card.subject.revision,
        budget,
        ink: highlight::generation(),
    };
    if laid.of.as_ref() != Some(&made) {
        let (rows, left_out) = body::body(app, approval, width, budget);
        *laid = Laid {
            of: Some(made),
            rows,
            left_out,
        };
    }
}

/// How many rows the card would like to have; 0 when nothing is selected. As it was laid out last.
#[must_use]
pub fn height(app: &App) -> u16 {
    let laid = &app.card.laid;
    match app.selected_approval() {
        Some(approval) if laid.is_of(&approval.id) => u16::try_from(laid.rows.len())
            .unwrap_or(u16::MAX)
            .saturating_add(3),
        Some(_) | None => 0,
    }
}

/// How many rows of the question there is no room for.
#[must_use]
pub fn hidden(app: &App, area: Rect) -> u16 {
    let rows = height(app).saturating_sub(3);
    rows.saturating_sub(room(area.height.saturating_sub(2)))
}

/// Rows for the question within the frame: the keys give way where there is only one.
fn room(inside: u16) -> u16 {
    if inside > 1 { inside - 1 } else { inside }
}

/// Whether a card of this size shows anything of its question.
#[must_use]
pub fn shows_question(area: Rect) -> bool {
    area.height >= 3 && area.width >= 10
}

/// Draws it, and keeps its scrolling within what there is.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer) {
    app.inbox.card_scroll = app.inbox.card_scroll.min(hidden(app, area));
    let app = &*app;
    let Some(approval) = app.selected_approval().filter(|_| area.height > 0) else {
        return;
    };
    let theme = &app.theme;
    let title = title(app, approval, usize::from(area.width));
    let inside = frame(theme, title, true, area, buf);
    if inside.height == 0 {
        return;
    }
    let room = room(inside.height);
    let rows = &app.card.laid.rows;
    let skip = usize::from(app.inbox.card_scroll);
    for (line, y) in rows.iter().skip(skip).zip(0..room) {
        buf.set_line(inside.x, inside.y + y, line, inside.width);
    }
    if inside.height == room {
        return;
    }
    let foot = Rect {
        y: inside.y + inside.height - 1,
        height: 1,
        ..inside
    };
    if let Some(word) = app.inbox.sending.get(&approval.id) {
        let line = Line::styled(format!("{word}…"), theme.accent);
        buf.set_line(foot.x, foot.y, &line, foot.width);
        return;
    }
    let below = rows.len().saturating_sub(skip + usize::from(room));
    let more = more(app, below, skip);
    let wide = usize::from(foot.width).saturating_sub(more.width() + 2);
    let keys = fitting(app, &offered::actions(approval), wide);
    split_line(keys, &more, ratatui::style::Style::new(), foot, buf);
}

/// What it asks, who asks, and how long it has waited.
fn title(app: &App, approval: &Approval, width: usize) -> Line<'static> {
    let theme = &app.theme;
    let what = fit(&asks(approval), width * 3 / 5);
    let waited = app.now.as_second() - approval.created_at.as_second();
    let age = span(waited.max(0));
    let session = app
        .data
        .session(&approval.session_id)
        .map(|session| subject(session, 200))
        .unwrap_or_default();
    // The frame, the spaces, the words around them.
    let room = width.saturating_sub(what.width() + age.len() + 15);
    let mut spans = vec![Span::styled(format!(" {what} "), theme.waiting)];
    if room > 3 && !session.is_empty() {
        spans.push(Span::styled(
            format!("{} · ", fit(&session, room)),
            theme.dim,
        ));
    }
    spans.push(Span::styled("waits ", theme.dim));
    spans.push(Span::styled(format!("{age} "), age_style(theme, waited)));
    Line::from(spans)
}

/// The question in a few words.
#[must_use]
pub fn asks(approval: &Approval) -> String {
    match approval.kind {
        Kind::Permission => {
            let who = match (&approval.asker, &approval.agent_id) {
                (Some(asker), _) => fit(asker, 24),
                (None, Some(_)) => "a subagent".to_owned(),
                (None, None) => "it".to_owned(),
            };
            format!("May {who} use {}?", tool_label(&approval.tool_name))
        }
        Kind::Question => "It asks you".to_owned(),
        Kind::Contact => {
            let who = approval.asker.as_deref().unwrap_or("a program");
            format!("{} says", fit(who, 40))
        }
        Kind::Plan => "Is this plan good?".to_owned(),
    }
}

/// What is further down, or that one has scrolled.
fn more(app: &App, below: usize, above: usize) -> Line<'static> {
    let theme = &app.theme;
    let left_out = app.card.laid.left_out;
    let words = match (below, left_out) {
        (0, 0) if above > 0 => "the end ".to_owned(),
        (0, 0) => return Line::default(),
        (0, left_out) => format!("{} more ", bytes(left_out)),
        (1, 0) => "1 more line ".to_owned(),
        (below, 0) => format!("{below} more lines "),
        (below, left_out) => format!("{below} lines and {} more ", bytes(left_out)),
    };
    let key = match (below, above) {
        (0, 0) => app.keymap.key(Action::ReadApproval),
        (0, _) => app.keymap.key(Action::QuestionUp),
        (_, _) => app.keymap.key(Action::QuestionDown),
    };
    Line::from(vec![
        Span::styled(words, theme.waiting),
        Span::styled(key, theme.key),
    ])
}

/// Keys with their words, as many as there is room for; none is cut in two.
#[must_use]
pub fn fitting(app: &App, actions: &[(Action, &'static str)], room: usize) -> Line<'static> {
    let theme = &app.theme;
    let mut line = Line::default();
    for (action, words) in actions {
        let key = app.keymap.key(*action);
        if key.is_empty() {
            continue;
        }
        let gap = if line.spans.is_empty() { "" } else { "  " };
        let added = [
            Span::styled(gap, theme.dim),
            Span::styled(key, theme.key),
            Span::styled(format!(" {words}"), theme.dim),
        ];
        let wide: usize = added.iter().map(Span::width).sum();
        if line.width() + wide > room {
            break;
        }
        line.spans.extend(added);
    }
    line
}
