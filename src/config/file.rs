//! The configuration file: which one it is, and its values by key.
//!
//! Unknown keys are ignored, because older clients keep theirs in the same
//! file. Never writes it ([`super::write`] does). Called by the resolver alone.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ConfigError, FILE_NAME, Form, Inputs, expand};

/// A file that was read.
pub(super) struct ConfigFile {
    pub path: PathBuf,
    /// Whether it lies in the working directory and nobody asked for it: it came with a project.
    pub of_a_project: bool,
    values: Map<String, Value>,
}

impl ConfigFile {
    /// Which file is, or would be, read.
    pub fn locate(inputs: &Inputs<'_>) -> PathBuf {
        let local = inputs.directory.join(FILE_NAME);
        if inputs.flags.config_file.is_none() && local.exists() {
            return local;
        }
        Self::locate_own(inputs)
    }

    /// The user's own file, wherever the user is, or the one asked for.
    pub fn locate_own(inputs: &Inputs<'_>) -> PathBuf {
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

    /// Reads the file; none if there is none, which is only wrong when it was asked for.
    pub fn find(inputs: &Inputs<'_>) -> Result<Option<Self>, ConfigError> {
        let path = Self::locate(inputs);
        let of_a_project =
            inputs.flags.config_file.is_none() && path == inputs.directory.join(FILE_NAME);
        match std::fs::read(&path) {
            Ok(bytes) => {
                let file = Self::parse(path, of_a_project, &bytes)?;
                if of_a_project {
                    file.must_not_choose_for_the_user()?;
                }
                Ok(Some(file))
            }
            Err(cause)
                if cause.kind() == io::ErrorKind::NotFound
                    && inputs.flags.config_file.is_none() =>
            {
                Ok(None)
            }
            Err(source) => Err(ConfigError::Unreadable { file: path, source }),
        }
    }

    fn parse(path: PathBuf, of_a_project: bool, bytes: &[u8]) -> Result<Self, ConfigError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(values)) => Ok(Self {
                path,
                of_a_project,
                values,
            }),
            Ok(_) => Err(ConfigError::NotAnObject { file: path }),
            Err(source) => Err(ConfigError::NotJson { file: path, source }),
        }
    }

    /// A file in the working directory came with a project, perhaps a stranger's: it must not say
    /// which program runs as the agent, where the user's key is sent, nor who reaches the daemon.
    fn must_not_choose_for_the_user(&self) -> Result<(), ConfigError> {
        for key in ["claude_path", "api_base_url", "http_allow_remote"] {
            if self.values.get(key).is_some_and(|value| !value.is_null()) {
                return Err(ConfigError::NotForAProject {
                    file: self.path.clone(),
                    key,
                });
            }
        }
        Ok(())
    }

    /// The object under a key; null counts as unset.
    pub fn object(&self, key: &'static str) -> Result<Option<&Map<String, Value>>, ConfigError> {
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(values)) => Ok(Some(values)),
            Some(value) => Err(ConfigError::WrongType {
                file: self.path.clone(),
                key,
                expected: "an object",
                found: type_name(value),
            }),
        }
    }

    /// The value of a key as text; null and the empty string count as unset.
    pub fn text(&self, key: &'static str, form: Form) -> Result<Option<String>, ConfigError> {
        let (expected, read) = form;
        match self.values.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match read(value) {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(ConfigError::WrongType {
                    file: self.path.clone(),
                    key,
                    expected,
                    found: type_name(value),
                }),
            },
        }
    }
}

/// A value's type in words.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Checks what the user wrote, apart from the process's flags and environment.
///
/// # Errors
/// As [`super::Config::resolve`], for this file alone.
pub(crate) fn check(path: &Path, home: &Path) -> Result<super::Config, ConfigError> {
    let flags = super::Flags {
        config_file: Some(path.to_owned()),
        daemon_socket: None,
    };
    super::Config::resolve(&Inputs {
        flags: &flags,
        environment: &|_| None,
        directory: home,
        home,
    })
}
