//! Which of the places a setting may come from wins.
//!
//! The environment beats the project's file, where that may set it, which beats the user's own
//! file, which beats the default. Called by the table in [`super::settings`] alone.

use std::path::Path;

use serde_json::Value;

use super::file::ConfigFile;
use super::spec::Spec;
use super::types::{Place, ValueType};
use super::value::{Origin, Setting};
use super::{ConfigError, Inputs};

/// The places.
pub(super) struct Resolver<'a> {
    pub inputs: &'a Inputs<'a>,
    /// The project's file.
    pub project: Option<&'a ConfigFile>,
    /// The user's own file, or the one asked for.
    pub own: Option<&'a ConfigFile>,
}

impl Resolver<'_> {
    /// The value of a setting and where it comes from.
    pub fn setting<T: ValueType>(
        &self,
        spec: &Spec,
        kind: &T,
        default: impl FnOnce(&Path) -> T::Out,
    ) -> Result<Setting<T::Out>, ConfigError> {
        let Some((value, origin)) = self.find(spec)? else {
            return Ok(Setting {
                value: default(self.inputs.home),
                origin: Origin::Default,
            });
        };
        let place = Place {
            home: self.inputs.home,
            // A relative path in a file means one beside the file.
            base: match &origin {
                Origin::File(file) => file.parent().unwrap_or(self.inputs.directory),
                Origin::Flag(_) | Origin::Environment(_) | Origin::Default => self.inputs.directory,
            },
        };
        match kind.read(&value, place) {
            Ok(value) => Ok(Setting { value, origin }),
            Err(problem) => Err(ConfigError::Invalid {
                key: spec.key,
                origin,
                problem,
            }),
        }
    }

    /// What was written, and where; null and the empty text count as unset.
    fn find(&self, spec: &Spec) -> Result<Option<(Value, Origin)>, ConfigError> {
        // Where a flag decides, what else is written is not even read. The flag's path is put in as it
        // was given, because a path need not be text.
        if spec.flag.is_some() && self.inputs.flags.daemon_socket.is_some() {
            return Ok(None);
        }
        for variable in spec.env {
            let Some(found) = (self.inputs.environment)(variable).filter(|v| !v.is_empty()) else {
                continue;
            };
            let origin = Origin::Environment(variable);
            return match found.into_string() {
                Ok(text) => Ok(Some((Value::from(text), origin))),
                Err(_) => Err(ConfigError::Invalid {
                    key: spec.key,
                    origin,
                    problem: "is not valid UTF-8".to_owned(),
                }),
            };
        }
        let project = self.project.filter(|_| spec.project);
        for file in [project, self.own].into_iter().flatten() {
            if let Some(value) = file.value(spec)? {
                return Ok(Some((value.clone(), Origin::File(file.path.clone()))));
            }
        }
        Ok(None)
    }
}
