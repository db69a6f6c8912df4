//! The kinds of values that settings have: how each is read, shown, described and put in a schema.
//!
//! What comes from the environment arrives as a string, so numbers and truth values are read from
//! strings too. A problem is worded to follow the setting's name: "must be …". No settings here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Time;
use serde_json::{Map, Value, json};

use super::value::{LogLevel, Port, Secret};
use super::{CallFor, expand};
use crate::domain::text::type_name;

/// Where a value was found, for paths in it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// What `~` means.
    pub home: &'a Path,
    /// What a relative path is relative to.
    pub base: &'a Path,
}

/// A kind of values.
pub(super) trait ValueType {
    /// What it is in the program.
    type Out;

    /// Reads what was written. The error follows the setting's name.
    fn read(&self, value: &Value, place: Place<'_>) -> Result<Self::Out, String>;
    /// What `config show` shows; null when there is nothing.
    fn show(&self, value: &Self::Out) -> Value;
    /// Which values there are, in words.
    fn allowed(&self) -> String;
    /// The JSON schema of a value.
    fn schema(&self) -> Value;
}

fn string(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .map(str::trim)
        .ok_or_else(|| format!("must be a string, not {}", type_name(value)))
}

/// A number, or a string that holds one.
fn number<T: std::str::FromStr>(value: &Value) -> Result<Option<T>, String> {
    match value {
        Value::Number(number) => Ok(number.to_string().parse().ok()),
        Value::String(text) => Ok(text.trim().parse().ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("must be a number, not {}", type_name(value)))
        }
    }
}

/// Nothing, or one of another kind.
pub(super) struct Optional<T>(pub T);

impl<T: ValueType> ValueType for Optional<T> {
    type Out = Option<T::Out>;

    fn read(&self, value: &Value, place: Place<'_>) -> Result<Self::Out, String> {
        self.0.read(value, place).map(Some)
    }

    fn show(&self, value: &Self::Out) -> Value {
        value
            .as_ref()
            .map_or(Value::Null, |value| self.0.show(value))
    }

    fn allowed(&self) -> String {
        self.0.allowed()
    }

    fn schema(&self) -> Value {
        self.0.schema()
    }
}

/// A path; made absolute.
pub(super) struct PathName;

impl ValueType for PathName {
    type Out = PathBuf;

    fn read(&self, value: &Value, place: Place<'_>) -> Result<PathBuf, String> {
        Ok(expand(Path::new(string(value)?), place.home, place.base))
    }

    fn show(&self, value: &PathBuf) -> Value {
        Value::from(value.to_string_lossy())
    }

    fn allowed(&self) -> String {
        "a path; ~ is your home directory".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string" })
    }
}

/// Any text; the field says what it is.
pub(super) struct Text(pub &'static str);

impl ValueType for Text {
    type Out = String;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<String, String> {
        string(value).map(str::to_owned)
    }

    fn show(&self, value: &String) -> Value {
        Value::from(value.as_str())
    }

    fn allowed(&self) -> String {
        self.0.to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string" })
    }
}

/// A text that is shown masked.
pub(super) struct SecretText;

impl ValueType for SecretText {
    type Out = Secret;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<Secret, String> {
        string(value).map(Secret::new)
    }

    fn show(&self, value: &Secret) -> Value {
        Value::from(value.masked())
    }

    fn allowed(&self) -> String {
        "a key; shown masked".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string" })
    }
}

/// A base URL, without the slash at its end.
pub(super) struct Url;

impl ValueType for Url {
    type Out = String;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<String, String> {
        let text = string(value)?;
        if text.starts_with("https://") || text.starts_with("http://") {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err("must be a URL that begins with https:// or http://".to_owned())
        }
    }

    fn show(&self, value: &String) -> Value {
        Value::from(value.as_str())
    }

    fn allowed(&self) -> String {
        "a URL".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": "^https?://" })
    }
}

/// A log level.
pub(super) struct Level;

impl ValueType for Level {
    type Out = LogLevel;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<LogLevel, String> {
        LogLevel::parse(string(value)?).ok_or_else(|| format!("must be {}", self.allowed()))
    }

    fn show(&self, value: &LogLevel) -> Value {
        Value::from(value.as_str())
    }

    fn allowed(&self) -> String {
        format!("one of {}", LogLevel::ALL.map(LogLevel::as_str).join(", "))
    }

    fn schema(&self) -> Value {
        json!({ "enum": LogLevel::ALL.map(LogLevel::as_str) })
    }
}

/// A number within bounds.
pub(super) struct Number {
    pub above: Option<f64>,
    pub least: Option<f64>,
    pub most: f64,
    pub unit: &'static str,
}

impl ValueType for Number {
    type Out = f64;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<f64, String> {
        number(value)?
            .filter(|number| {
                self.above.is_none_or(|bound| *number > bound)
                    && self.least.is_none_or(|bound| *number >= bound)
                    && *number <= self.most
            })
            .ok_or_else(|| format!("must be {}", self.allowed()))
    }

    fn show(&self, value: &f64) -> Value {
        Value::from(*value)
    }

    fn allowed(&self) -> String {
        let (unit, most) = (self.unit, self.most);
        match (self.above, self.least) {
            (Some(above), _) => format!("a number of {unit} above {above}, at most {most}"),
            (None, Some(least)) => format!("a number of {unit} from {least} to {most}"),
            (None, None) => format!("a number of {unit}, at most {most}"),
        }
    }

    fn schema(&self) -> Value {
        let mut schema = json!({ "type": "number" });
        if let Some(above) = self.above {
            schema["exclusiveMinimum"] = json!(above);
        }
        if let Some(least) = self.least {
            schema["minimum"] = json!(least);
        }
        schema["maximum"] = json!(self.most);
        schema
    }
}

/// A whole number within bounds.
pub(super) struct Integer {
    pub least: u16,
    pub most: u16,
    /// In words, with the bounds.
    pub what: &'static str,
}

impl ValueType for Integer {
    type Out = u16;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<u16, String> {
        number(value)?
            .filter(|number| (self.least..=self.most).contains(number))
            .ok_or_else(|| format!("must be {}", self.what))
    }

    fn show(&self, value: &u16) -> Value {
        Value::from(*value)
    }

    fn allowed(&self) -> String {
        self.what.to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "integer", "minimum": self.least, "maximum": self.most })
    }
}

/// The word for a port that is free.
const ANY_PORT: &str = "any";

/// A port: a number, 0 for none, or `any` for one that is free.
pub(super) struct PortNumber;

impl ValueType for PortNumber {
    type Out = Port;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<Port, String> {
        if value.as_str().is_some_and(|text| text.trim() == ANY_PORT) {
            return Ok(Port::Any);
        }
        match number(value)? {
            Some(0) => Ok(Port::Off),
            Some(number) => Ok(Port::Number(number)),
            None => Err(format!("must be {}", self.allowed())),
        }
    }

    fn show(&self, value: &Port) -> Value {
        match value {
            Port::Off => Value::from(0),
            Port::Any => Value::from(ANY_PORT),
            Port::Number(number) => Value::from(*number),
        }
    }

    fn allowed(&self) -> String {
        format!(
            "a port from 0 (off) to {}, or `{ANY_PORT}` for a free one",
            u16::MAX
        )
    }

    fn schema(&self) -> Value {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u16::MAX },
            { "const": ANY_PORT },
        ] })
    }
}

/// True or false.
pub(super) struct Bool;

impl ValueType for Bool {
    type Out = bool;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<bool, String> {
        match value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) => match text.trim() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err("must be true or false".to_owned()),
            },
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(format!("must be true or false, not {}", type_name(value)))
            }
        }
    }

    fn show(&self, value: &bool) -> Value {
        Value::from(*value)
    }

    fn allowed(&self) -> String {
        "true or false".to_owned()
    }

    fn schema(&self) -> Value {
        json!({ "type": "boolean" })
    }
}

/// For which events somebody is called.
pub(super) struct Calls;

impl ValueType for Calls {
    type Out = CallFor;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<CallFor, String> {
        CallFor::read(value)
    }

    fn show(&self, value: &CallFor) -> Value {
        value.show()
    }

    fn allowed(&self) -> String {
        format!(
            "true, false, or an object with {}",
            CallFor::NAMES.join(", ")
        )
    }

    fn schema(&self) -> Value {
        let events = CallFor::NAMES.map(|name| (name.to_owned(), json!({ "type": "boolean" })));
        json!({ "anyOf": [
            { "type": "boolean" },
            {
                "type": "object",
                "properties": Map::from_iter(events),
                "additionalProperties": false,
            },
        ] })
    }
}

/// A list of texts; the field says which.
pub(super) struct List(pub &'static str);

impl ValueType for List {
    type Out = Vec<String>;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<Vec<String>, String> {
        texts(value, self.0)
    }

    fn show(&self, value: &Vec<String>) -> Value {
        Value::from(value.clone())
    }

    fn allowed(&self) -> String {
        format!("a list of {}", self.0)
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
    }
}

fn texts(value: &Value, of: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("must be a list of {of}");
    let list = value.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|text| text.as_str().filter(|text| !text.trim().is_empty()))
        .map(|text| text.map(str::to_owned).ok_or_else(wrong))
        .collect()
}

/// From when until when, by the clock.
pub(super) struct TimesOfDay;

impl ValueType for TimesOfDay {
    type Out = (Time, Time);

    fn read(&self, value: &Value, _: Place<'_>) -> Result<(Time, Time), String> {
        let wrong = || format!("must be {}", self.allowed());
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

    fn show(&self, (from, until): &(Time, Time)) -> Value {
        let clock = |time: &Time| format!("{:02}:{:02}", time.hour(), time.minute());
        Value::from(vec![clock(from), clock(until)])
    }

    fn allowed(&self) -> String {
        "two times of the day, such as [\"22:00\", \"07:00\"]".to_owned()
    }

    fn schema(&self) -> Value {
        json!({
            "type": "array",
            "items": { "type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$" },
            "minItems": 2,
            "maxItems": 2,
        })
    }
}

/// An action's name to all of its keys.
pub(super) struct KeyBindings;

impl ValueType for KeyBindings {
    type Out = BTreeMap<String, Vec<String>>;

    fn read(&self, value: &Value, _: Place<'_>) -> Result<Self::Out, String> {
        let Some(actions) = value.as_object() else {
            return Err(format!(
                "must be {}, not {}",
                self.allowed(),
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

    fn show(&self, value: &Self::Out) -> Value {
        value
            .iter()
            .map(|(action, keys)| (action.clone(), Value::from(keys.clone())))
            .collect::<Map<_, _>>()
            .into()
    }

    fn allowed(&self) -> String {
        "an object such as {\"approve\": [\"y\"]}".to_owned()
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    { "type": "string", "minLength": 1 },
                    { "type": "array", "items": { "type": "string", "minLength": 1 } },
                ]
            }
        })
    }
}
