//! A second question before something that cannot be undone, or before a dangerous approval.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::keys::{After, scrolled};
use crate::tui::forms::yes::{NO, Yes};
use crate::tui::state::App;
use crate::tui::state::guard::{self, TextView};
use crate::tui::transcript::text::{Row, lines};
use crate::tui::update::connection::can_send;
use crate::tui::update::decide;
use crate::tui::view::widgets::{form_hints, popup};

#[derive(Clone, Debug)]
pub struct Confirm {
    /// What will happen, in words.
    pub question: String,
    /// What a yes does, as a verb.
    pub verb: &'static str,
    /// The key that says it.
    pub yes: Yes,
    /// What to do on yes.
    pub then: Vec<Effect>,
    /// The dangerous approval that it is about.
    pub approval: Option<String>,
    /// The first row shown.
    pub scroll: usize,
}

impl Confirm {
    /// Before something that the user asked for.
    #[must_use]
    pub fn before(verb: &'static str, yes: Yes, question: String, then: Vec<Effect>) -> Self {
        Self {
            question,
            verb,
            yes,
            then,
            approval: None,
            scroll: 0,
        }
    }

    /// Before a dangerous approval.
    #[must_use]
    pub fn dangerous(approval: &str, question: String, then: Vec<Effect>) -> Self {
        Self {
            approval: Some(approval.to_owned()),
            ..Self::before("approve", Yes::Mark, question, then)
        }
    }

    /// What it is about, for telling whether that was drawn.
    #[must_use]
    pub fn identity(&self) -> String {
        format!("confirm {:?} {}", self.approval, self.question)
    }
}

/// A yes does it. That of a dangerous approval also needs the whole text to have been on the screen.
pub fn key(app: &mut App, mut form: Confirm, key: KeyEvent) -> After {
    if form.yes.takes(key) {
        let unread = form.approval.as_ref().and_then(|_| decide::must_read(app));
        match unread {
            None if form.then.iter().any(Effect::needs_daemon) && !can_send(app) => {}
            None => return After::Close(decide::perform(app, form.then)),
            Some(unread) => form.scroll = unread.first,
        }
    } else if let Some(first) = scrolled(form.scroll, key) {
        form.scroll = first;
    }
    After::Stay(Form::Confirm(form))
}

/// Columns of the dialog, its frame included.
const WIDTH: u16 = 68;
/// Rows beside the text: the frame, a gap, the keys.
const BESIDE: u16 = 4;

fn rows(app: &App, form: &Confirm, screen: Rect) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let width = usize::from(WIDTH.min(screen.width).saturating_sub(2));
    let mut rows: Vec<Line<'static>> = lines(&form.question)
        .flat_map(|line| {
            let row = Row::foreign_of(line, theme.text, theme);
            row.words(width, &Row::new(), &Row::of("  ", theme.text))
        })
        .collect();
    if let Some(words) = form.then.iter().find_map(note) {
        let row = Row::of(&words, theme.waiting);
        rows.extend(row.words(width, &Row::new(), &Row::new()));
    }
    rows
}

/// What goes with the decision and must be known before it is confirmed.
fn note(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Decide(params) => match &params.decision {
            crate::domain::Decision::Approve { unread_lines, .. } => {
                let unread = unread_lines.map(crate::format::unread)?;
                Some(format!("The record will say: {unread}."))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Rows of the text that there is room for.
fn room(rows: usize, screen: Rect) -> usize {
    let most = usize::from(screen.height.saturating_sub(BESIDE - 1));
    rows.min(most)
}

/// Which rows of the text are on the screen.
#[must_use]
pub fn view(app: &App, form: &Confirm, screen: Rect) -> TextView {
    let rows = rows(app, form, screen);
    let end = (form.scroll + room(rows.len(), screen)).min(rows.len());
    TextView {
        subject: form.identity(),
        content: 0,
        layout: guard::fingerprint(&rows),
        rows: form.scroll..end,
        total: rows.len(),
        left_out: guard::LeftOut::Nothing,
    }
}

/// Keeps its scrolling within what there is.
pub fn arrange(app: &App, form: &mut Confirm, screen: Rect) {
    let rows = rows(app, form, screen).len();
    form.scroll = form.scroll.min(rows - room(rows, screen).min(rows));
}

pub fn draw(app: &App, form: &Confirm, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let rows = rows(app, form, screen);
    let room = room(rows.len(), screen);
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(BESIDE);
    let title = match form.approval {
        Some(_) => Line::styled(" Approve a dangerous call? ", theme.bad),
        None => Line::styled(" Confirm ", theme.waiting),
    };
    let inside = popup(theme, title, WIDTH, height, screen, buf);
    for (row, y) in rows.iter().skip(form.scroll).take(room).zip(inside.y..) {
        buf.set_line(inside.x, y, row, inside.width);
    }
    if inside.height == 0 {
        return;
    }
    let yes = form.yes.label();
    let mut keys = match form.approval {
        Some(_) => {
            let unread = app.guard.unread(&view(app, form, screen));
            let mut keys = if unread.is_nothing() {
                form_hints(theme, &[(yes, form.verb), (NO, "cancel")])
            } else {
                let mut keys = form_hints(theme, &[(yes, "next page"), (NO, "cancel")]);
                keys.spans.push(ratatui::text::Span::styled(
                    format!("  {}", unread.describe()),
                    theme.waiting,
                ));
                keys
            };
            if app.is_guarded() {
                for span in &mut keys.spans {
                    span.style = theme.dim;
                }
            }
            keys
        }
        None => form_hints(theme, &[(yes, form.verb), (NO, "cancel")]),
    };
    keys.style = theme.text;
    buf.set_line(inside.x, inside.y + inside.height - 1, &keys, inside.width);
}
