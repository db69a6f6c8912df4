//! The key file: made when there is none, never overwritten.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::SecretsError;
use crate::platform::{self, Links};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// The file's first line, for people who find it.
const COMMENT: &str =
    "# Encrypts what humanlayer's sessions were launched with. Back it up with the database.";

/// Longest key file that is read.
const MAX_FILE: u64 = 1024;

/// Reads the key, or makes one. Only the daemon that holds the database's lock calls this.
pub fn read_or_create(path: &Path) -> Result<[u8; KEY_BYTES], SecretsError> {
    let unusable = |problem: String| SecretsError::Key {
        path: path.to_owned(),
        problem,
    };
    match read(path) {
        Ok(text) => parse(&text).ok_or_else(|| {
            unusable("it does not hold a key. Put the right file back, or delete it to start with a new key".to_owned())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).map_err(|error| unusable(format!("no random numbers: {error}")))?;
            create(path, &key).map_err(|error| unusable(format!("it cannot be made: {error}")))?;
            Ok(key)
        }
        Err(error) => Err(unusable(error.to_string())),
    }
}

/// Whether a file's contents are a key.
#[must_use]
pub fn is_key(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| parse(text).is_some())
}

fn read(path: &Path) -> io::Result<String> {
    let file = platform::open_regular(path, Links::Refuse)?;
    let metadata = file.metadata()?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is not a file of yours"));
    }
    if metadata.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read the key file; making it private");
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Option<[u8; KEY_BYTES]> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let mut key = [0; KEY_BYTES];
    hex::decode_to_slice(line, &mut key).ok()?;
    Some(key)
}

/// A daemon that dies meanwhile leaves no half key.
/// Writes a key to its file.
pub fn create(path: &Path, key: &[u8; KEY_BYTES]) -> io::Result<()> {
    let text = format!("{COMMENT}\n{}\n", hex::encode(key));
    platform::write_atomically(path, text.as_bytes())
}
