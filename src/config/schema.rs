//! The JSON schema of the configuration file, for editors, and a start for a new file.

use serde_json::{Map, Value, json};

use super::settings::{Description, FOREIGN, describe};

/// The name of the schema's file beside a configuration file.
pub const SCHEMA_NAME: &str = "humanlayer.schema.json";

/// What a new file begins with: the settings that people change first, with their defaults.
const STARTER: [&str; 5] = [
    "session_idle_minutes",
    "dashboard.bell",
    "dashboard.notify",
    "dashboard.mouse",
    "dashboard.keys",
];

/// Names that only the dashboard knows.
#[derive(Clone, Debug)]
pub struct Names {
    /// The themes.
    pub themes: Vec<&'static str>,
    /// The actions, and what each does.
    pub actions: Vec<(&'static str, &'static str)>,
}

/// The schema.
#[must_use]
pub fn schema(names: &Names) -> Value {
    let mut top = Map::new();
    let mut dashboard = Map::new();
    for description in describe() {
        let (object, key) = match description.spec.key.split_once('.') {
            Some((_, key)) => (&mut dashboard, key),
            None => (&mut top, description.spec.key),
        };
        let schema = property(&description, names);
        if let Some(alias) = description.spec.alias {
            let mut older = schema.clone();
            older["deprecated"] = Value::from(true);
            older["description"] = Value::from(format!("An older name of `{key}`."));
            object.insert(alias.to_owned(), older);
        }
        object.insert(key.to_owned(), schema);
    }
    for (key, doc) in FOREIGN {
        top.insert(key.to_owned(), json!({ "description": doc }));
    }
    top.insert(
        "dashboard".to_owned(),
        json!({
            "type": "object",
            "description": "How you want the dashboard.",
            "properties": dashboard,
            "additionalProperties": false,
        }),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of humanlayer (humanlayer.json)",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
    })
}

fn property(description: &Description, names: &Names) -> Value {
    let mut schema = description.schema.clone();
    match description.spec.key {
        "dashboard.theme" => schema = json!({ "enum": names.themes }),
        "dashboard.keys" => {
            let keys = schema["additionalProperties"].take();
            schema["properties"] = names
                .actions
                .iter()
                .map(|(action, does)| {
                    let mut keys = keys.clone();
                    keys["description"] = Value::from(*does);
                    ((*action).to_owned(), keys)
                })
                .collect::<Map<_, _>>()
                .into();
            schema["additionalProperties"] = Value::from(false);
        }
        _ => {}
    }
    let mut text = description.spec.doc.to_owned();
    if !description.spec.env.is_empty() {
        text.push_str(&format!(
            " Environment: {}.",
            description.spec.env.join(", ")
        ));
    }
    if !description.spec.project {
        text.push_str(" Not read from a project's file.");
    }
    schema["description"] = Value::from(text);
    if !description.default.is_null() {
        schema["default"] = description.default.clone();
    }
    schema
}

/// What a new configuration file holds.
#[must_use]
pub fn starter() -> String {
    let mut file = json!({ "$schema": format!("./{SCHEMA_NAME}") });
    for description in describe() {
        if !STARTER.contains(&description.spec.key) {
            continue;
        }
        let default = description.default;
        match description.spec.key.split_once('.') {
            Some((object, key)) => file[object][key] = default,
            None => file[description.spec.key] = default,
        }
    }
    format!("{file:#}\n")
}
