//! The reason of a denial: ways to refuse that the asker offers, quick reasons, free text.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::domain::Decision;
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::effect::{Effect, Purpose};
use crate::tui::forms::Form;
use crate::tui::forms::drawing::{about, keys_at_foot};
use crate::tui::forms::keys::After;
use crate::tui::forms::reply_options::{self, ReplyKey, ReplyOption, ReplyOptions};
use crate::tui::state::App;
use crate::tui::update::connection::can_send;
use crate::tui::update::decide;
use crate::tui::view::widgets::popup;

/// Reasons that are given often.
pub const QUICK: [&str; 5] = [
    "Not now.",
    "Don't do this; ask me what to do instead.",
    "Too broad; take a smaller step.",
    "Wrong path; check it first.",
    "Explain why this is needed first.",
];

/// What is said where no reason is given.
pub const NO_REASON: &str = "Denied by the user.";

#[derive(Clone, Debug, Default)]
pub struct Deny {
    pub approval: String,
    /// The reason.
    pub reason: ReplyOptions,
    /// Whether the turn shall end too.
    pub interrupt: bool,
    /// Whether the asker has a turn that can be ended.
    pub can_interrupt: bool,
}

impl Deny {
    /// For an approval, with these quick reasons behind the asker's own options.
    #[must_use]
    pub fn of(approval: &Approval, quick: &[String]) -> Self {
        let options = approval.options.iter().map(ReplyOption::option);
        let quick = quick.iter().map(|reason| ReplyOption::words(reason));
        Self {
            approval: approval.id.clone(),
            reason: ReplyOptions::of(options.chain(quick).collect()),
            interrupt: false,
            can_interrupt: approval.can().interrupt,
        }
    }
}

/// Enter sends the reason, up and down choose one that is offered, tab also ends the turn.
pub fn key(app: &mut App, mut form: Deny, key: KeyEvent) -> After {
    if key.code == KeyCode::Tab {
        form.interrupt = form.can_interrupt && !form.interrupt;
        return After::Stay(Form::Deny(form));
    }
    match reply_options::key(&mut form.reason, key) {
        ReplyKey::Taken => After::Stay(Form::Deny(form)),
        ReplyKey::Editor => {
            let text = form.reason.text.text();
            let effect = Effect::Editor {
                purpose: Purpose::Field,
                text,
                extension: "md",
            };
            After::And(Form::Deny(form), vec![effect])
        }
        ReplyKey::Send if !can_send(app) => After::Stay(Form::Deny(form)),
        ReplyKey::Send => {
            let params = params(&form);
            app.inbox.save(Form::Deny(form));
            After::Close(decide::send(app, "denying", params))
        }
    }
}

/// A chosen option's own words are the reason where nothing else is typed.
fn params(form: &Deny) -> SendDecisionParams {
    let option = form.reason.option();
    let reason = match (&option, form.reason.typed()) {
        (_, Some(reason)) => reason,
        (Some(_), None) => String::new(),
        (None, None) => NO_REASON.to_owned(),
    };
    let decision = Decision::Deny {
        reason,
        interrupt: form.interrupt,
        option,
    };
    SendDecisionParams::new(&form.approval, decision)
}

pub fn draw(app: &App, form: &Deny, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let title = Line::styled(" Deny: reason ", theme.bad);
    let height = reply_options::height(&form.reason).saturating_add(6);
    let inside = popup(theme, title, 76, height, screen, buf);
    let rest = about(app, &form.approval, inside, buf);
    let nothing = match form.reason.option() {
        Some(_) => "optional: adds to the chosen option",
        None => NO_REASON,
    };
    let cursor = reply_options::draw(theme, &form.reason, nothing, rest, buf);
    let stop = if form.interrupt {
        "also interrupt ✓"
    } else {
        "also interrupt"
    };
    let mut keys = vec![("enter", "deny")];
    if !form.reason.list.is_empty() {
        keys.push(("↑↓", "reasons"));
    }
    if form.can_interrupt {
        keys.push(("tab", stop));
    }
    keys.extend([("alt-enter", "new line"), ("esc", "cancel")]);
    keys_at_foot(theme, &keys, inside, buf);
    cursor
}
