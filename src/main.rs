//! The binary's entry: hidden subcommands first, everything else after.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("__runner") => match words.next() {
            Some(dir) => humanlayer::runner::run(Path::new(&dir)),
            None => ExitCode::FAILURE,
        },
        Some("--headless") => headless(),
        Some(humanlayer::scripted_agent::SUBCOMMAND) => humanlayer::scripted_agent::run(words),
        Some(_) | None => ExitCode::FAILURE,
    }
}

fn headless() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(std::io::stderr)
        .init();
    let path = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let minutes = std::env::var("HUMANLAYER_SESSION_IDLE_MINUTES")
        .ok()
        .and_then(|text| text.parse::<f64>().ok());
    let options = humanlayer::daemon::Options {
        socket: path("HUMANLAYER_DAEMON_SOCKET").unwrap_or_default(),
        database: path("HUMANLAYER_DATABASE_PATH").unwrap_or_default(),
        claude_path: path("HUMANLAYER_CLAUDE_PATH"),
        session_idle: std::time::Duration::from_secs_f64(minutes.unwrap_or(10.0) * 60.0),
    };
    match humanlayer::daemon::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
