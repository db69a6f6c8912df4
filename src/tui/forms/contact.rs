//! The answer to a message: words, or one of the options that came with it.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use serde_json::Value;

use crate::domain::Decision;
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::drawing::keys_at_foot;
use crate::tui::forms::keys::After;
use crate::tui::forms::reply_options::{self, ReplyKey, ReplyOption, ReplyOptions};
use crate::tui::state::App;
use crate::tui::state::notice::Tone;
use crate::tui::transcript::text::{self, Row};
use crate::tui::update::connection::can_send;
use crate::tui::update::{decide, notify};
use crate::tui::view::card::asks;
use crate::tui::view::widgets::popup;

#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub approval: String,
    /// The answer.
    pub answer: ReplyOptions,
}

impl Contact {
    /// For a contact.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        Self {
            approval: approval.id.clone(),
            answer: ReplyOptions::of(approval.options.iter().map(ReplyOption::option).collect()),
        }
    }
}

/// Enter sends the words, or the option chosen.
pub fn key(app: &mut App, mut form: Contact, key: KeyEvent) -> After {
    match reply_options::key(&mut form.answer, key) {
        ReplyKey::Taken => After::Stay(Form::Contact(form)),
        ReplyKey::Editor => {
            let text = form.answer.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Contact(form), vec![effect])
        }
        ReplyKey::Send => {
            let (text, option) = (form.answer.typed(), form.answer.option());
            if text.is_none() && option.is_none() {
                notify(app, Tone::Plain, "Type or choose an answer");
                return After::Stay(Form::Contact(form));
            }
            if !can_send(app) {
                return After::Stay(Form::Contact(form));
            }
            let decision = Decision::Respond { text, option };
            let params = SendDecisionParams::new(&form.approval, decision);
            app.inbox.save(Form::Contact(form));
            After::Close(decide::send(app, "answering", params))
        }
    }
}

/// Rows of the message that are shown.
const MESSAGE: u16 = 8;
/// Bytes of it that are laid out.
const MESSAGE_BYTES: usize = 8 * 1024;

pub fn draw(app: &App, form: &Contact, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let who = app.data.pending(&form.approval).map(asks);
    let title = Line::styled(
        format!(" {}: ", who.as_deref().unwrap_or("A message")),
        theme.waiting,
    );
    let width = 84.min(screen.width);
    let rows = message(app, form, usize::from(width.saturating_sub(2)));
    let message = rows.len();
    let shown = u16::try_from(message).unwrap_or(u16::MAX).min(MESSAGE);
    let height = reply_options::height(&form.answer) + shown + 5;
    let inside = popup(theme, title, width, height, screen, buf);
    // What one types keeps its room on a low screen.
    let shown = shown.min(inside.height.saturating_sub(5));
    for (row, y) in rows.iter().zip(0..shown) {
        buf.set_line(inside.x, inside.y + y, row, inside.width);
    }
    if shown > 0 && message > usize::from(shown) {
        let words = format!("… {} more lines", message - usize::from(shown) + 1);
        let last = Rect {
            y: inside.y + shown - 1,
            height: 1,
            ..inside
        };
        Clear.render(last, buf);
        buf.set_line(
            last.x,
            last.y,
            &Line::styled(words, theme.waiting),
            last.width,
        );
    }
    let rest = Rect {
        y: inside.y + shown + 1,
        height: inside.height.saturating_sub(shown + 3),
        ..inside
    };
    let nothing = match form.answer.option() {
        Some(_) => "the option is the answer; more words go with it",
        None => "your answer",
    };
    let cursor = reply_options::draw(theme, &form.answer, nothing, rest, buf);
    let mut keys = vec![("enter", "answer")];
    if !form.answer.list.is_empty() {
        keys.push(("↑↓", "options"));
    }
    keys.extend([
        ("alt-enter", "new line"),
        ("ctrl-g", "editor"),
        ("esc", "back"),
    ]);
    keys_at_foot(theme, &keys, inside, buf);
    cursor
}

/// The message's subject and words; of a long one the beginning, as the card and `read` have all.
fn message(app: &App, form: &Contact, width: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let Some(approval) = app.data.pending(&form.approval) else {
        return vec![Line::styled("no longer pending", theme.bad)];
    };
    let words = |name: &str| {
        let words = approval.tool_input.get(name).and_then(Value::as_str);
        text::head(words.unwrap_or_default().trim(), MESSAGE_BYTES)
    };
    let subject = text::lines(words("subject")).map(|line| (line, theme.heading));
    let message = text::lines(words("message")).map(|line| (line, theme.text));
    subject
        .chain(message)
        .flat_map(|(line, style)| {
            Row::prose_of(line, style, theme).words(width, &Row::new(), &Row::new())
        })
        .collect()
}
