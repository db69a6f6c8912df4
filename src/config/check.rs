//! Whether a configuration file is as it should be: its keys that mean nothing, or nothing there, and its values.

use std::path::Path;

use serde_json::{Map, Value};

use super::file::ConfigFile;
use super::settings::{FOREIGN, specs};
use super::{Config, ConfigError, Flags, Inputs, Warning};
use crate::domain::text::nearest;

/// The object in the file that holds the dashboard's settings.
const DASHBOARD: &str = "dashboard";

impl ConfigFile {
    /// The keys that mean nothing, and in a project's file those that it may not set.
    pub fn warnings(&self, is_of_a_project: bool) -> Vec<Warning> {
        let top = specs()
            .flat_map(|spec| [Some(spec.key), spec.alias])
            .flatten()
            .filter(|key| !key.contains('.'));
        let known: Vec<&str> = top
            .chain(FOREIGN.iter().map(|(key, _)| *key))
            .chain([DASHBOARD])
            .collect();
        let mut warnings = self.unknown(&self.values, "", &known);
        if let Some(Value::Object(values)) = self.values.get(DASHBOARD) {
            let known: Vec<&str> = specs()
                .filter_map(|spec| spec.key.strip_prefix("dashboard."))
                .collect();
            warnings.extend(self.unknown(values, "dashboard.", &known));
        }
        if is_of_a_project {
            warnings.extend(specs().filter(|spec| !spec.project).filter_map(|spec| {
                let value = self.value(spec).ok().flatten();
                value.map(|_| Warning::NotForAProject {
                    file: self.path.clone(),
                    key: spec.key,
                })
            }));
        }
        warnings
    }

    fn unknown(&self, values: &Map<String, Value>, prefix: &str, known: &[&str]) -> Vec<Warning> {
        let unknown = values.keys().filter(|key| !known.contains(&key.as_str()));
        unknown
            .map(|key| Warning::UnknownKey {
                file: self.path.clone(),
                key: format!("{prefix}{key}"),
                instead: nearest(key, known.iter().copied()).map(|near| format!("{prefix}{near}")),
            })
            .collect()
    }
}

/// Checks what the user wrote, apart from the process's flags and environment.
///
/// # Errors
/// As [`super::Config::resolve`], for this file alone.
pub(crate) fn check(path: &Path, home: &Path) -> Result<Config, ConfigError> {
    let flags = Flags {
        config_file: Some(path.to_owned()),
        daemon_socket: None,
    };
    Config::resolve(&Inputs {
        flags: &flags,
        environment: &|_| None,
        directory: home,
        home,
    })
}
