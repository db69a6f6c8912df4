//! Which key asks for what.
//!
//! Owns the table from keys to actions: the defaults of [`Action`] and the user's changes. Within
//! a pane its own keys come first, then the global ones. Must not know the state or do anything.

pub mod action;
pub mod chord;

use std::collections::{BTreeMap, HashMap};

pub use action::{Action, KeyContext};
pub use chord::{Chord, NoChord};

use crate::domain::text::nearest;

/// Where keys are that are always the same.
pub const DIALOGS: &str = "In dialogs";
/// Keys within dialogs, which are always these.
pub const DIALOG_KEYS: [(&str, &str); 8] = [
    ("y", "yes, where a dialog asks yes or no"),
    ("!", "approve a dangerous call, where a dialog asks"),
    ("enter", "send; yes, where nothing is lost or approved"),
    ("n esc ctrl-c", "no, cancel; nothing is sent (text: esc)"),
    ("alt-enter", "new line"),
    ("tab", "next field, or as shown"),
    ("ctrl-g", "edit in $EDITOR"),
    ("↑ ↓", "choose"),
];

/// Why the user's keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// A key that is none.
    #[error("`dashboard.keys.{action}`: {problem}")]
    NoChord {
        action: String,
        /// What is wrong.
        problem: NoChord,
    },
    /// A key that approves and is another action's by default. Whoever can write the configuration, an agent perhaps,
    /// could otherwise have a person approve who only means to look, or to deny.
    #[error(
        "`dashboard.keys.{action}`: {chord} is the key of `{of}`, and nothing is approved by a key that means something else; choose another key"
    )]
    Misleading {
        action: &'static str,
        chord: String,
        /// Whose key it is by default.
        of: &'static str,
    },
    /// One key for two things in one place.
    #[error("`dashboard.keys`: {chord} would ask for both {first} and {second}")]
    Twice {
        chord: String,
        /// What it asks for already.
        first: &'static str,
        /// What it should ask for too.
        second: &'static str,
    },
}

/// Something in the user's keys that has no effect, or one that may not be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapWarning {
    /// No action has that name.
    #[error("`dashboard.keys.{name}` names no action; {instead}")]
    NoAction {
        /// The name.
        name: String,
        /// What may have been meant.
        instead: String,
    },
    /// A default key of another action.
    #[error("`dashboard.keys.{action}` takes {chord} from `{from}`{}", keyless(.is_keyless))]
    Taken {
        /// The action that takes it.
        action: &'static str,
        chord: String,
        /// The action that loses it.
        from: &'static str,
        /// Whether that was its last key.
        is_keyless: bool,
    },
    /// A key that means two things, one of them in a pane only.
    #[error("{chord} asks for `{within}` in the pane {pane}, not for `{elsewhere}`")]
    Hidden {
        chord: String,
        /// What it asks for in the pane.
        within: &'static str,
        /// The pane.
        pane: &'static str,
        /// What it asks for everywhere else.
        elsewhere: &'static str,
    },
}

fn keyless(is_keyless: &bool) -> &'static str {
    match is_keyless {
        true => ", which has no key now",
        false => "",
    }
}

/// Whether a key is an action's by default.
fn is_default(action: Action, chord: Chord) -> bool {
    let mut defaults = action.default_keys().iter();
    defaults.any(|key| Chord::parse(key).is_ok_and(|default| default == chord))
}

/// Checks that a key with which a person is to approve is no other action's by default.
fn must_not_mislead(action: Action, key: &str) -> Result<(), KeymapError> {
    let Ok(chord) = Chord::parse(key) else {
        // Said when it is bound.
        return Ok(());
    };
    let other = Action::ALL
        .iter()
        .find(|other| **other != action && !other.approves() && is_default(**other, chord));
    match other {
        None => Ok(()),
        Some(other) => Err(KeymapError::Misleading {
            action: action.name(),
            chord: chord.to_string(),
            of: other.name(),
        }),
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct Keymap {
    by_chord: HashMap<(KeyContext, Chord), Action>,
    by_action: HashMap<Action, Vec<Chord>>,
}

impl Default for Keymap {
    fn default() -> Self {
        // The defaults are checked by a test; an unreadable one would only be a key less.
        Self::with(&BTreeMap::new()).unwrap_or_else(|_| Self {
            by_chord: HashMap::new(),
            by_action: HashMap::new(),
        })
    }
}

impl Keymap {
    /// The defaults with the user's changes: an action's name to all of its keys. Names that no
    /// action has are passed over; [`Self::warnings`] names them.
    ///
    /// # Errors
    /// [`KeymapError`], naming what to mend.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        let mut map = Self {
            by_chord: HashMap::new(),
            by_action: HashMap::new(),
        };
        // The user's own first: a default that is in their way gives way.
        let (own, default): (Vec<Action>, Vec<Action>) = Action::ALL
            .iter()
            .partition(|action| changes.contains_key(action.name()));
        for action in own {
            for key in &changes[action.name()] {
                if action.approves() {
                    must_not_mislead(action, key)?;
                }
                map.bind(action, key, true)?;
            }
        }
        for action in default {
            for key in action.default_keys() {
                map.bind(action, key, changes.is_empty())?;
            }
        }
        Ok(map)
    }

    /// What in the user's changes has no effect, or takes another action's key.
    #[must_use]
    pub fn warnings(&self, changes: &BTreeMap<String, Vec<String>>) -> Vec<KeymapWarning> {
        let mut warnings: Vec<KeymapWarning> = changes
            .keys()
            .filter(|name| Action::named(name).is_none())
            .map(|name| KeymapWarning::NoAction {
                name: name.clone(),
                instead: match nearest(name, Action::ALL.iter().map(|action| action.name())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`humanlayer config keys` lists the actions".to_owned(),
                },
            })
            .collect();
        let own = changes.keys().filter_map(|name| Action::named(name));
        for action in own {
            for chord in self.keys(action) {
                warnings.extend(self.conflicts(action, *chord, changes));
            }
        }
        warnings
    }

    /// The actions that one of the user's keys takes something from, or that hide it.
    fn conflicts<'a>(
        &'a self,
        action: Action,
        chord: Chord,
        changes: &'a BTreeMap<String, Vec<String>>,
    ) -> impl Iterator<Item = KeymapWarning> + 'a {
        let others = Action::ALL
            .iter()
            .copied()
            .filter(move |other| *other != action && !changes.contains_key(other.name()));
        others.filter_map(move |other| {
            if !is_default(other, chord) {
                return None;
            }
            let panes = |of: Action| of.contexts().contains(&KeyContext::Global);
            // While something is searched for, the keys are for that by design.
            let searches = |of: Action| of.contexts() == [KeyContext::Search];
            if self.keys(other).contains(&chord) {
                if searches(action) || searches(other) {
                    return None;
                }
                let (within, elsewhere) = match (panes(action), panes(other)) {
                    (true, false) => (other, action),
                    (false, true) => (action, other),
                    // In two different panes they do not meet.
                    (true, true) | (false, false) => return None,
                };
                return Some(KeymapWarning::Hidden {
                    chord: chord.to_string(),
                    within: within.name(),
                    pane: within.contexts().first()?.title(),
                    elsewhere: elsewhere.name(),
                });
            }
            Some(KeymapWarning::Taken {
                action: action.name(),
                chord: chord.to_string(),
                from: other.name(),
                is_keyless: self.keys(other).is_empty(),
            })
        })
    }

    fn bind(&mut self, action: Action, key: &str, must: bool) -> Result<(), KeymapError> {
        let chord = Chord::parse(key).map_err(|problem| KeymapError::NoChord {
            action: action.name().to_owned(),
            problem,
        })?;
        for context in action.contexts() {
            match self.by_chord.get(&(*context, chord)) {
                Some(first) if must => {
                    return Err(KeymapError::Twice {
                        chord: chord.to_string(),
                        first: first.name(),
                        second: action.name(),
                    });
                }
                Some(_) => return Ok(()),
                None => {}
            }
        }
        for context in action.contexts() {
            self.by_chord.insert((*context, chord), action);
        }
        self.by_action.entry(action).or_default().push(chord);
        Ok(())
    }

    /// What a key asks for in a pane.
    #[must_use]
    pub fn action(&self, context: KeyContext, chord: Chord) -> Option<Action> {
        self.by_chord
            .get(&(context, chord))
            .or_else(|| self.by_chord.get(&(KeyContext::Global, chord)))
            .copied()
    }

    /// What a key asks for in a pane by the pane's own keys alone.
    #[must_use]
    pub fn own_action(&self, context: KeyContext, chord: Chord) -> Option<Action> {
        self.by_chord.get(&(context, chord)).copied()
    }

    /// The keys of an action, the first being the one to show.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Chord] {
        self.by_action.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The key to show for an action; empty when it has none.
    #[must_use]
    pub fn key(&self, action: Action) -> String {
        self.keys(action)
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn changed(action: &str, keys: &[&str]) -> BTreeMap<String, Vec<String>> {
        let keys = keys.iter().map(ToString::to_string).collect();
        BTreeMap::from([(action.to_owned(), keys)])
    }

    #[test]
    fn the_defaults_are_readable_and_each_key_means_one_thing() {
        let map = Keymap::with(&BTreeMap::new()).unwrap();
        for action in Action::ALL {
            assert_eq!(
                map.keys(*action).len(),
                action.default_keys().len(),
                "{action:?}"
            );
        }
    }

    #[test]
    fn a_panes_own_keys_come_first() {
        let map = Keymap::default();
        let enter = Chord::parse("enter").unwrap();
        assert_eq!(map.action(KeyContext::Sessions, enter), Some(Action::Open));
        assert_eq!(
            map.action(KeyContext::Conversation, enter),
            Some(Action::Fold)
        );
        let no = Chord::parse("n").unwrap();
        assert_eq!(map.action(KeyContext::Search, no), Some(Action::NextMatch));
        assert_eq!(map.action(KeyContext::Conversation, no), Some(Action::Deny));
        let yes = Chord::parse("y").unwrap();
        for context in KeyContext::ALL {
            assert_eq!(map.action(context, yes), Some(Action::Approve));
        }
    }

    #[test]
    fn the_users_keys_replace_and_displace() {
        let map = Keymap::with(&changed("interrupt", &["n"])).unwrap();
        let no = Chord::parse("n").unwrap();
        assert_eq!(map.action(KeyContext::Inbox, no), Some(Action::Interrupt));
        assert_eq!(map.keys(Action::Deny), []);
        assert_eq!(
            map.action(KeyContext::Inbox, Chord::parse("i").unwrap()),
            None
        );
    }

    /// An agent that writes a person's configuration must not have them approve with the arrows.
    #[test]
    fn nothing_is_approved_by_a_key_that_means_something_else() {
        for (action, key, of) in [
            ("approve", "n", "deny"),
            ("approve", "down", "down"),
            ("approve", "J", "scroll-down"),
            ("approve", "enter", "answer"),
            ("always", "space", "mark"),
            ("approve-many", "j", "down"),
            ("approve-unread", "q", "quit"),
        ] {
            // Also where that one has another key.
            let mut changes = changed(action, &[key]);
            changes.insert(of.to_owned(), vec!["ctrl-g".to_owned()]);
            let error = Keymap::with(&changes).unwrap_err().to_string();
            assert!(error.contains(&format!("is the key of `{of}`")), "{error}");
        }
        for free in ["y", "Y", "ctrl-o", "f9"] {
            Keymap::with(&changed("approve", &[free])).unwrap();
        }
    }

    #[test]
    fn wrong_keys_say_what_to_mend() {
        for (changes, said) in [
            (changed("approve", &["yy"]), "names no key"),
            (changed("approve", &["y", "y"]), "both approve and approve"),
        ] {
            let error = Keymap::with(&changes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn unknown_actions_and_taken_keys_are_named() {
        for (changes, said) in [
            (
                changed("aprove", &["y"]),
                "`dashboard.keys.aprove` names no action; did you mean `approve`?",
            ),
            (
                changed("colour", &["y"]),
                "`humanlayer config keys` lists the actions",
            ),
            (
                changed("interrupt", &["n"]),
                "`dashboard.keys.interrupt` takes n from `deny`, which has no key now",
            ),
            (
                changed("interrupt", &["ctrl-p"]),
                "`dashboard.keys.interrupt` takes ctrl-p from `palette`",
            ),
            // In the list of sessions it opens, whatever is chosen elsewhere.
            (
                changed("interrupt", &["enter"]),
                "enter asks for `open` in the pane Sessions, not for `interrupt`",
            ),
            (
                changed("sort", &["y"]),
                "y asks for `sort` in the pane Sessions, not for `approve`",
            ),
        ] {
            let map = Keymap::with(&changes).unwrap();
            let warnings: Vec<String> = map
                .warnings(&changes)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(
                warnings
                    .iter()
                    .any(|warning| warning == said || warning.ends_with(said)),
                "{warnings:?}"
            );
        }
        for changes in [
            BTreeMap::new(),
            changed("approve", &["ctrl-x"]),
            changed("approve", &["y"]),
            BTreeMap::from([
                ("interrupt".to_owned(), vec!["n".to_owned()]),
                ("deny".to_owned(), vec!["i".to_owned()]),
            ]),
        ] {
            let map = Keymap::with(&changes).unwrap();
            assert_eq!(map.warnings(&changes), []);
        }
    }
}
