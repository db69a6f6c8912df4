//! `service`: have the system's service manager start the daemon.
//!
//! Owns the one file that tells the manager about the daemon, and knows whether a person changed it: its
//! first comment has a checksum of the rest. What the file says, and how a manager is spoken to, is in
//! `manager`. Must not touch any other file, and does nothing for agents.

mod manager;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::exit::Failure;
use super::kind::Kind;
use super::{Context, daemon};
use crate::config::{self, Flags};
use crate::domain::text::sanitize_line;
use crate::platform;
use crate::protocol::error::ErrorKind;
use manager::{MARK, Manager};

/// Arguments of `service`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer service install --now\n  \
    humanlayer service status\n  \
    humanlayer service uninstall\n\n\
    On Linux this is a systemd user unit, on macOS a launchd agent. Without it, the daemon starts on demand.\n\
    Sessions keep running when the service is stopped or restarted. systemd stops the services of a user who\n\
    has logged out, unless `loginctl enable-linger` was run once. Installing and uninstalling is refused to agents.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Start the daemon at each login
    ///
    /// Writes the service's file and enables the service. May be repeated, as after an upgrade.
    /// --daemon-socket and --config-file are passed on to the daemon.
    Install {
        /// Start the service now, in place of a daemon that runs; sessions keep running
        #[arg(long)]
        now: bool,
        /// Replace a file that was changed by hand; it is kept beside the new one
        #[arg(short, long)]
        force: bool,
    },
    /// Stop the service and remove its file; sessions keep running
    Uninstall {
        /// Remove a file that was changed by hand; it is kept under another name
        #[arg(short, long)]
        force: bool,
    },
    /// Show whether the service is installed, enabled and running
    Status,
}

/// What is at the place of the service's file.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing.
    Nothing,
    /// What this program wrote, unchanged.
    Own(String),
    /// Something that a person wrote or changed.
    Changed,
}

/// The service's file, and who reads it.
struct Service {
    manager: Manager,
    file: PathBuf,
}

/// Installs, uninstalls or shows.
pub async fn run(args: Args, flags: &Flags, mut context: Context) -> Result<(), Failure> {
    let service = Service::here()?;
    match args.verb {
        Verb::Install { now, force } => service.install(flags, &mut context, now, force).await,
        Verb::Uninstall { force } => service.uninstall(&mut context, force),
        Verb::Status => service.status(&mut context),
    }
}

impl Service {
    fn here() -> Result<Self, Failure> {
        let manager = Manager::here();
        let home = std::env::home_dir()
            .filter(|home| home.is_absolute())
            .ok_or_else(|| Failure::failed("finding your home directory: HOME is not set"))?;
        let config_home = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|base| base.is_absolute())
            .unwrap_or_else(|| home.join(".config"));
        let file = manager.file(&home, &config_home);
        Ok(Self { manager, file })
    }

    async fn install(
        &self,
        flags: &Flags,
        context: &mut Context,
        now: bool,
        force: bool,
    ) -> Result<(), Failure> {
        refuse_agents("install a service")?;
        // Without the manager nothing is written.
        self.tool()?;
        let text = marked(&self.manager.text(&command_line(flags, context)?));
        let found = self.look()?;
        let kept = match found {
            Found::Changed => self.set_aside(force)?,
            Found::Nothing | Found::Own(_) => None,
        };
        let done = match found {
            Found::Own(before) if before == text => "unchanged",
            Found::Own(_) | Found::Changed => "replaced",
            Found::Nothing => "written",
        };
        if done != "unchanged" {
            self.write(&text)?;
        }
        for words in self.manager.enable(&self.file) {
            self.tell(&words)?;
        }
        if now {
            daemon::stop(&context.config).await?;
            for words in self.manager.start(&self.file) {
                self.tell(&words)?;
            }
        }
        let installed = json!({
            "file": self.file,
            "change": done,
            "kept": kept,
            "started": now,
        });
        let (file, manager) = (self.name(), self.manager.name());
        context.out.result(&installed, |out| {
            out.line(match done {
                "unchanged" => format!("{file} is up to date"),
                done => format!("{done} {file}"),
            })?;
            if let Some(kept) = &kept {
                out.line(format!("the file that was changed by hand is kept as {}", shown(kept)))?;
            }
            out.line(match now {
                true => format!("{manager} runs the daemon now and starts it at each login"),
                false => format!(
                    "{manager} starts the daemon at your next login; `humanlayer service install --now` starts it now"
                ),
            })
        })
    }

    fn uninstall(&self, context: &mut Context, force: bool) -> Result<(), Failure> {
        refuse_agents("uninstall the service")?;
        let found = self.look()?;
        let file = self.name();
        if found == Found::Nothing {
            let nothing = json!({"file": self.file, "removed": false, "kept": null});
            return context.out.result(&nothing, |out| {
                out.line(format!("not installed: there is no {file}"))
            });
        }
        if found == Found::Changed && !force {
            return Err(self.changed("uninstall"));
        }
        for words in self.manager.disable() {
            self.tell(&words)?;
        }
        let kept = match found {
            Found::Changed => self.set_aside(true)?,
            Found::Nothing | Found::Own(_) => {
                std::fs::remove_file(&self.file).map_err(self.failed("removing"))?;
                None
            }
        };
        for words in self.manager.forget() {
            self.tell(&words)?;
        }
        let removed = json!({"file": self.file, "removed": true, "kept": kept});
        context.out.result(&removed, |out| {
            match &kept {
                Some(kept) => out.line(format!("moved {file} to {}", shown(kept)))?,
                None => out.line(format!("removed {file}"))?,
            }
            out.line(
                "the service is stopped; sessions keep running, and the daemon starts on demand",
            )
        })
    }

    fn status(&self, context: &mut Context) -> Result<(), Failure> {
        let installed = match self.look()? {
            Found::Nothing => "no",
            Found::Own(_) => "yes",
            Found::Changed => "changed by hand",
        };
        let ask = |words: Option<Vec<String>>| {
            let said = self.manager.word(&self.call(&words?).ok()?);
            (!said.is_empty()).then_some(said)
        };
        let [enabled, active] = self.manager.state().map(ask);
        let state = json!({
            "manager": self.manager.name(),
            "file": self.file,
            "installed": installed,
            "enabled": enabled,
            "active": active,
        });
        context.out.result(&state, |out| {
            let of = |said: &Option<String>| {
                let said = said.as_deref().unwrap_or("not known");
                sanitize_line(said).into_owned()
            };
            out.line(format!("file       {}", self.name()))?;
            out.line(format!("installed  {installed}"))?;
            out.line(format!("enabled    {}", of(&enabled)))?;
            out.line(format!("running    {}", of(&active)))
        })
    }

    fn look(&self) -> Result<Found, Failure> {
        look(&self.file).map_err(self.failed("reading"))
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        if let Some(directory) = self.file.parent() {
            std::fs::create_dir_all(directory).map_err(self.failed("making the directory of"))?;
        }
        platform::write_atomically(&self.file, text.as_bytes()).map_err(self.failed("writing"))
    }

    /// Moves a file that a person changed out of the way, if that is wanted; gives its new name.
    fn set_aside(&self, force: bool) -> Result<Option<PathBuf>, Failure> {
        if !force {
            return Err(self.changed("install"));
        }
        let mut aside = self.file.clone();
        let mut number = 0;
        // Nothing that is kept is overwritten either.
        while aside.symlink_metadata().is_ok() {
            number += 1;
            let mut name = self.file.clone().into_os_string();
            name.push(format!(".old{number}"));
            aside = name.into();
        }
        std::fs::rename(&self.file, &aside).map_err(self.failed("moving"))?;
        Ok(Some(aside))
    }

    fn changed(&self, verb: &str) -> Failure {
        let message = format!(
            "{} was written or changed by hand, and is left as it is",
            self.name()
        );
        let hint = format!("`humanlayer service {verb} --force` keeps it under another name");
        Failure::new(Kind::Refused(ErrorKind::Conflict), message).with_hint(hint)
    }

    fn failed(&self, doing: &str) -> impl Fn(io::Error) -> Failure {
        let what = format!("{doing} {}", self.name());
        move |cause| Failure::failed(format!("{what}: {cause}"))
    }

    /// The file's name, safe to show.
    fn name(&self) -> String {
        shown(&self.file)
    }

    /// The manager's program.
    fn tool(&self) -> Result<PathBuf, Failure> {
        let name = self.manager.tool();
        let path = std::env::var_os("PATH").unwrap_or_default();
        platform::on_path(&path, name).ok_or_else(|| {
            Failure::failed(format!(
                "{name} is not on the PATH, so there is no {} to install a service for",
                self.manager.name()
            ))
            .with_hint("have what starts your services run `humanlayer --headless`")
        })
    }

    fn call(&self, words: &[String]) -> Result<std::process::Output, Failure> {
        let name = self.manager.tool();
        Command::new(self.tool()?)
            .args(words)
            .stdin(Stdio::null())
            .output()
            .map_err(|cause| Failure::failed(format!("starting {name}: {cause}")))
    }

    /// Has the manager do something.
    fn tell(&self, words: &manager::Words) -> Result<(), Failure> {
        let said = self.call(&words.words)?;
        if said.status.success() || words.may_fail {
            return Ok(());
        }
        let line = format!("{} {}", self.manager.tool(), words.words.join(" "));
        let why = String::from_utf8_lossy(&said.stderr);
        let why = match why.trim() {
            "" => said.status.to_string(),
            why => sanitize_line(why).into_owned(),
        };
        Err(Failure::failed(format!("`{line}` failed: {why}")).with_hint(format!(
            "the file of the service is {}; repeat this in a session of your own in which `{} status` works",
            self.name(),
            self.manager.tool_of_user(),
        )))
    }
}

/// The program and the arguments that the manager is to start.
fn command_line(flags: &Flags, context: &Context) -> Result<Vec<String>, Failure> {
    let mut words = vec![program()?, PathBuf::from("--headless")];
    if flags.daemon_socket.is_some() {
        words.push("--daemon-socket".into());
        words.push(context.config.daemon_socket.value.clone());
    }
    if flags.config_file.is_some() {
        words.push("--config-file".into());
        words.push(config::locate_own(flags)?);
    }
    words
        .into_iter()
        .map(|word| match word.to_str() {
            Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
            _ => Err(Failure::failed(format!(
                "{} cannot be written into the file of a service: its name has characters that are no text",
                shown(&word)
            ))),
        })
        .collect()
}

/// This program, by the name that stays over an upgrade: the one on the PATH, if it is this program's.
fn program() -> Result<PathBuf, Failure> {
    let installed = platform::installed_program()
        .map_err(|cause| Failure::failed(format!("finding this program: {cause}")))?;
    if installed.starts_with("/proc") {
        return Err(
            Failure::failed("this program's file was removed").with_hint("install it again")
        );
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let same = |other: &PathBuf| other.canonicalize().ok() == installed.canonicalize().ok();
    Ok(platform::on_path(&path, "humanlayer")
        .filter(same)
        .unwrap_or(installed))
}

/// The service starts programs of the user, outside of all sessions, so an agent has no say in it.
fn refuse_agents(what: &str) -> Result<(), Failure> {
    match daemon::is_agents() {
        false => Ok(()),
        true => Err(Failure::new(
            Kind::Refused(ErrorKind::Forbidden),
            format!("an agent may not {what}"),
        )
        .with_hint("do it in a terminal of your own")),
    }
}

fn shown(path: &Path) -> String {
    sanitize_line(&path.to_string_lossy()).into_owned()
}

fn look(file: &Path) -> io::Result<Found> {
    match file.symlink_metadata() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(cause) => Err(cause),
        // A link, also one that masks the service, is somebody's doing.
        Ok(found) if !found.is_file() => Ok(Found::Changed),
        Ok(_) => {
            let bytes = std::fs::read(file)?;
            let text = String::from_utf8(bytes).ok().filter(|text| is_own(text));
            Ok(text.map_or(Found::Changed, Found::Own))
        }
    }
}

/// Puts the checksum into the line that has the mark.
fn marked(text: &str) -> String {
    text.replacen(MARK, &format!("{MARK}{}", checksum(text)), 1)
}

/// Whether a text is as [`marked`] made it.
fn is_own(text: &str) -> bool {
    let Some(line) = text.lines().find(|line| line.contains(MARK)) else {
        return false;
    };
    line.contains(&format!("{MARK}{}", checksum(text)))
}

/// The checksum of all lines but the one with the mark.
fn checksum(text: &str) -> String {
    let mut sum = Sha256::new();
    for line in text
        .split_inclusive('\n')
        .filter(|line| !line.contains(MARK))
    {
        sum.update(line);
    }
    hex::encode(sum.finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_file_that_was_changed_is_known() {
        let words = ["/opt/humanlayer", "--headless"].map(str::to_owned);
        for manager in [Manager::Systemd, Manager::Launchd] {
            let text = marked(&manager.text(&words));
            assert!(is_own(&text), "{text}");
            for (old, new) in [
                ("--headless", "--headless -x"),
                ("humanlayer.", "x."),
                ("\n", "\n\n"),
            ] {
                let other = text.replacen(old, new, 1);
                assert_eq!(is_own(&other), other == text, "{other}");
            }
            assert!(!is_own(&manager.text(&words)));
            assert!(!is_own(""));
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_a_persons() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("humanlayer.service");
        assert_eq!(look(&file).unwrap(), Found::Nothing);
        std::os::unix::fs::symlink("/dev/null", &file).unwrap();
        assert_eq!(look(&file).unwrap(), Found::Changed);
    }
}
