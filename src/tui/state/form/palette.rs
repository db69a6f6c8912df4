//! All commands, found by typing: actions, themes and orders.

use super::Field;
use crate::protocol::approval::Approval;
use crate::tui::keymap::{Action, Context};
use crate::tui::state::fuzzy::Fuzzy;
use crate::tui::state::offered;
use crate::tui::state::sessions::Sort;
use crate::tui::theme;

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
    /// In words.
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
    pub fn pane(self) -> Option<Context> {
        match self {
            Self::Action(action) => action
                .contexts()
                .first()
                .copied()
                .filter(|context| *context != Context::Global),
            Self::Theme(_) => None,
            Self::Sort(_) => Some(Context::Sessions),
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

/// The form.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What is typed.
    pub filter: Field,
    /// The chosen row.
    pub selected: usize,
    /// The approval that was on the screen when it was opened, for the commands that decide.
    pub about: Option<String>,
    /// Actions that cannot be done with that approval.
    unavailable: Vec<Action>,
    /// The pane from which it was opened.
    here: Context,
    /// Names of commands that were used lately, the last one first.
    recent: Vec<String>,
}

impl Palette {
    /// Opened from a pane.
    #[must_use]
    pub fn new(here: Context, about: Option<&Approval>, recent: &[String]) -> Self {
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
            (None, Command::Action(action)) if action.contexts().contains(&Context::Global) => {
                RECENT + 1
            }
            (None, Command::Action(_)) => RECENT + 2,
            (None, Command::Sort(_) | Command::Theme(_)) => RECENT + 3,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn found(typed: &str, here: Context, recent: &[&str]) -> Vec<String> {
        let recent: Vec<String> = recent.iter().map(|name| (*name).to_owned()).collect();
        let mut palette = Palette::new(here, None, &recent);
        palette.filter.set(typed);
        palette.found().into_iter().map(Command::name).collect()
    }

    #[test]
    fn the_last_used_come_first_then_those_of_the_pane() {
        let all = found("", Context::Conversation, &["theme light", "quit"]);
        assert_eq!(all[..2], ["theme light", "quit"]);
        let place = |name: &str| all.iter().position(|other| other == name).unwrap();
        assert!(place("fold") < place("approve"));
        assert!(place("approve") < place("mark"));
        assert!(place("mark") < place("theme dark"));
        assert!(!all.iter().any(|name| name == "up"));
    }

    #[test]
    fn the_best_fit_comes_first_whatever_it_is() {
        assert_eq!(found("light", Context::Sessions, &[])[0], "theme light");
        assert_eq!(found("sort cost", Context::Inbox, &[])[0], "sort cost");
        assert_eq!(found("quit", Context::Inbox, &["approve"])[0], "quit");
        assert_eq!(found("no such thing", Context::Inbox, &[]), [""; 0]);
    }
}
