//! Names of users, for the record of who decided.
//!
//! The system's list of users may be kept on another machine, so a name is looked up off the worker, and
//! once: it is wanted at each decision. Only this user and root connect, which bounds what is kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::blocking::blocking;
use crate::platform;

/// The names that were looked up.
#[derive(Debug, Default)]
pub struct UserNames {
    known: Mutex<HashMap<u32, String>>,
}

impl UserNames {
    /// A user's name. One that cannot be found now is looked for again the next time.
    pub async fn of(&self, uid: u32) -> Option<String> {
        if let Some(name) = self.lock().get(&uid) {
            return Some(name.clone());
        }
        let name = blocking(move || platform::user_name(uid)).await?;
        self.lock().insert(uid, name.clone());
        Some(name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
