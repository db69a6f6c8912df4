//! Changing values in the configuration file, and nothing else in it.
//!
//! Other keys stay, in their order; so does a link, whose target is written. The new file is whole
//! or not there at all, and readable by its owner only: it may hold a key. Called by `login`.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ConfigError;

/// Sets keys in a file, which is made if it is not there.
///
/// # Errors
/// When what is there is not ours to change, or the file cannot be written; it is then as it was.
pub(crate) fn set(file: &Path, changes: &[(&str, &str)]) -> Result<(), ConfigError> {
    // A link stays one: whoever keeps their configuration elsewhere wants it changed there.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let mut values = read(&target)?;
    for (key, value) in changes {
        values.insert((*key).to_owned(), Value::from(*value));
    }
    replace(&target, &values).map_err(|source| ConfigError::Unwritable {
        file: target,
        source,
    })
}

fn read(file: &Path) -> Result<Map<String, Value>, ConfigError> {
    let named = || PathBuf::from(file);
    match fs::read(file) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(Value::Object(values)) => Ok(values),
            Ok(_) => Err(ConfigError::NotAnObject { file: named() }),
            Err(source) => Err(ConfigError::NotJson {
                file: named(),
                source,
            }),
        },
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Map::new()),
        Err(source) => Err(ConfigError::Unreadable {
            file: named(),
            source,
        }),
    }
}

fn replace(file: &Path, values: &Map<String, Value>) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut text = serde_json::to_string_pretty(values)?;
    text.push('\n');
    // Made with mode 0600.
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};

    #[test]
    fn one_value_changes_and_all_else_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("new/humanlayer.json");
        set(&file, &[("api_key", "k1")]).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        fs::write(
            &file,
            r#"{"z": {"b": 1, "a": [2]}, "api_key": "k1", "a": null}"#,
        )
        .unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        set(&file, &[("api_key", "k2"), ("api_base_url", "http://x")]).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(
            text,
            "{\n  \"z\": {\n    \"b\": 1,\n    \"a\": [\n      2\n    ]\n  },\n  \"api_key\": \"k2\",\n  \"a\": null,\n  \"api_base_url\": \"http://x\"\n}\n"
        );
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (kept, link) = (
            directory.path().join("kept.json"),
            directory.path().join("l"),
        );
        fs::write(&kept, "{}").unwrap();
        symlink(&kept, &link).unwrap();
        set(&link, &[("api_key", "k")]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&kept).unwrap().contains("\"k\""));
    }

    #[test]
    fn what_is_not_understood_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("humanlayer.json");
        for text in ["{", "[]", ""] {
            fs::write(&file, text).unwrap();
            assert!(set(&file, &[("api_key", "k")]).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}
