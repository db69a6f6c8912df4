//! For which events the dashboard calls somebody: a truth value for all, or an object with one for each.

use serde_json::{Map, Value};

use crate::domain::text::type_name;

/// For which events somebody is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFor {
    /// An approval is pending.
    pub needs_you: bool,
    /// A turn failed.
    pub failed: bool,
    /// A turn finished.
    pub finished: bool,
}

impl CallFor {
    /// For everything.
    pub const ALL: Self = Self {
        needs_you: true,
        failed: true,
        finished: true,
    };
    /// For nothing.
    pub const NONE: Self = Self {
        needs_you: false,
        failed: false,
        finished: false,
    };
    /// The names of the events.
    pub(super) const NAMES: [&str; 3] = ["needs_you", "failed", "finished"];

    /// Reads what was written; an event that is not named is on. The error follows the setting's name.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let events = match value {
            Value::Bool(true) => return Ok(Self::ALL),
            Value::Bool(false) => return Ok(Self::NONE),
            Value::Object(events) => events,
            other => {
                return Err(format!(
                    "must be true, false or an object such as {{\"finished\": false}}, not {}",
                    type_name(other)
                ));
            }
        };
        let mut wanted = Self::ALL;
        for (name, value) in events {
            let event = match name.as_str() {
                "needs_you" => &mut wanted.needs_you,
                "failed" => &mut wanted.failed,
                "finished" => &mut wanted.finished,
                other => {
                    return Err(format!(
                        "names no event: {other:?}; there are {}",
                        Self::NAMES.join(", ")
                    ));
                }
            };
            *event = value
                .as_bool()
                .ok_or_else(|| format!("must have true or false for `{name}`"))?;
        }
        Ok(wanted)
    }

    /// As it would be written.
    pub(super) fn show(&self) -> Value {
        let events = [self.needs_you, self.failed, self.finished];
        if events == [true; 3] || events == [false; 3] {
            return Value::Bool(self.needs_you);
        }
        let named = Self::NAMES.into_iter().zip(events);
        let named: Map<String, Value> = named
            .map(|(name, on)| (name.to_owned(), Value::Bool(on)))
            .collect();
        Value::Object(named)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_truth_value_is_for_all_events_and_an_object_for_each() {
        let but_finished = CallFor {
            finished: false,
            ..CallFor::ALL
        };
        for (written, wanted) in [
            (json!(true), CallFor::ALL),
            (json!(false), CallFor::NONE),
            (json!({}), CallFor::ALL),
            (json!({"finished": false}), but_finished),
            (
                json!({"needs_you": false, "failed": false, "finished": false}),
                CallFor::NONE,
            ),
        ] {
            assert_eq!(CallFor::read(&written), Ok(wanted), "{written}");
            assert_eq!(CallFor::read(&wanted.show()), Ok(wanted), "{written}");
        }
        for (written, problem) in [
            (json!("no"), "must be true, false or an object"),
            (
                json!({"done": true}),
                "there are needs_you, failed, finished",
            ),
            (json!({"failed": 1}), "true or false for `failed`"),
        ] {
            let said = CallFor::read(&written).err().unwrap_or_default();
            assert!(said.contains(problem), "{said}");
        }
    }
}
