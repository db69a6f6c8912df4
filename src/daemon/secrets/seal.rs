//! Encrypting and decrypting, each session's secrets for themselves.
//!
//! ChaCha20-Poly1305 with a random nonce. The session's id is authenticated with it, so that bytes
//! that were moved to another session are not taken for its own.

use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};

use super::key::{self, KEY_BYTES};
use super::{LaunchSecrets, SecretsError};
use crate::config::places::key_of;
use crate::domain::SessionId;

/// The first byte of what is sealed: how the rest is to be read.
const VERSION: u8 = 1;

/// Bytes by which a key is recognised; they give nothing of it away.
const KEY_ID_BYTES: usize = 8;

const HEADER: usize = 1 + KEY_ID_BYTES;

/// Seals and opens with the key of one database.
pub struct Sealer {
    path: PathBuf,
    key: Result<Key, SecretsError>,
    /// The key as it is in its file.
    bytes: Option<SecretBox<[u8; KEY_BYTES]>>,
}

struct Key {
    id: [u8; KEY_ID_BYTES],
    aead: LessSafeKey,
    codes: hmac::Key,
}

impl Sealer {
    /// With the key beside a database, which is made if there is none. A key that cannot be used is
    /// an error of each use: the daemon serves without it.
    #[must_use]
    pub fn beside(database: &Path) -> Self {
        let path = key_of(database);
        let mut kept = None;
        let key = key::read_or_create(&path).and_then(|bytes| {
            kept = Some(SecretBox::new(Box::new(bytes)));
            Key::new(&bytes).ok_or_else(|| SecretsError::Key {
                path: path.clone(),
                problem: "the cipher does not take it".to_owned(),
            })
        });
        if let Err(error) = &key {
            tracing::error!(%error, "launch environments can be neither stored nor read");
        }
        Self {
            path,
            key,
            bytes: kept,
        }
    }

    /// Writes the key's file back if it is there no more: without it nothing of the database's secrets is read again.
    pub fn write_back(&self) {
        let Some(bytes) = &self.bytes else { return };
        if self.path.symlink_metadata().is_ok() {
            return;
        }
        match key::create(&self.path, bytes.expose_secret()) {
            Ok(()) => {
                tracing::error!(path = %self.path.display(), "the key was deleted; it was written back");
            }
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the key was deleted and cannot be written back");
            }
        }
    }

    /// An authentication code for a message, which only who has the key can make; none without a key.
    #[must_use]
    pub fn code(&self, message: &[u8]) -> Option<[u8; 32]> {
        let key = self.key.as_ref().ok()?;
        let tag = hmac::sign(&key.codes, message);
        tag.as_ref().try_into().ok()
    }

    /// By what the key is recognised; none without a key.
    #[must_use]
    pub fn key_id(&self) -> Option<[u8; KEY_ID_BYTES]> {
        self.key.as_ref().ok().map(|key| key.id)
    }

    /// Encrypts the secrets of a session.
    ///
    /// # Errors
    /// [`SecretsError::Key`].
    pub fn seal(
        &self,
        session: &SessionId,
        secrets: &LaunchSecrets,
    ) -> Result<Vec<u8>, SecretsError> {
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let failed = |problem: String| SecretsError::Key {
            path: self.path.clone(),
            problem,
        };
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)
            .map_err(|error| failed(format!("no random numbers: {error}")))?;
        let mut text = serde_json::to_vec(secrets).map_err(|error| failed(error.to_string()))?;
        key.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                context(session),
                &mut text,
            )
            .map_err(|_| failed("it cannot encrypt that much".to_owned()))?;
        let mut sealed = Vec::with_capacity(HEADER + NONCE_LEN + text.len());
        sealed.push(VERSION);
        sealed.extend(key.id);
        sealed.extend(nonce);
        sealed.extend(text);
        Ok(sealed)
    }

    /// Decrypts the secrets of a session.
    ///
    /// # Errors
    /// Each [`SecretsError`] but [`SecretsError::NotStored`].
    pub fn open(&self, session: &SessionId, sealed: &[u8]) -> Result<LaunchSecrets, SecretsError> {
        let key = self.key.as_ref().map_err(Clone::clone)?;
        let (header, rest) = sealed
            .split_at_checked(HEADER)
            .ok_or(SecretsError::Unreadable)?;
        let (nonce, text) = rest
            .split_at_checked(NONCE_LEN)
            .ok_or(SecretsError::Unreadable)?;
        match header.split_first() {
            Some((&VERSION, id)) if id == key.id => {}
            Some((&VERSION, _)) => {
                return Err(SecretsError::OtherKey {
                    path: self.path.clone(),
                });
            }
            Some(_) | None => return Err(SecretsError::Unreadable),
        }
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretsError::Unreadable)?;
        let mut text = text.to_vec();
        let text = key
            .aead
            .open_in_place(nonce, context(session), &mut text)
            .map_err(|_| SecretsError::Unreadable)?;
        serde_json::from_slice(text).map_err(|_| SecretsError::Unreadable)
    }
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        let unbound = UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?;
        let mut id = [0; KEY_ID_BYTES];
        let digest = Sha256::new()
            .chain_update(b"humanlayer key id")
            .chain_update(bytes)
            .finalize();
        id.copy_from_slice(digest.get(..KEY_ID_BYTES)?);
        // A key of its own for each use.
        let codes = Sha256::new()
            .chain_update(b"humanlayer key of authentication codes")
            .chain_update(bytes)
            .finalize();
        Some(Self {
            id,
            aead: LessSafeKey::new(unbound),
            codes: hmac::Key::new(hmac::HMAC_SHA256, &codes),
        })
    }
}

fn context(session: &SessionId) -> Aad<Vec<u8>> {
    Aad::from(format!("humanlayer launch secrets {VERSION} {session}").into_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn secrets() -> LaunchSecrets {
        LaunchSecrets {
            env: Some([("ANTHROPIC_API_KEY".to_owned(), "sk-env".to_owned())].into()),
            ..LaunchSecrets::default()
        }
    }

    #[test]
    fn what_is_sealed_opens_for_its_session_and_key_only() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("daemon.db");
        let (a, b) = (SessionId::from("a"), SessionId::from("b"));
        let sealer = Sealer::beside(&database);
        let sealed = sealer.seal(&a, &secrets()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"sk-env"));
        assert_ne!(sealed, sealer.seal(&a, &secrets()).unwrap());
        // The next daemon has the same key.
        let next = Sealer::beside(&database);
        assert_eq!(next.open(&a, &sealed), Ok(secrets()));
        assert_eq!(next.open(&b, &sealed), Err(SecretsError::Unreadable));
        let other = Sealer::beside(&dir.path().join("other.db"));
        assert!(matches!(
            other.open(&a, &sealed),
            Err(SecretsError::OtherKey { .. })
        ));
        // Whatever is done to the bytes, opening them says so.
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(next.open(&a, &changed).is_err(), "byte {index}");
            assert!(next.open(&a, &sealed[..index]).is_err(), "{index} bytes");
        }
    }

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("daemon.db");
        let path = key_of(&database);
        let session = SessionId::from("a");
        let sealed = Sealer::beside(&database)
            .seal(&session, &secrets())
            .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let kept = fs::read_to_string(&path).unwrap();
        // One that others could read is made private.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            Sealer::beside(&database).open(&session, &sealed),
            Ok(secrets())
        );
        assert_eq!(mode(&path), 0o600);
        for damaged in [
            "",
            "# only this\n",
            "0123\n",
            &format!("{}ä", kept.trim_end()),
        ] {
            fs::write(&path, damaged).unwrap();
            let sealer = Sealer::beside(&database);
            let error = sealer.open(&session, &sealed).unwrap_err();
            assert!(
                matches!(error, SecretsError::Key { .. }),
                "{damaged:?}: {error}"
            );
            assert!(sealer.seal(&session, &secrets()).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::write(&path, kept).unwrap();
        assert_eq!(
            Sealer::beside(&database).open(&session, &sealed),
            Ok(secrets())
        );
        // A lost one is replaced: new sessions work, old ones say what is missing.
        fs::remove_file(&path).unwrap();
        let error = Sealer::beside(&database)
            .open(&session, &sealed)
            .unwrap_err();
        assert!(error.to_string().contains("no longer in"), "{error}");
    }
}
