//! The configuration files: which they are, and their values by key.
//!
//! There may be two: the user's own, and `humanlayer.json` in the working directory, which came
//! with a project, perhaps a stranger's. Never writes one ([`super::write`] does). Called by the
//! resolver alone.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::spec::Spec;
use super::{ConfigError, FILE_NAME, Inputs, expand};
use crate::domain::text::type_name;
use crate::platform::{self, Links};

/// Bytes of a file that are read: much more than all settings take.
const MAX_BYTES: u64 = 1024 * 1024;

/// A file that was read.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub path: PathBuf,
    pub values: Map<String, Value>,
}

impl ConfigFile {
    /// The file that came with the project in the working directory, whether or not it is there.
    fn project_path(inputs: &Inputs<'_>) -> PathBuf {
        inputs.directory.join(FILE_NAME)
    }

    /// The user's own file, wherever the user is, or the one asked for.
    pub fn own_path(inputs: &Inputs<'_>) -> PathBuf {
        if let Some(asked) = &inputs.flags.config_file {
            return expand(asked, inputs.home, inputs.directory);
        }
        // The base directory specification says to ignore relative paths.
        let base = (inputs.environment)("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|base| base.is_absolute())
            .unwrap_or_else(|| inputs.home.join(".config"));
        base.join("humanlayer").join(FILE_NAME)
    }

    /// Reads the user's own file, or the one asked for, which alone must be there.
    pub fn own(inputs: &Inputs<'_>) -> Result<Option<Self>, ConfigError> {
        let path = Self::own_path(inputs);
        match Self::read(&path) {
            Ok(None) if inputs.flags.config_file.is_some() => Err(ConfigError::Unreadable {
                file: path,
                source: io::ErrorKind::NotFound.into(),
            }),
            settled => settled,
        }
    }

    /// Reads the project's file. None where another was asked for, or where it is the user's own.
    pub fn of_project(inputs: &Inputs<'_>) -> Result<Option<Self>, ConfigError> {
        let path = Self::project_path(inputs);
        if inputs.flags.config_file.is_some() || path == Self::own_path(inputs) {
            return Ok(None);
        }
        match Self::read(&path) {
            // In a directory that cannot be read there is nothing to be obeyed.
            Err(ConfigError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Ok(None)
            }
            settled => settled,
        }
    }

    fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let path = path.to_owned();
        // One came with a project, and may be a pipe or without an end.
        match platform::read_regular(&path, Links::Follow, MAX_BYTES) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(values)) => Ok(Some(Self { path, values })),
                Ok(_) => Err(ConfigError::NotAnObject { file: path }),
                Err(source) => Err(ConfigError::NotJson { file: path, source }),
            },
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ConfigError::Unreadable { file: path, source }),
        }
    }

    /// What is written for a setting; null and the empty text count as unset.
    pub fn value(&self, spec: &Spec) -> Result<Option<&Value>, ConfigError> {
        for key in [Some(spec.key), spec.alias].into_iter().flatten() {
            let found = match key.split_once('.') {
                None => self.values.get(key),
                Some((object, name)) => self.object(object)?.and_then(|values| values.get(name)),
            };
            let is_set = |value: &&Value| !value.is_null() && value.as_str() != Some("");
            if let Some(value) = found.filter(is_set) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn object(&self, key: &str) -> Result<Option<&Map<String, Value>>, ConfigError> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(values)) => Ok(Some(values)),
            Some(value) => Err(ConfigError::NotAnObjectThere {
                file: self.path.clone(),
                key: key.to_owned(),
                found: type_name(value),
            }),
        }
    }
}
