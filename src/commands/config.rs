//! `config`: show, document or edit the configuration.
//!
//! Works without a daemon, and `edit` even with a broken file.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::exit::Failure;
use super::output::Output;
use super::{complete, dashboard, warn_of_configuration};
use crate::config::{
    self, Config, Description, Entry, Flags, SCHEMA_NAME, check, describe, locate_own,
};
use crate::domain::text::{nearest, sanitize_line};
use crate::tui::keymap::{Action, DIALOG_KEYS, DIALOGS, Keymap};

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer config list\n  \
    humanlayer config get dashboard.theme\n  \
    humanlayer config edit\n\n\
    A flag beats the environment, which beats humanlayer.json in the working directory, which\n\
    beats your own humanlayer.json, which beats the default. A file in the working directory\n\
    belongs to a project: it may change how the dashboard looks and nothing else.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List every setting: value, source, allowed values, description
    List,
    /// Show every value and its source, a line each
    Show,
    /// Print the value of one setting
    Get {
        /// The setting, such as dashboard.theme
        #[arg(add = complete::settings())]
        key: String,
    },
    /// List the dashboard's actions and their keys
    Keys,
    /// Open your file in $VISUAL or $EDITOR, and check it afterwards
    Edit,
    /// Print the JSON schema of the file, for editors
    Schema,
}

/// Shows, documents or edits.
pub fn run(args: &Args, flags: &Flags, mut out: Output) -> Result<(), Failure> {
    match &args.what {
        What::Schema => return out.json(&config::schema(&dashboard::known_names())),
        What::Edit => {
            let file = locate_own(flags)?;
            edit(&file)?;
            return out.result(&json!({"file": file}), |_| Ok(()));
        }
        What::List | What::Show | What::Get { .. } | What::Keys => {}
    }
    let config = Config::load(flags)?;
    warn_of_configuration(&config);
    match &args.what {
        What::List => list(&config, out),
        What::Show => show(&config, out),
        What::Get { key } => get(&config, key, out),
        What::Keys => keys(&config, out),
        What::Schema | What::Edit => Ok(()),
    }
}

/// A setting with its value and its documentation.
struct Row {
    entry: Entry,
    about: Description,
}

fn rows(config: &Config) -> impl Iterator<Item = Row> {
    let names = dashboard::known_names();
    let entries = config.entries().into_iter().zip(describe());
    entries.map(move |(entry, mut about)| {
        if entry.key == "dashboard.theme" {
            about.allowed = format!("one of {}", names.themes.join(", "));
        }
        Row { entry, about }
    })
}

impl Row {
    fn value(&self) -> String {
        plain(&self.entry.value)
    }

    /// The ways to set it.
    fn set_by(&self) -> String {
        let spec = &self.about.spec;
        let mut ways: Vec<&str> = spec.flag.into_iter().collect();
        ways.extend(spec.env);
        ways.push(if spec.project {
            "your file or a project's"
        } else {
            "your file"
        });
        ways.join(", ")
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn list(config: &Config, mut out: Output) -> Result<(), Failure> {
    if out.is_json() {
        let all: Vec<Value> = rows(config)
            .map(|row| {
                json!({
                    "key": row.entry.key,
                    "value": row.entry.value,
                    "source": row.entry.source,
                    "default": row.about.default,
                    "allowed": row.about.allowed,
                    "flag": row.about.spec.flag,
                    "environment": row.about.spec.env,
                    "project_file": row.about.spec.project,
                    "description": row.about.spec.doc,
                })
            })
            .collect();
        return out.json(&all);
    }
    if !out.is_terminal() {
        out.rows(
            ["KEY", "VALUE", "SOURCE", "ALLOWED", "SET BY", "DESCRIPTION"],
            &[],
            rows(config).map(|row| {
                [
                    row.entry.key.to_owned(),
                    row.value(),
                    row.entry.source.clone(),
                    row.about.allowed.clone(),
                    row.set_by(),
                    row.about.spec.doc.to_owned(),
                ]
            }),
        )?;
        return Ok(());
    }
    for row in rows(config) {
        let value = match row.value() {
            empty if empty.is_empty() => "(not set)".to_owned(),
            value => value,
        };
        out.line(format!(
            "{} = {} ({})",
            row.entry.key,
            sanitize_line(&value),
            sanitize_line(&row.entry.source)
        ))?;
        out.paragraph("    ", row.about.spec.doc)?;
        out.paragraph("    ", &format!("Allowed: {}.", row.about.allowed))?;
        out.paragraph("    ", &format!("Set by: {}.", row.set_by()))?;
        out.line("")?;
    }
    out.paragraph(
        "",
        "`humanlayer config edit` opens your file; `humanlayer config keys` lists the actions for dashboard.keys.",
    )?;
    Ok(())
}

fn show(config: &Config, mut out: Output) -> Result<(), Failure> {
    let entries = config.entries();
    if out.is_json() {
        return out.json(&entries);
    }
    out.rows(
        ["KEY", "VALUE", "SOURCE"],
        &["VALUE", "SOURCE"],
        entries
            .into_iter()
            .map(|entry| [entry.key.to_owned(), plain(&entry.value), entry.source]),
    )?;
    Ok(())
}

fn get(config: &Config, key: &str, mut out: Output) -> Result<(), Failure> {
    let entries = config.entries();
    match entries.iter().find(|entry| entry.key == key) {
        Some(entry) => out.result(entry, |out| out.line(sanitize_line(&plain(&entry.value)))),
        None => {
            let hint = match nearest(key, entries.iter().map(|entry| entry.key)) {
                Some(near) => format!("did you mean {near}?"),
                None => "`humanlayer config list` lists all settings".to_owned(),
            };
            Err(Failure::usage(format!("no setting is called {key}")).with_hint(hint))
        }
    }
}

fn keys(config: &Config, mut out: Output) -> Result<(), Failure> {
    let keymap = Keymap::with(&config.dashboard.keys.value)
        .map_err(|error| Failure::usage(error.to_string()).with_hint(dashboard::MEND))?;
    let written = |action: Action| -> Vec<String> {
        let keys = keymap.keys(action).iter();
        keys.map(ToString::to_string).collect()
    };
    let panes = |action: Action| -> Vec<&'static str> {
        let contexts = action.contexts().iter();
        contexts.map(|context| context.title()).collect()
    };
    let actions = Action::ALL.iter().copied();
    if out.is_json() {
        let all: Vec<Value> = actions
            .map(|action| {
                json!({
                    "action": action.name(),
                    "keys": written(action),
                    "default_keys": action.default_keys(),
                    "panes": panes(action),
                    "description": action.words(),
                })
            })
            .chain(DIALOG_KEYS.map(|(keys, words)| {
                // What no setting changes has no name for one.
                json!({"action": null, "keys": keys.split(' ').collect::<Vec<_>>(),
                    "panes": [DIALOGS], "description": words})
            }))
            .collect();
        return out.json(&all);
    }
    out.rows(
        ["ACTION", "KEYS", "PANES", "DESCRIPTION"],
        &["PANES", "DESCRIPTION"],
        actions
            .map(|action| {
                [
                    action.name().to_owned(),
                    written(action).join(" "),
                    panes(action).join(", "),
                    action.words().to_owned(),
                ]
            })
            .chain(DIALOG_KEYS.map(|(keys, words)| {
                [
                    "(fixed)".to_owned(),
                    keys.to_owned(),
                    DIALOGS.to_owned(),
                    words.to_owned(),
                ]
            })),
    )?;
    Ok(())
}

fn edit(file: &Path) -> Result<(), Failure> {
    let named = sanitize_line(&file.to_string_lossy()).into_owned();
    create(file).map_err(|cause| Failure::failed(format!("creating {named}: {cause}")))?;
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|editor| !editor.is_empty())
        .unwrap_or_else(|| "vi".into());
    // An editor may be given with arguments, so a shell takes it apart, as git does.
    let status = Command::new("sh")
        .arg("-c")
        .arg("eval \"$0\" '\"$1\"'")
        .arg(&editor)
        .arg(file)
        .status()
        .map_err(|cause| Failure::failed(format!("running the editor: {cause}")))?;
    if !status.success() {
        return Err(Failure::failed(format!(
            "the editor ended with {status}; {named} is as it left it"
        ))
        .with_hint("set VISUAL or EDITOR to your editor"));
    }
    let home = std::env::home_dir().unwrap_or_default();
    let config = check(file, &home).map_err(|error| Failure::failed(error.to_string()))?;
    let mut problems: Vec<String> = dashboard::problem(&config).into_iter().collect();
    problems.extend(dashboard::warnings(&config));
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(problems.join("\n  ")).with_hint(dashboard::MEND))
}

/// Creates the file with a useful start, unless it is there, and puts the schema that it names
/// beside it, as this version has it.
fn create(file: &Path) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match created {
        Ok(mut file) => file.write_all(config::starter().as_bytes())?,
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            // Who does not use it does not get it.
            let uses_it =
                std::fs::read_to_string(file).is_ok_and(|text| text.contains(SCHEMA_NAME));
            if !uses_it {
                return Ok(());
            }
        }
        Err(cause) => return Err(cause),
    }
    let schema = config::schema(&dashboard::known_names());
    let mut new = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(new, "{schema:#}")?;
    new.persist(directory.join(SCHEMA_NAME))
        .map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_useful_and_valid_and_an_old_one_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/humanlayer.json");
        create(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("\"$schema\": \"./humanlayer.schema.json\""),
            "{text}"
        );
        assert!(text.contains("\"bell\": true"), "{text}");
        assert!(file.with_file_name(SCHEMA_NAME).exists());
        let config = check(&file, directory.path()).unwrap();
        assert_eq!(dashboard::warnings(&config), Vec::<String>::new());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&file, "{\"x\": 1}").unwrap();
        create(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"x\": 1}");
    }

    /// `INSTA_UPDATE=always` writes it.
    #[test]
    fn the_published_schema_is_this_one() {
        let published = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("assets")
            .join(SCHEMA_NAME);
        let schema = format!("{:#}\n", config::schema(&dashboard::known_names()));
        if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
            std::fs::write(&published, &schema).unwrap();
        }
        let said = std::fs::read_to_string(&published).unwrap_or_default();
        assert!(
            said == schema,
            "run this test with INSTA_UPDATE=always to renew {published:?}"
        );
    }
}
