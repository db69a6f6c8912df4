//! All commands, found by typing: actions, themes and orders.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::protocol::approval::Approval;
use crate::tui::effect::Effect;
use crate::tui::forms::drawing::{draw_field, keys_at_foot};
use crate::tui::forms::keys::{After, moved};
use crate::tui::forms::{Field, Form};
use crate::tui::keymap::{Action, KeyContext};
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::sessions::Sort;
use crate::tui::state::{App, Pane, offered};
use crate::tui::theme;
use crate::tui::update::{actions, list};
use crate::tui::view::widgets::{fit, matched, offset, popup, row_style, split_line};

/// Commands that are remembered as used lately.
pub const RECENT: usize = 5;

/// Actions that only make sense as a key.
const ONLY_KEYS: [Action; 16] = [
    Action::Palette,
    Action::Cancel,
    Action::Up,
    Action::Down,
    Action::PageUp,
    Action::PageDown,
    Action::HalfPageUp,
    Action::HalfPageDown,
    Action::ScrollUp,
    Action::ScrollDown,
    Action::NextMatch,
    Action::PreviousMatch,
    Action::Top,
    Action::Bottom,
    Action::FocusNext,
    Action::FocusPrevious,
];

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// What a key could ask for.
    Action(Action),
    /// A theme, by its name.
    Theme(&'static str),
    /// An order of the sessions.
    Sort(Sort),
}

impl Command {
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Action(action) => action.words().to_owned(),
            Self::Theme(name) => format!("theme: {name}"),
            Self::Sort(sort) => format!("sort sessions by {}", sort.words()),
        }
    }

    /// The name under which it is remembered.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Action(action) => action.name().to_owned(),
            Self::Theme(name) => format!("theme {name}"),
            Self::Sort(sort) => format!("sort {}", sort.words()),
        }
    }

    /// The pane that it belongs to, where it is not for everywhere.
    #[must_use]
    pub fn pane(self) -> Option<KeyContext> {
        match self {
            Self::Action(action) => action
                .contexts()
                .first()
                .copied()
                .filter(|context| *context != KeyContext::Global),
            Self::Theme(_) => None,
            Self::Sort(_) => Some(KeyContext::Sessions),
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let actions = Action::ALL
            .iter()
            .copied()
            .filter(|action| !ONLY_KEYS.contains(action));
        let sorts = std::iter::successors(Some(Sort::default()), |sort| {
            Some(sort.next()).filter(|next| *next != Sort::default())
        });
        actions
            .map(Self::Action)
            .chain(sorts.map(Self::Sort))
            .chain(theme::NAMES.into_iter().map(Self::Theme))
    }
}

#[derive(Clone, Debug)]
pub struct PaletteForm {
    pub filter: Field,
    /// The chosen row.
    pub selected: usize,
    /// The approval that was on the screen when it was opened, for the commands that decide.
    pub about: Option<String>,
    /// Actions that cannot be done with that approval.
    unavailable: Vec<Action>,
    /// The pane from which it was opened.
    here: KeyContext,
    /// Names of commands that were used lately, the last one first.
    recent: Vec<String>,
}

impl PaletteForm {
    /// Opened from a pane.
    #[must_use]
    pub fn new(here: KeyContext, about: Option<&Approval>, recent: &[String]) -> Self {
        let unavailable = about.map(|approval| {
            let actions = Action::ALL.iter().copied();
            actions
                .filter(|action| !offered::is_possible(*action, approval))
                .collect()
        });
        Self {
            filter: Field::default(),
            selected: 0,
            about: about.map(|approval| approval.id.clone()),
            unavailable: unavailable.unwrap_or_default(),
            here,
            recent: recent.to_vec(),
        }
    }

    /// The commands that fit what is typed, the best first. Of those that fit alike, and where
    /// nothing is typed, the ones that were used lately come first, then the ones of this pane.
    #[must_use]
    pub fn found(&self) -> Vec<Command> {
        let mut fuzzy = Fuzzy::new(&self.filter.text());
        let mut found: Vec<(u32, usize, Command)> = Command::all()
            .filter(|command| !self.is_unavailable(*command))
            .filter_map(|command| {
                let score = fuzzy.score(&[&command.words(), &command.name()])?;
                Some((score, self.place(command), command))
            })
            .collect();
        // Stable: what is alike stays in the order of the help.
        found.sort_by_key(|(score, place, _)| (std::cmp::Reverse(*score), *place));
        found.into_iter().map(|(_, _, command)| command).collect()
    }

    /// Whether it was used lately.
    #[must_use]
    pub fn is_recent(&self, command: Command) -> bool {
        self.recent.contains(&command.name())
    }

    fn is_unavailable(&self, command: Command) -> bool {
        matches!(command, Command::Action(action) if self.unavailable.contains(&action))
    }

    fn place(&self, command: Command) -> usize {
        let recent = self.recent.iter().position(|name| *name == command.name());
        match (recent, command) {
            (Some(place), _) => place,
            (None, Command::Action(action)) if action.contexts().contains(&self.here) => RECENT,
            (None, Command::Action(action)) if action.contexts().contains(&KeyContext::Global) => {
                RECENT + 1
            }
            (None, Command::Action(_)) => RECENT + 2,
            (None, Command::Sort(_) | Command::Theme(_)) => RECENT + 3,
        }
    }
}

/// Enter does the chosen one.
pub fn key(app: &mut App, mut form: PaletteForm, key: KeyEvent) -> After {
    let found = form.found();
    let step = match (key.code, key.modifiers) {
        (KeyCode::Char('n'), KeyModifiers::CONTROL) => KeyCode::Down.into(),
        (KeyCode::Char('p'), KeyModifiers::CONTROL) => KeyCode::Up.into(),
        _ => key,
    };
    if let Some(selected) = moved(form.selected, step, found.len()) {
        form.selected = selected;
        return After::Stay(Form::Palette(form));
    }
    if key.code == KeyCode::Enter {
        let Some(command) = found.get(form.selected.min(found.len().saturating_sub(1))) else {
            return After::Stay(Form::Palette(form));
        };
        let mut effects = perform(app, *command);
        effects.extend(remember(app, *command));
        return match app.form.take() {
            Some(opened) => After::And(opened, effects),
            None => After::Close(effects),
        };
    }
    form.filter.key(key);
    form.selected = 0;
    After::Stay(Form::Palette(form))
}

fn perform(app: &mut App, command: Command) -> Vec<Effect> {
    match command {
        Command::Action(action) => {
            let contexts = action.contexts();
            // What belongs to another pane is done there.
            if !contexts.contains(&KeyContext::Global) && !contexts.contains(&app.focus.context()) {
                app.focus = match contexts.first() {
                    Some(KeyContext::Inbox) => Pane::Inbox,
                    Some(KeyContext::Conversation | KeyContext::Search) => Pane::Conversation,
                    Some(KeyContext::Sessions | KeyContext::Global) | None => Pane::Sessions,
                };
                app.detail.open = app.focus == Pane::Conversation;
            }
            app.acting_form = Some("palette");
            let effects = actions::act(app, action);
            app.acting_form = None;
            effects
        }
        Command::Theme(name) => actions::set_theme(app, name),
        Command::Sort(sort) => {
            list::sort_by(app, sort);
            Vec::new()
        }
    }
}

/// Remembers what was used last, for the next time.
fn remember(app: &mut App, command: Command) -> Option<Effect> {
    let recent = &mut app.launch.memory.commands;
    let name = command.name();
    if recent.first() == Some(&name) {
        return None;
    }
    recent.retain(|other| *other != name);
    recent.insert(0, name);
    recent.truncate(RECENT);
    Some(Effect::SaveMemory(Box::new(app.launch.memory.clone())))
}

/// From this width on it is said to which pane a command belongs.
const ROOMY: usize = 60;

pub fn draw(app: &App, form: &PaletteForm, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let title = Line::styled(" Commands ", theme.accent);
    let inside = popup(theme, title, 76, 22, screen, buf);
    if inside.height < 2 {
        return None;
    }
    buf.set_string(inside.x, inside.y, "›", theme.accent);
    let field = Rect {
        x: inside.x + 2.min(inside.width),
        width: inside.width.saturating_sub(2),
        height: 1,
        ..inside
    };
    let cursor = draw_field(theme, &form.filter, field, buf);
    let rows = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(2),
        ..inside
    };
    let found = form.found();
    let mut fuzzy = Fuzzy::new(&form.filter.text());
    let selected = form.selected.min(found.len().saturating_sub(1));
    let first = offset(0, Some(selected), found.len(), rows.height);
    for ((index, command), y) in found.iter().enumerate().skip(first).zip(0..rows.height) {
        let line = Rect {
            y: rows.y + y,
            height: 1,
            ..rows
        };
        let chosen = index == selected;
        let (left, right) = row(app, form, *command, chosen, (&mut fuzzy, rows.width));
        split_line(left, &right, row_style(theme, chosen, true), line, buf);
    }
    if found.is_empty() && rows.height > 0 {
        buf.set_string(rows.x + 2, rows.y, "No command fits.", theme.dim);
    }
    keys_at_foot(
        theme,
        &[("enter", "do it"), ("↑↓", "choose"), ("esc", "back")],
        inside,
        buf,
    );
    cursor
}

fn row<'a>(
    app: &App,
    form: &PaletteForm,
    command: Command,
    chosen: bool,
    (fuzzy, columns): (&mut Fuzzy, u16),
) -> (Line<'a>, Line<'a>) {
    let theme = &app.theme;
    let columns = usize::from(columns);
    let mut right = Vec::new();
    let place = match (form.is_recent(command), command.pane()) {
        (true, _) => Some("used lately"),
        (false, Some(pane)) => Some(pane.title()),
        (false, None) => None,
    };
    if let Some(place) = place.filter(|_| columns >= ROOMY) {
        right.push(Span::styled(format!("{place}  "), theme.dim));
    }
    let key = match command {
        Command::Action(action) => app.keymap.key(action),
        Command::Theme(name) if name == app.theme.name => "now".to_owned(),
        Command::Sort(sort) if sort == app.sessions.sort => "now".to_owned(),
        Command::Theme(_) | Command::Sort(_) => String::new(),
    };
    right.push(Span::styled(format!("{key:>6} "), theme.key));
    let right = Line::from(right);
    let room = columns.saturating_sub(right.width() + 3);
    let words = fit(&command.words(), room);
    let mut left = vec![Span::styled(if chosen { "▸ " } else { "  " }, theme.accent)];
    left.extend(matched(&words, fuzzy, theme.text, theme.matched));
    let rest = room.saturating_sub(words.width() + 2);
    if let (Command::Action(action), Some(about)) = (command, &form.about)
        && decides(action)
        && rest > 6
    {
        let what = fit(app.inbox.summary(about), rest);
        left.push(Span::styled(format!("  {what}"), theme.dim));
    }
    (Line::from(left), right)
}

/// Whether it is about the approval that was on the screen.
fn decides(action: Action) -> bool {
    matches!(
        action,
        Action::Approve
            | Action::Deny
            | Action::Edit
            | Action::AlwaysAllow
            | Action::Answer
            | Action::ReadApproval
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn found(typed: &str, here: KeyContext, recent: &[&str]) -> Vec<String> {
        let recent: Vec<String> = recent.iter().map(|name| (*name).to_owned()).collect();
        let mut palette = PaletteForm::new(here, None, &recent);
        palette.filter.set(typed);
        palette.found().into_iter().map(Command::name).collect()
    }

    #[test]
    fn the_last_used_come_first_then_those_of_the_pane() {
        let all = found("", KeyContext::Conversation, &["theme light", "quit"]);
        assert_eq!(all[..2], ["theme light", "quit"]);
        let place = |name: &str| all.iter().position(|other| other == name).unwrap();
        assert!(place("fold") < place("approve"));
        assert!(place("approve") < place("mark"));
        assert!(place("mark") < place("theme dark"));
        assert!(!all.iter().any(|name| name == "up"));
    }

    #[test]
    fn the_best_fit_comes_first_whatever_it_is() {
        assert_eq!(found("light", KeyContext::Sessions, &[])[0], "theme light");
        assert_eq!(found("sort cost", KeyContext::Inbox, &[])[0], "sort cost");
        assert_eq!(found("quit", KeyContext::Inbox, &["approve"])[0], "quit");
        assert_eq!(found("no such thing", KeyContext::Inbox, &[]), [""; 0]);
    }
}
