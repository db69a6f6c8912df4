//! Isolation: can this system do it, and if not, why?

use std::fs;
use std::path::PathBuf;

use super::Finding;
use crate::config::Config;
use crate::platform::isolation::{Contents, Isolation, Mount};

const CHECK: &str = "isolation";

/// Switches of the system that forbid it, the value that does, and what to do about each.
const SWITCHES: [(&str, &str, &str); 3] = [
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "the system allows no user namespaces: sysctl user.max_user_namespaces",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "the system allows user namespaces to root only: sysctl kernel.unprivileged_userns_clone",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor allows user namespaces to programs with a profile only: give humanlayer one with `userns,`, or see sysctl kernel.apparmor_restrict_unprivileged_userns",
    ),
];

/// Isolates nothing, for a moment, with every means that isolating an agent takes.
pub async fn examine(config: &Config) -> Finding {
    let tried =
        tokio::task::spawn_blocking(|| trial().try_out().map_err(|error| error.to_string()));
    let problem = match tried.await {
        Ok(Ok(())) => return Finding::ok(CHECK, "available"),
        Ok(Err(problem)) => problem,
        Err(error) => error.to_string(),
    };
    let message = format!("not available: {problem}");
    let next = reason().unwrap_or(
        "a launch with --isolate fails here; containers often forbid namespaces to what runs in them",
    );
    match config.isolation.value {
        true => Finding::fail(
            CHECK,
            format!("{message}, and the `isolation` setting asks for it"),
            next,
        ),
        false => Finding::warn(CHECK, message, next),
    }
}

fn trial() -> Isolation {
    let layer = std::env::home_dir()
        .and_then(|home| fs::canonicalize(home).ok())
        .filter(|home| home.parent().is_some())
        .map(|home| Mount {
            at: home.clone(),
            what: Contents::Layer(home),
            writable: false,
        });
    let empty = Mount {
        at: PathBuf::from("/tmp"),
        what: Contents::Empty(0o1777),
        writable: true,
    };
    Isolation {
        directory: PathBuf::from("/"),
        program: None,
        mounts: [empty].into_iter().chain(layer).collect(),
    }
}

/// What forbids it, where the system says so.
fn reason() -> Option<&'static str> {
    let forbids =
        |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    SWITCHES
        .iter()
        .find(|(path, value, _)| forbids(path, value))
        .map(|(_, _, next)| *next)
}
