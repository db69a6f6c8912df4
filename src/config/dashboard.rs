//! How the user wants the dashboard: the object `dashboard` of the configuration file.
//!
//! Unlike the rest of the file, which older clients share, this object is ours alone, so a key in it
//! that means nothing is a mistake and is said to be one. Which actions and themes there are is not
//! known here; the dashboard checks those names itself. Called by the resolver.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Time;
use serde_json::{Map, Value};

use super::file::{ConfigFile, type_name};
use super::{ConfigError, Entry, Origin, Setting};
use crate::domain::text::nearest;

/// The keys that there are.
const KEYS: [&str; 8] = [
    "theme",
    "keys",
    "bell",
    "notify",
    "quiet_hours",
    "confirm_dangerous",
    "mouse",
    "deny_reasons",
];

/// What a project's own file may not set: with these it could have the user decide unawares.
const NOT_FOR_A_PROJECT: [(&str, &str); 2] = [
    ("keys", "dashboard.keys"),
    ("confirm_dangerous", "dashboard.confirm_dangerous"),
];

/// The wishes.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// The name of the theme.
    pub theme: Setting<Option<String>>,
    /// An action's name to all of its keys.
    pub keys: Setting<BTreeMap<String, Vec<String>>>,
    /// Ring the bell when something waits.
    pub bell: Setting<bool>,
    /// Tell the desktop when something waits and nobody looks at the terminal.
    pub notify: Setting<bool>,
    /// From when until when neither happens, by the clock of this machine.
    pub quiet_hours: Setting<Option<(Time, Time)>>,
    /// Ask twice before a dangerous approval.
    pub confirm_dangerous: Setting<bool>,
    /// Take the mouse.
    pub mouse: Setting<bool>,
    /// Quick reasons for a denial; none: the built-in ones.
    pub deny_reasons: Setting<Option<Vec<String>>>,
}

impl Dashboard {
    /// Reads the object.
    pub(super) fn read(file: Option<&ConfigFile>) -> Result<Self, ConfigError> {
        let nothing = Map::new();
        let values = match file {
            Some(file) => file.object("dashboard")?.unwrap_or(&nothing),
            None => &nothing,
        };
        let object = Object {
            file: file
                .map(|file| file.path.as_path())
                .unwrap_or(Path::new("")),
            values,
        };
        object.must_be_known()?;
        if file.is_some_and(|file| file.of_a_project) {
            object.must_not_decide()?;
        }
        Ok(Self {
            theme: object.value("dashboard.theme", None, |value| text(value).map(Some))?,
            keys: object.value("dashboard.keys", BTreeMap::new(), keys)?,
            bell: object.value("dashboard.bell", true, truth)?,
            notify: object.value("dashboard.notify", false, truth)?,
            quiet_hours: object.value("dashboard.quiet_hours", None, |value| {
                hours(value).map(Some)
            })?,
            confirm_dangerous: object.value("dashboard.confirm_dangerous", false, truth)?,
            mouse: object.value("dashboard.mouse", true, truth)?,
            deny_reasons: object.value("dashboard.deny_reasons", None, |value| {
                texts(value, "reasons, such as [\"Not now.\"]").map(Some)
            })?,
        })
    }

    /// The wishes that somebody has expressed, as they would be written in the object.
    pub fn set(&self) -> impl Iterator<Item = (String, Value)> {
        self.entries()
            .into_iter()
            .filter(|entry| entry.source != Origin::Default.to_string())
            .map(|entry| {
                let name = entry.key.rsplit('.').next().unwrap_or(entry.key);
                (name.to_owned(), entry.value)
            })
    }

    /// The wishes as they are shown.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let truth = |value: &bool| Value::from(*value);
        vec![
            self.theme
                .entry("dashboard.theme", |name| Value::from(name.as_deref())),
            self.keys.entry("dashboard.keys", |keys| {
                keys.iter()
                    .map(|(action, keys)| (action.clone(), Value::from(keys.clone())))
                    .collect::<Map<_, _>>()
                    .into()
            }),
            self.bell.entry("dashboard.bell", truth),
            self.notify.entry("dashboard.notify", truth),
            self.quiet_hours.entry("dashboard.quiet_hours", |hours| {
                hours.map_or(Value::Null, |(from, until)| {
                    Value::from(vec![clock(from), clock(until)])
                })
            }),
            self.confirm_dangerous
                .entry("dashboard.confirm_dangerous", truth),
            self.mouse.entry("dashboard.mouse", truth),
            self.deny_reasons
                .entry("dashboard.deny_reasons", |reasons| match reasons {
                    Some(reasons) => Value::from(reasons.clone()),
                    None => Value::Null,
                }),
        ]
    }
}

fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

struct Object<'a> {
    file: &'a Path,
    values: &'a Map<String, Value>,
}

impl Object<'_> {
    fn must_be_known(&self) -> Result<(), ConfigError> {
        let unknown = self.values.keys().find(|key| !KEYS.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some(key) => Err(ConfigError::UnknownKey {
                file: self.file.to_owned(),
                key: format!("dashboard.{key}"),
                instead: match nearest(key, KEYS) {
                    Some(near) => format!("did you mean `dashboard.{near}`?"),
                    None => format!("there are {}", KEYS.join(", ")),
                },
            }),
        }
    }

    fn must_not_decide(&self) -> Result<(), ConfigError> {
        for (name, key) in NOT_FOR_A_PROJECT {
            if self.values.get(name).is_some_and(|value| !value.is_null()) {
                return Err(ConfigError::NotForAProject {
                    file: self.file.to_owned(),
                    key,
                });
            }
        }
        Ok(())
    }

    /// The value of a key, which is named with its object; null counts as unset.
    fn value<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Setting<T>, ConfigError> {
        let name = key.rsplit('.').next().unwrap_or(key);
        let found = self.values.get(name).filter(|value| !value.is_null());
        let Some(found) = found else {
            return Ok(Setting {
                value: default,
                origin: Origin::Default,
            });
        };
        let origin = Origin::File(self.file.to_owned());
        match read(found) {
            Ok(value) => Ok(Setting { value, origin }),
            Err(problem) => Err(ConfigError::Invalid {
                key,
                origin,
                problem,
            }),
        }
    }
}

fn text(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("must be a string, not {}", type_name(value)))
}

fn truth(value: &Value) -> Result<bool, String> {
    value
        .as_bool()
        .ok_or_else(|| format!("must be true or false, not {}", type_name(value)))
}

fn texts(value: &Value, of: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("must be a list of {of}");
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|text| text.as_str().filter(|text| !text.trim().is_empty()))
        .map(|text| text.map(str::to_owned).ok_or_else(wrong))
        .collect()
}

fn keys(value: &Value) -> Result<BTreeMap<String, Vec<String>>, String> {
    let Some(actions) = value.as_object() else {
        return Err(format!(
            "must be an object such as {{\"approve\": [\"y\"]}}, not {}",
            type_name(value)
        ));
    };
    actions
        .iter()
        .map(|(action, keys)| {
            // One key needs no list around it.
            let keys = match keys {
                Value::String(key) => vec![key.clone()],
                other => texts(other, "keys, such as [\"y\", \"ctrl-y\"]")
                    .map_err(|problem| format!("is wrong for `{action}`, which {problem}"))?,
            };
            Ok((action.clone(), keys))
        })
        .collect()
}

fn hours(value: &Value) -> Result<(Time, Time), String> {
    let wrong = || "must be two times of the day, such as [\"22:00\", \"07:00\"]".to_owned();
    let [from, until] = value.as_array().ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let time = |value: &Value| {
        let (hour, minute) = value.as_str()?.split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    match (time(from), time(until)) {
        (Some(from), Some(until)) => Ok((from, until)),
        (None, _) | (_, None) => Err(wrong()),
    }
}
