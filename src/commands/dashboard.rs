//! Without a verb, on a terminal: the dashboard.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::Context;
use super::exit::Failure;
use super::in_process::inspect_database;
use super::{input, output};
use crate::config::{Config, Dashboard, Names};
use crate::domain::text::nearest;
use crate::tui::ground::Ground;
use crate::tui::keymap::{Action, Keymap};
use crate::tui::runtime;
use crate::tui::state::notice::{Notice, Tone};
use crate::tui::state::{App, Preferences};
use crate::tui::theme::{self, Theme};

/// What to do about a wrong name in the configuration.
pub const MEND: &str = "fix it with `humanlayer config edit`";

/// Runs it until the user leaves.
pub async fn run(context: Context) -> Result<(), Failure> {
    let app = app(&context.config)?;
    let ended = runtime::run(context.config, app, inspect_database)
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    ended.pass_on();
    Ok(())
}

/// The dashboard before anything is known, as the user wants it.
pub fn app(config: &Config) -> Result<App, Failure> {
    let (keymap, configured) =
        names(&config.dashboard).map_err(|problem| Failure::usage(problem).with_hint(MEND))?;
    let remembered = runtime::remembered(config);
    let chosen = if !output::has_color() {
        Some(Theme::mono())
    } else {
        configured.or(remembered.theme.as_deref().and_then(Theme::named))
    };
    let ground = Ground::said(std::env::var("COLORFGBG").ok().as_deref());
    let mut app = App::new(
        Timestamp::now(),
        chosen.unwrap_or_else(Theme::dark),
        keymap,
        preferences(&config.dashboard),
    );
    app.theme_by_ground = chosen.is_none();
    app.set_ground(ground);
    // One that has been deleted keeps its name: who launches there is told that it is missing.
    app.directory = match std::env::current_dir() {
        Ok(directory) => directory.to_string_lossy().into_owned(),
        Err(_) => input::named_directory().unwrap_or_else(|| "/".to_owned()),
    };
    app.home = std::env::home_dir().map(|home| home.to_string_lossy().into_owned());
    app.time_zone = jiff::tz::TimeZone::system();
    app.launch.environment = input::environment();
    app.launch.memory = remembered;
    app.launch.exports = exports(config, app.home.as_deref());
    let warnings = warnings(config);
    if let Some(first) = warnings.first() {
        let more = match warnings.len() {
            1 => String::new(),
            count => format!(" (and {} more: `humanlayer doctor`)", count - 1),
        };
        app.notice = Some(Notice::new(Tone::Bad, format!("{first}{more}"), app.now));
    }
    Ok(app)
}

/// What in the configuration has no effect or may not be meant, also in the names that only the
/// dashboard knows.
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    let keys = &config.dashboard.keys;
    if !keys.value.is_empty()
        && let Ok(keymap) = Keymap::with(&keys.value)
    {
        let of_keys = keymap.warnings(&keys.value).into_iter();
        warnings.extend(of_keys.map(|warning| format!("{warning} ({})", keys.origin)));
    }
    warnings
}

/// The names that only the dashboard knows, for the documentation of settings.
pub fn known_names() -> Names {
    Names {
        themes: theme::NAMES.to_vec(),
        actions: Action::ALL
            .iter()
            .map(|action| (action.name(), action.words()))
            .collect(),
    }
}

/// Where conversations are exported to at first: outside of any repository.
fn exports(config: &Config, home: Option<&str>) -> String {
    let downloads = home.map(|home| Path::new(home).join("Downloads"));
    let directory = downloads.filter(|path| path.is_dir()).unwrap_or_else(|| {
        let state = config.database_path.value.parent();
        state.unwrap_or(Path::new("/tmp")).join("exports")
    });
    directory.to_string_lossy().into_owned()
}

/// What is wrong with the names in the configuration that only the dashboard knows.
pub fn problem(config: &Config) -> Option<String> {
    names(&config.dashboard).err()
}

/// The keys, and the theme where one is named.
fn names(wanted: &Dashboard) -> Result<(Keymap, Option<Theme>), String> {
    let keymap = Keymap::with(&wanted.keys.value)
        .map_err(|error| format!("{error} ({})", wanted.keys.origin))?;
    let Some(name) = wanted.theme.value.as_deref() else {
        return Ok((keymap, None));
    };
    if let Some(theme) = Theme::named(name) {
        return Ok((keymap, Some(theme)));
    }
    let instead = match nearest(name, theme::NAMES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", theme::NAMES.join(", ")),
    };
    Err(format!(
        "`dashboard.theme` names no theme: {name:?}; {instead} ({})",
        wanted.theme.origin
    ))
}

fn preferences(wanted: &Dashboard) -> Preferences {
    let default = Preferences::default();
    Preferences {
        bell: wanted.bell.value,
        notify: wanted.notify.value,
        quiet_hours: wanted.quiet_hours.value,
        confirm_dangerous: wanted.confirm_dangerous.value,
        decision_guard: Duration::from_millis(wanted.decision_guard_ms.value.into()),
        mouse: wanted.mouse.value,
        deny_reasons: match &wanted.deny_reasons.value {
            Some(reasons) => reasons.clone(),
            None => default.deny_reasons.clone(),
        },
        theme_set: wanted.theme.value.is_some(),
        ..default
    }
}
