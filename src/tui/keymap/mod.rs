//! Which key asks for what.
//!
//! Owns the table from keys to actions: the defaults of [`Action`] and the user's changes. Within
//! a pane its own keys come first, then the global ones. Must not know the state or do anything.

pub mod action;
pub mod chord;

use std::collections::{BTreeMap, HashMap};

pub use action::{Action, Context};
pub use chord::{Chord, NoChord};

use crate::domain::text::nearest;

/// Why the user's keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No action has that name.
    #[error("`dashboard.keys.{name}` names no action; {instead}")]
    NoAction {
        /// The name.
        name: String,
        /// What may have been meant.
        instead: String,
    },
    /// A key that is none.
    #[error("`dashboard.keys.{action}`: {problem}")]
    NoChord {
        /// The action.
        action: String,
        /// What is wrong.
        problem: NoChord,
    },
    /// One key for two things in one place.
    #[error("`dashboard.keys`: {chord} would ask for both {first} and {second}")]
    Twice {
        /// The key.
        chord: String,
        /// What it asks for already.
        first: &'static str,
        /// What it should ask for too.
        second: &'static str,
    },
}

/// The table.
#[derive(Clone, Debug)]
pub struct Keymap {
    by_chord: HashMap<(Context, Chord), Action>,
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
    /// The defaults with the user's changes: an action's name to all of its keys.
    ///
    /// # Errors
    /// [`KeymapError`], naming what to mend.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, KeymapError> {
        if let Some(name) = changes
            .keys()
            .find(|name| !Action::ALL.iter().any(|action| action.name() == **name))
        {
            let names = Action::ALL.iter().map(|action| action.name());
            let instead = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err(KeymapError::NoAction {
                name: name.clone(),
                instead,
            });
        }
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
    pub fn action(&self, context: Context, chord: Chord) -> Option<Action> {
        self.by_chord
            .get(&(context, chord))
            .or_else(|| self.by_chord.get(&(Context::Global, chord)))
            .copied()
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
        assert_eq!(map.action(Context::Sessions, enter), Some(Action::Open));
        assert_eq!(map.action(Context::Conversation, enter), Some(Action::Fold));
        let yes = Chord::parse("y").unwrap();
        for context in Context::ALL {
            assert_eq!(map.action(context, yes), Some(Action::Approve));
        }
    }

    #[test]
    fn the_users_keys_replace_and_displace() {
        let map = Keymap::with(&changed("approve", &["n"])).unwrap();
        let no = Chord::parse("n").unwrap();
        assert_eq!(map.action(Context::Inbox, no), Some(Action::Approve));
        assert_eq!(map.keys(Action::Deny), []);
        assert_eq!(map.action(Context::Inbox, Chord::parse("y").unwrap()), None);
    }

    #[test]
    fn wrong_keys_say_what_to_mend() {
        for (changes, said) in [
            (changed("aprove", &["y"]), "did you mean `approve`?"),
            (changed("colour", &["y"]), "there are approve, deny"),
            (changed("approve", &["yy"]), "names no key"),
            (changed("approve", &["y", "y"]), "both approve and approve"),
        ] {
            let error = Keymap::with(&changes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
