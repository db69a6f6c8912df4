//! Copying a text: what became of it, in words, and tmux's own buffer.
//!
//! The runtime hands a text to the terminal (OSC 52), which never says whether it took it. tmux drops
//! that by default, so inside it the text is given to tmux itself too; screen drops it always, so
//! inside it the text goes past it. Owns finding and running tmux: by an absolute entry of the
//! dashboard's own PATH, in the root directory, for a bounded time.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::format::bytes;
use crate::platform;
use crate::tui::msg::EffectResult;
use crate::tui::terminal::MAX_CLIPBOARD;

/// How long tmux may take.
const WAIT: Duration = Duration::from_secs(2);

/// Where a text went.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tmux {
    /// The dashboard does not run inside tmux.
    Absent,
    /// Its buffer has the text, and it was told to pass it on to the clipboard.
    Forwarded,
    /// Its buffer has the text; it is too old to pass it on.
    Buffer,
    /// Its buffer has the text; it is configured to pass nothing on.
    Kept,
    /// It did not take the text.
    Failed(String),
}

/// Whether what is written goes through GNU screen, here or on the way here (`TERM` is handed on by ssh,
/// and may be that of a tmux).
#[must_use]
pub fn is_in_screen(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    !is_set("TMUX") && (is_set("STY") || term.starts_with("screen"))
}

/// A variable of the environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Gives a text to tmux where the dashboard runs inside it, and says where the text went.
pub async fn copied(text: String) -> EffectResult {
    let is_inside = variable("TMUX").is_some_and(|value| !value.is_empty());
    let tmux = if is_inside {
        let path = std::env::var_os("PATH").unwrap_or_default();
        match platform::on_path(&path, "tmux") {
            Some(program) => load(&program, &text, WAIT).await,
            None => Tmux::Failed("tmux is not on PATH".to_owned()),
        }
    } else {
        Tmux::Absent
    };
    EffectResult::Toast(said(&text, &tmux, is_in_screen(variable)))
}

/// What was copied and where it went.
fn said(text: &str, tmux: &Tmux, in_screen: bool) -> Result<String, String> {
    let amount = match text.lines().count() {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    let is_long = text.len() > MAX_CLIPBOARD;
    match tmux {
        Tmux::Absent if is_long => Err(format!(
            "Not copied: {amount}, {} is more than a terminal's clipboard takes",
            bytes(text.len()),
        )),
        Tmux::Absent if in_screen => Ok(format!(
            "Copied {amount} to the clipboard (terminal, OSC 52, past screen)"
        )),
        Tmux::Absent => Ok(format!(
            "Copied {amount} to the clipboard (terminal, OSC 52)"
        )),
        Tmux::Forwarded => Ok(format!(
            "Copied {amount} to tmux's buffer and the clipboard (tmux load-buffer -w)"
        )),
        Tmux::Buffer => Ok(format!(
            "Copied {amount} to tmux's buffer (this tmux does not pass it on to the clipboard)"
        )),
        Tmux::Kept => Ok(format!(
            "Copied {amount} to tmux's buffer, not to the clipboard (tmux's set-clipboard is off)"
        )),
        Tmux::Failed(why) if is_long => Err(format!("Not copied: tmux's buffer: {why}")),
        Tmux::Failed(why) => Err(format!(
            "Copied {amount} to the terminal (OSC 52), which tmux may drop; tmux's buffer: {why}"
        )),
    }
}

/// Gives a text to tmux, and has it passed on where tmux can.
async fn load(program: &Path, text: &str, wait: Duration) -> Tmux {
    let forwarded = run(program, &["load-buffer", "-w", "-"], text, wait).await;
    let why = match forwarded {
        Ok(_) => {
            let option = run(program, &["show-options", "-sv", "set-clipboard"], "", wait).await;
            return match option.as_deref().map(str::trim) {
                Ok("off") => Tmux::Kept,
                Ok(_) | Err(_) => Tmux::Forwarded,
            };
        }
        Err(why) => why,
    };
    // Before version 3.2 it has no such option.
    let is_old = ["unknown option", "unknown flag", "usage:", "illegal option"]
        .iter()
        .any(|words| why.contains(words));
    if !is_old {
        return Tmux::Failed(why);
    }
    match run(program, &["load-buffer", "-"], text, wait).await {
        Ok(_) => Tmux::Buffer,
        Err(why) => Tmux::Failed(why),
    }
}

/// Runs tmux on a text; gives what it says.
async fn run(
    program: &Path,
    arguments: &[&str],
    text: &str,
    wait: Duration,
) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What happens to our terminal must not stop it half-way.
        .process_group(0)
        .kill_on_drop(true);
    let whole = async {
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that takes nothing says why by its exit.
            let _ = input.write_all(text.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(wait, whole).await {
        Err(_) => Err(format!("no answer within {} s", wait.as_secs_f32())),
        Ok(Err(error)) => Err(format!("running {}: {error}", program.display())),
        Ok(Ok(ended)) if ended.status.success() => {
            Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
        }
        Ok(Ok(ended)) => {
            let words = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            Err(if words.is_empty() {
                format!("it ended with {}", ended.status)
            } else {
                words
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    fn script(directory: &Path, body: &str) -> PathBuf {
        let file = directory.join("tmux");
        std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
        file
    }

    #[test]
    fn what_is_said_names_how_much_and_where_it_went() {
        let words = |tmux| match said("one\ntwo\n", &tmux, false) {
            Ok(words) | Err(words) => words,
        };
        assert_eq!(
            words(Tmux::Absent),
            "Copied 2 lines to the clipboard (terminal, OSC 52)"
        );
        assert!(words(Tmux::Forwarded).contains("tmux's buffer and the clipboard"));
        assert!(words(Tmux::Failed("gone".to_owned())).ends_with("tmux's buffer: gone"));
        let long = "x".repeat(MAX_CLIPBOARD + 1);
        assert!(said(&long, &Tmux::Absent, false).is_err(), "nothing got it");
        assert!(said(&long, &Tmux::Forwarded, false).is_ok());
        assert_eq!(
            said("one", &Tmux::Absent, false).unwrap(),
            "Copied 1 line to the clipboard (terminal, OSC 52)"
        );
        assert!(
            said("one", &Tmux::Absent, true)
                .unwrap()
                .contains("past screen")
        );
        assert!(words(Tmux::Kept).contains("not to the clipboard"));
    }

    #[test]
    fn screen_is_known_here_and_through_ssh() {
        for (variables, is_inside) in [
            (&[("TERM", "xterm-256color")][..], false),
            (
                &[("TERM", "screen.xterm-256color"), ("STY", "1.pts-0.host")],
                true,
            ),
            (&[("TERM", "screen-256color")], true),
            (&[("TERM", "xterm"), ("STY", "1.pts-0.host")], true),
            (
                &[("TERM", "screen"), ("TMUX", "/tmp/tmux-0/default,1,0")],
                false,
            ),
            (&[("TERM", "tmux-256color")], false),
        ] {
            let variable = |name: &str| {
                let found = variables.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(is_in_screen(variable), is_inside, "{variables:?}");
        }
    }

    #[tokio::test]
    async fn tmux_gets_the_text_and_its_failures_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let got = directory.path().join("got");
        let takes = format!(
            "case \"$1\" in show-options) cat {1}; exit;; esac; echo \"$@\" > {0}; cat >> {0}",
            got.display(),
            directory.path().join("set-clipboard").display()
        );
        let program = script(directory.path(), &takes);
        let wait = Duration::from_secs(30);
        assert_eq!(load(&program, "some text", wait).await, Tmux::Forwarded);
        assert_eq!(
            std::fs::read_to_string(&got).unwrap(),
            "load-buffer -w -\nsome text"
        );
        std::fs::write(directory.path().join("set-clipboard"), "off\n").unwrap();
        assert_eq!(load(&program, "some text", wait).await, Tmux::Kept);
        let old = format!(
            "case \"$2\" in -w) echo 'load-buffer: unknown option -- w' >&2; exit 1;; esac; {takes}"
        );
        let program = script(directory.path(), &old);
        assert_eq!(load(&program, "again", wait).await, Tmux::Buffer);
        let program = script(directory.path(), "echo 'no server running' >&2; exit 1");
        let failed = Tmux::Failed("no server running".to_owned());
        assert_eq!(load(&program, &"x".repeat(1 << 20), wait).await, failed);
        let program = script(directory.path(), "exec sleep 600");
        let short = Duration::from_millis(50);
        let Tmux::Failed(why) = load(&program, "never", short).await else {
            unreachable!("it cannot have answered");
        };
        assert!(why.contains("no answer"), "{why}");
    }
}
