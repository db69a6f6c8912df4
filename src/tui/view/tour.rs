//! The demonstration's hint line: what just happened, and what to try next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::Kind;
use crate::tui::forms::Form;
use crate::tui::keymap::Action;
use crate::tui::state::App;
use crate::tui::state::tour::{Step, Tour};

/// The line at the head of the screen, and what is left below it.
#[must_use]
pub fn split(app: &App, area: Rect) -> (Rect, Rect) {
    let rows = u16::from(app.tour.is_some() && area.height >= 12);
    let line = Rect {
        height: rows,
        ..area
    };
    let rest = Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    };
    (line, rest)
}

/// Draws it: the longest wording that fits.
pub fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(tour) = app.tour.filter(|_| !area.is_empty()) else {
        return;
    };
    let theme = &app.theme;
    let (long, short) = next(app, &tour);
    let counted = match tour.step() {
        Step::Done => " ✓ ".to_owned(),
        Step::Approve | Step::Deny | Step::Answer => format!(" {}/3 ", tour.made() + 1),
    };
    let line = |said: &str, words: &str| {
        Line::from(vec![
            Span::styled(counted.clone(), theme.danger),
            Span::raw(" "),
            Span::styled(said.to_owned(), theme.good),
            Span::styled(words.to_owned(), theme.text),
        ])
    };
    let said = tour
        .said()
        .map(|said| format!("{said} "))
        .unwrap_or_default();
    let forms = [line(&said, &long), line("", &long), line("", &short)];
    let fits = forms
        .iter()
        .find(|line| line.width() <= usize::from(area.width))
        .unwrap_or(&forms[2]);
    buf.set_line(area.x, area.y, fits, area.width);
}

/// What to do in a form that is open; none where it says so itself.
fn within(form: &Form) -> Option<&'static str> {
    match form {
        Form::Deny(_) => Some("Type a reason, or choose one with ↑↓. Enter denies, Esc goes back."),
        Form::Question(_) => {
            Some("Digits choose. Enter goes on, and sends the answers at the end.")
        }
        Form::Confirm(confirm) if confirm.approval.is_some() => {
            Some("This one is dangerous: ! approves it, Esc goes back.")
        }
        _ => None,
    }
}

/// What to try next, at length and in short.
fn next(app: &App, tour: &Tour) -> (String, String) {
    let key = |action| app.keymap.key(action);
    let on_screen = app.selected_approval().map(|approval| approval.kind);
    let (yes, no) = (key(Action::Approve), key(Action::Deny));
    let (other, answer) = (key(Action::NextApproval), key(Action::Answer));
    let waiting = "Agents are starting; one will ask in a moment.".to_owned();
    if let (Some(form), false) = (&app.form, tour.step() == Step::Done)
        && let Some(words) = within(form)
    {
        return (words.to_owned(), words.to_owned());
    }
    let is_unread = app
        .frame
        .decision
        .as_ref()
        .and_then(|shown| shown.text.as_ref())
        .is_some_and(|text| !app.guard.unread(text).is_nothing());
    let is_question = |kind: Kind| matches!(kind, Kind::Question | Kind::Contact);
    let mut kinds = app.data.pending.values().map(|approval| approval.kind);
    let is_there = match tour.step() {
        Step::Answer => kinds.any(is_question),
        Step::Approve | Step::Deny => kinds.any(|kind| !is_question(kind)),
        Step::Done => true,
    };
    // The demonstration starts its agents at once, so that none waits or works means that all are done.
    let is_over = app.data.pending.is_empty()
        && app.data.sessions().len() > 0
        && !app
            .data
            .sessions()
            .any(|(_, session)| session.status.is_active());
    match (tour.step(), on_screen) {
        (Step::Approve | Step::Deny | Step::Answer, _) if is_over => {
            let quit = key(Action::Quit);
            let over =
                format!("No agent asks any more. {quit} quits; `humanlayer demo` begins again.");
            (over.clone(), over)
        }
        (Step::Answer, _) if !is_there => {
            let soon = "Last: an agent will have a question in a moment.".to_owned();
            (soon.clone(), soon)
        }
        (_, _) if !is_there => (waiting.clone(), waiting),
        (Step::Done, _) => {
            let quit = key(Action::Quit);
            (
                format!(
                    "That is all: nothing runs unless you approve it. {quit} quits the demo; then run `humanlayer` in your project and press {} to start a session.",
                    key(Action::NewSession)
                ),
                format!(
                    "Done. {quit} quits; then run `humanlayer` in your project and press {}.",
                    key(Action::NewSession)
                ),
            )
        }
        (_, None) => (
            format!("An agent needs a decision. Press {other} to see it."),
            format!("{other}: next approval"),
        ),
        (Step::Approve, Some(Kind::Permission | Kind::Plan)) if is_unread => (
            format!("An agent asks for permission. {yes} shows the rest of it, then approves."),
            format!("{yes} shows the rest, then approves."),
        ),
        (Step::Approve, Some(Kind::Permission | Kind::Plan)) => (
            format!("An agent asks for permission. Read the panel, then press {yes} to approve."),
            format!("Read the panel, then {yes} approves."),
        ),
        (Step::Deny, Some(Kind::Permission | Kind::Plan)) => (
            format!("Now press {no} to deny this one, and type a reason: the agent will read it."),
            format!("{no} denies, with a reason."),
        ),
        (Step::Answer, Some(Kind::Question | Kind::Contact)) => (
            format!("This agent has a question. Press {answer} and choose an answer."),
            format!("{answer} answers the question."),
        ),
        (Step::Approve | Step::Deny, Some(Kind::Question | Kind::Contact)) => (
            format!(
                "This is a question; {other} goes to an approval. You can answer it with {answer}, too."
            ),
            format!("{other}: next approval"),
        ),
        (Step::Answer, Some(Kind::Permission | Kind::Plan)) => (
            format!("Last: an agent has a question. Press {other} until you see it."),
            format!("{other} until you see a question."),
        ),
    }
}
