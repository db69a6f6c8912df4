//! What shows that a report or an answer is this runner's own: a signature.
//!
//! Whoever may write to the session's directory can leave a report of the session's end there, and listen in the
//! place of a runner that was killed. So the daemon makes a key pair for each runner. It keeps the public half in
//! its database and only then gives the secret one, over the socket that is the runner's standard input; the
//! runner starts nothing before it has it, and keeps it in memory that is closed to other processes. A runner
//! of an earlier release has none, and one whose standard input is no socket does without.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustix::fs::FileType;

use super::dir::SessionDir;

/// Bytes of either half of a key pair.
const KEY_BYTES: usize = 32;

/// The secret half of a runner's key pair.
pub struct Secret([u8; KEY_BYTES]);

impl Secret {
    /// What is written to the runner's standard input.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    /// As it was kept.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What is kept of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether its owner has signed a message about a session directory.
    #[must_use]
    pub fn has_signed(
        &self,
        dir: &SessionDir,
        purpose: Purpose,
        message: &[u8],
        signature: &str,
    ) -> bool {
        hex::decode(signature).is_ok_and(|signature| {
            UnparsedPublicKey::new(&ED25519, &self.0)
                .verify(&signed(dir, purpose, message), &signature)
                .is_ok()
        })
    }
}

/// What is signed for, so that nothing that was signed for one purpose serves another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The report of the session's end.
    Report,
    /// The answer to a daemon that asks who is there.
    Hello,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Hello => "hello",
        }
    }
}

/// Makes the key pair of a runner.
///
/// # Errors
/// The system has no random numbers.
pub fn new_key_pair() -> io::Result<(Secret, PublicKey)> {
    let mut secret = [0; KEY_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let pair = key_pair(&secret)?;
    let public = PublicKey(pair.public_key().as_ref().to_vec());
    Ok((Secret(secret), public))
}

fn key_pair(secret: &[u8; KEY_BYTES]) -> io::Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(secret)
        .map_err(|_| io::Error::other("the key cannot be used"))
}

/// A runner's own key pair.
pub(super) struct Identity {
    pair: Ed25519KeyPair,
    dir: SessionDir,
}

impl Identity {
    /// Waits for the key on the standard input, if that is a socket.
    ///
    /// # Errors
    /// The daemon has gone, or had to give up, before it gave one: nothing must be started.
    pub(super) fn receive(dir: &SessionDir) -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        let found = rustix::fs::fstat(stdin.as_fd())?;
        if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
            return Ok(None);
        }
        let mut secret = [0; KEY_BYTES];
        File::from(stdin.as_fd().try_clone_to_owned()?)
            .read_exact(&mut secret)
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("the daemon gave it no key and may be gone: {error}"),
                )
            })?;
        let pair = key_pair(&secret)?;
        let dir = dir.clone();
        Ok(Some(Self { pair, dir }))
    }

    /// Signs a message.
    pub(super) fn sign(&self, purpose: Purpose, message: &[u8]) -> String {
        let signature = self.pair.sign(&signed(&self.dir, purpose, message));
        hex::encode(signature)
    }
}

/// What a signature is over. No two messages give the same: names of directories hold no line breaks, and
/// nor do purposes.
fn signed(dir: &SessionDir, purpose: Purpose, message: &[u8]) -> Vec<u8> {
    let name = dir.path().file_name().unwrap_or_default();
    let head = format!(
        "humanlayer runner\n{}\n{}\n",
        purpose.as_str(),
        name.to_string_lossy()
    );
    [head.as_bytes(), message].concat()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    pub fn of(dir: &SessionDir) -> (Identity, PublicKey) {
        let (secret, public) = new_key_pair().unwrap();
        let pair = key_pair(&secret.0).unwrap();
        let dir = dir.clone();
        (Identity { pair, dir }, public)
    }

    #[test]
    fn a_signature_holds_for_its_message_its_purpose_and_its_directory_only() {
        let (dir, other) = (SessionDir::new("/x/one"), SessionDir::new("/x/two"));
        let (identity, public) = of(&dir);
        let signature = identity.sign(Purpose::Report, b"text");
        let holds = |dir: &SessionDir, purpose, message: &[u8], signature: &str| {
            public.has_signed(dir, purpose, message, signature)
        };
        assert!(holds(&dir, Purpose::Report, b"text", &signature));
        assert!(!holds(&dir, Purpose::Report, b"texts", &signature));
        assert!(!holds(&dir, Purpose::Hello, b"text", &signature));
        assert!(!holds(&other, Purpose::Report, b"text", &signature));
        for broken in ["", "00", "not hex at all", &signature[1..], &signature[2..]] {
            assert!(!holds(&dir, Purpose::Report, b"text", broken), "{broken}");
        }
        let (_, stranger) = of(&dir);
        assert!(!stranger.has_signed(&dir, Purpose::Report, b"text", &signature));
    }
}
