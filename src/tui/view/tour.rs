//! The demonstration's hint line: what just happened, and what to try next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::Kind;
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

/// What to try next, at length and in short.
fn next(app: &App, tour: &Tour) -> (String, String) {
    let key = |action| app.keymap.key(action);
    let on_screen = app.selected_approval().map(|approval| approval.kind);
    let (yes, no) = (key(Action::Approve), key(Action::Deny));
    let (other, answer) = (key(Action::NextApproval), key(Action::Answer));
    let waiting = "Agents are starting; one will ask in a moment.".to_owned();
    match (tour.step(), on_screen) {
        (Step::Done, _) => {
            let quit = key(Action::Quit);
            (
                format!(
                    "That is all: nothing runs unless you approve it. {quit} quits the demo; then run `humanlayer` in your project and press {} to start a session.",
                    key(Action::NewSession)
                ),
                format!(
                    "Done. {quit} quits; run `humanlayer` in your project, then {}.",
                    key(Action::NewSession)
                ),
            )
        }
        (_, None) if app.data.pending.is_empty() => (waiting.clone(), waiting),
        (_, None) => (
            format!("Press {other} to go to the next approval."),
            format!("{other}: next approval"),
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
            format!(
                "Last: one agent has a question. Press {other} until you see it (“Dark mode”)."
            ),
            format!("{other} until you see a question."),
        ),
    }
}
