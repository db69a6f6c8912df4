//! Keys: making one, and finding out which one a request carries.
//!
//! A key is 256 random bits. Only its SHA-256 is kept, in the store and here; a request's is compared
//! with all of them, each in constant time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::daemon::store::{ApiKey, KeyHash, Store, StoreError};

/// Begins every key, so that one is recognised where it should not be.
const MARK: &str = "hlk_";

/// Between two notes of the same key's use.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// Makes a key: what the user gets, and what is kept.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_key() -> Result<(String, KeyHash), String> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|error| format!("cannot get random numbers: {error}"))?;
    let mut key = MARK.to_owned();
    for byte in bits {
        key.push(char::from(HEX[usize::from(byte >> 4)]));
        key.push(char::from(HEX[usize::from(byte & 15)]));
    }
    let hash = hash(&key);
    Ok((key, hash))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// The keys that are good.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: RwLock<Arc<[ApiKey]>>,
    noted: Mutex<HashMap<i64, Instant>>,
}

impl KeyRing {
    /// Reads the keys again, after one was made or revoked.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        let good: Arc<[ApiKey]> = store
            .api_keys()
            .await?
            .into_iter()
            .filter(|key| key.revoked_at.is_none())
            .collect();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = good;
        Ok(())
    }

    /// The record of the key that a request carries.
    pub fn find(&self, given: &str) -> Option<ApiKey> {
        let given = hash(given);
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let mut found = u64::MAX;
        for (index, key) in keys.iter().enumerate() {
            found.conditional_assign(&(index as u64), key.hash.ct_eq(&given));
        }
        keys.get(usize::try_from(found).ok()?).cloned()
    }

    /// Whether this use of a key is to be noted: the last note is old enough.
    pub fn is_to_be_noted(&self, id: i64) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = noted
            .get(&id)
            .is_none_or(|last| now.duration_since(*last) >= NOTE_EVERY);
        if due {
            noted.insert(id, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn record(id: i64, hash: KeyHash) -> ApiKey {
        ApiKey {
            id,
            name: format!("key {id}"),
            hash,
            may_decide: true,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_is_found_by_itself_only() {
        let (first, second, third) = (new_key().unwrap(), new_key().unwrap(), new_key().unwrap());
        assert_eq!(first.0.len(), MARK.len() + 64);
        assert_ne!(first.0, second.0);
        let ring = KeyRing::default();
        assert_eq!(ring.find(&first.0), None);
        *ring.keys.write().unwrap() = [record(1, first.1), record(2, second.1)].into();
        assert_eq!(ring.find(&first.0).unwrap().id, 1);
        assert_eq!(ring.find(&second.0).unwrap().id, 2);
        assert_eq!(ring.find(&third.0), None);
        assert_eq!(ring.find(""), None);
    }

    #[test]
    fn uses_are_noted_once_a_minute() {
        let ring = KeyRing::default();
        assert!(ring.is_to_be_noted(1));
        assert!(!ring.is_to_be_noted(1));
        assert!(ring.is_to_be_noted(2));
    }
}
