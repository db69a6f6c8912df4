//! Approve and make it last: which permissions, and how far each reaches.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use serde_json::Value;

use crate::domain::{Decision, Kind, permission};
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::protocol::session::UpdateSessionSettingsParams;
use crate::tui::effect::Effect;
use crate::tui::forms::Form;
use crate::tui::forms::drawing::{about, guarded, keys_at_foot};
use crate::tui::forms::keys::After;
use crate::tui::forms::yes::{NO, Yes};
use crate::tui::state::App;
use crate::tui::transcript::text::Row;
use crate::tui::update::connection::can_send;
use crate::tui::update::decide;
use crate::tui::view::widgets::{popup, row_style};

/// What makes the yes last.
#[derive(Clone, Debug, PartialEq)]
pub enum Lasting {
    /// A permission update that the agent suggests, in its own form.
    Update(Value),
    /// The daemon's own standing rule: this session's edits of files are accepted.
    AcceptEdits,
}

impl Lasting {
    /// What it does.
    #[must_use]
    pub fn meaning(&self) -> String {
        match self {
            Self::Update(update) => permission::meaning(update),
            Self::AcceptEdits => "accept edits".to_owned(),
        }
    }

    /// How far that reaches.
    #[must_use]
    pub fn reach(&self) -> String {
        match self {
            Self::Update(update) => permission::reach(update),
            Self::AcceptEdits => "in this session, until you turn it off".to_owned(),
        }
    }
}

/// One that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub what: Lasting,
    /// Whether it is chosen.
    pub chosen: bool,
}

#[derive(Clone, Debug, Default)]
pub struct AlwaysAllow {
    pub approval: String,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// The row that keys are about.
    pub at: usize,
}

impl AlwaysAllow {
    /// For an approval. A suggested rule is chosen already, as that is what “always allow” means;
    /// another directory or a whole mode is chosen by hand.
    #[must_use]
    pub fn of(approval: &Approval) -> Self {
        let mut form = Self {
            approval: approval.id.clone(),
            ..Self::default()
        };
        let updates = approval.permission_suggestions.iter().cloned();
        form.choices = updates
            .map(|update| Choice {
                what: Lasting::Update(update),
                chosen: false,
            })
            .collect();
        if form.choices.is_empty() && approval.kind == Kind::Plan {
            form.choices.push(Choice {
                what: Lasting::AcceptEdits,
                chosen: true,
            });
        }
        let rule = form.choices.iter_mut().find(|choice| match &choice.what {
            Lasting::Update(update) => permission::is_allow_rule(update),
            Lasting::AcceptEdits => false,
        });
        if let Some(choice) = rule {
            choice.chosen = true;
        }
        form
    }

    /// Chooses the row's reach anew: the next one, from this session to all projects.
    pub fn reach(&mut self, further: bool) {
        let Some(Choice {
            what: Lasting::Update(update),
            ..
        }) = self.choices.get_mut(self.at)
        else {
            return;
        };
        if !permission::can_reach_elsewhere(update) {
            return;
        }
        let names = permission::DESTINATIONS;
        let here = update.get("destination").and_then(Value::as_str);
        let here = names.iter().position(|name| Some(*name) == here);
        let there = match (here, further) {
            (None, _) => 0,
            (Some(at), true) => (at + 1) % names.len(),
            (Some(at), false) => (at + names.len() - 1) % names.len(),
        };
        *update = permission::reaching(update, names[there]);
    }

    /// Whether the row's reach can be changed.
    #[must_use]
    pub fn can_reach(&self) -> bool {
        self.choices
            .get(self.at)
            .is_some_and(|choice| match &choice.what {
                Lasting::Update(update) => permission::can_reach_elsewhere(update),
                Lasting::AcceptEdits => false,
            })
    }

    /// The updates to send.
    #[must_use]
    pub fn updates(&self) -> Vec<Value> {
        let chosen = self.choices.iter().filter(|choice| choice.chosen);
        chosen
            .filter_map(|choice| match &choice.what {
                Lasting::Update(update) => Some(update.clone()),
                Lasting::AcceptEdits => None,
            })
            .collect()
    }

    /// Whether the session's edits are to be accepted from now on.
    #[must_use]
    pub fn accepts_edits(&self) -> bool {
        self.choices
            .iter()
            .any(|choice| choice.chosen && choice.what == Lasting::AcceptEdits)
    }
}

/// Space and digits choose, left and right change how far it reaches, a yes sends.
pub fn key(app: &mut App, mut form: AlwaysAllow, key: KeyEvent) -> After {
    let last = form.choices.len().saturating_sub(1);
    match key.code {
        _ if Yes::Letter.takes(key) => return send(app, form),
        KeyCode::Up | KeyCode::Char('k') => form.at = form.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => form.at = (form.at + 1).min(last),
        KeyCode::Left | KeyCode::Char('h') => form.reach(false),
        KeyCode::Right | KeyCode::Char('l') => form.reach(true),
        KeyCode::Char(' ') => toggle(&mut form),
        KeyCode::Char(digit @ '1'..='9') => {
            let at = usize::from(digit as u8 - b'1');
            if at <= last {
                form.at = at;
                toggle(&mut form);
            }
        }
        _ => {}
    }
    After::Stay(Form::AlwaysAllow(form))
}

fn toggle(form: &mut AlwaysAllow) {
    if let Some(choice) = form.choices.get_mut(form.at) {
        choice.chosen = !choice.chosen;
    }
}

fn send(app: &mut App, form: AlwaysAllow) -> After {
    let Some(approval) = decide::still_pending(app, &form.approval) else {
        return After::Close(Vec::new());
    };
    if !can_send(app) {
        return After::Stay(Form::AlwaysAllow(form));
    }
    let updates = form.updates();
    let decision = Decision::Approve {
        comment: None,
        updated_input: None,
        updated_permissions: (!updates.is_empty()).then_some(updates),
        unread_lines: None,
    };
    let params = SendDecisionParams::new(&approval.id, decision);
    let mut effects = Vec::new();
    if form.accepts_edits() {
        // Before the yes, so that the first edit after it is accepted already.
        effects.push(Effect::Settings(UpdateSessionSettingsParams {
            session_id: approval.session_id.clone(),
            auto_accept_edits: Some(true),
            ..UpdateSessionSettingsParams::default()
        }));
    }
    effects.push(Effect::Decide(Box::new(params)));
    let effects = decide::confirmed(app, &approval, effects);
    match app.form.take() {
        Some(opened) => After::And(opened, effects),
        None => After::Close(effects),
    }
}

pub fn draw(app: &App, form: &AlwaysAllow, screen: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let title = Line::styled(" Approve and always allow ", theme.good);
    let width = usize::from(84.min(screen.width).saturating_sub(2));
    let mut rows: Vec<(Line<'static>, bool)> = Vec::new();
    for (index, choice) in form.choices.iter().enumerate() {
        let selected = index == form.at;
        let mark = if choice.chosen { "☑ " } else { "☐ " };
        let style = if choice.chosen {
            theme.good
        } else {
            theme.text
        };
        let mut first = Row::of(if selected { "▸ " } else { "  " }, theme.accent);
        first.own(&format!("{} ", index + 1), theme.key);
        first.own(mark, style);
        let rest = Row::of("      ", theme.text);
        let meaning = Row::foreign_of(&choice.what.meaning(), style, theme);
        let reach = Row::foreign_of(&choice.what.reach(), theme.dim, theme);
        let lines = meaning.words(width, &first, &rest);
        let reach = reach.words(width, &rest, &rest);
        rows.extend(lines.into_iter().chain(reach).map(|line| (line, selected)));
    }
    let height = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(6);
    let inside = popup(theme, title, 84, height, screen, buf);
    let rest = about(app, &form.approval, inside, buf);
    let room = usize::from(rest.height);
    // The chosen row stays in sight.
    let last = rows
        .iter()
        .rposition(|(_, selected)| *selected)
        .unwrap_or(0);
    let skip = (last + 1).saturating_sub(room);
    for ((line, selected), y) in rows.iter().skip(skip).zip(0..rest.height) {
        let area = Rect {
            y: rest.y + y,
            height: 1,
            ..rest
        };
        buf.set_style(area, row_style(theme, *selected, true));
        buf.set_line(area.x, area.y, line, area.width);
    }
    let chosen = form.choices.iter().any(|choice| choice.chosen);
    let approve = if chosen {
        "approve and grant"
    } else {
        "approve once"
    };
    let mut keys = vec![(Yes::Letter.label(), approve), ("space", "toggle")];
    if form.can_reach() {
        keys.push(("←→", "scope"));
    }
    keys.push((NO, "cancel"));
    keys_at_foot(&guarded(app), &keys, inside, buf);
}
