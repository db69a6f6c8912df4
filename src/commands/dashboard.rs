//! Without a verb, on a terminal: the dashboard.

use jiff::Timestamp;

use super::Context;
use super::exit::Failure;
use super::input;
use crate::tui::keymap::Keymap;
use crate::tui::runtime;
use crate::tui::state::{App, Wishes};
use crate::tui::theme::Theme;

/// Runs it until the user leaves.
pub async fn run(context: Context) -> Result<(), Failure> {
    let colourless = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    let theme = if colourless {
        Theme::mono()
    } else {
        Theme::dark()
    };
    let mut app = App::new(
        Timestamp::now(),
        theme,
        Keymap::default(),
        Wishes::default(),
    );
    app.directory = std::env::current_dir()
        .map_err(|error| Failure::failed(format!("finding the working directory: {error}")))?
        .to_string_lossy()
        .into_owned();
    app.home = std::env::home_dir().map(|home| home.to_string_lossy().into_owned());
    app.launch.environment = input::environment();
    runtime::run(context.config, app)
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}
