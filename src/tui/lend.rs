//! Programs that get the terminal for a while: the editor, the pager, the demonstration.
//!
//! Called by the runtime, which sees to it that nothing is drawn meanwhile.

use std::io;
use std::process::Command;

use super::effect::{Effect, Purpose};
use super::msg::EffectResult;
use super::terminal::Terminal;

/// Whether an effect is another program's in the terminal.
pub(super) fn needs_terminal(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Pager(_) | Effect::Editor { .. } | Effect::Demo
    )
}

/// Lets the editor, the pager or the demonstration have the terminal.
pub(super) fn lend(terminal: &mut Terminal, effect: Effect) -> io::Result<EffectResult> {
    match effect {
        Effect::Pager(text) => Ok(EffectResult::Edited {
            purpose: Purpose::Look,
            text: with_file(terminal, &text, "md", "PAGER", "less"),
        }),
        Effect::Demo => Ok(EffectResult::Toast(demo(terminal))),
        Effect::Editor {
            purpose,
            text,
            extension,
        } => Ok(EffectResult::Edited {
            text: with_file(terminal, &text, extension, "EDITOR", "vi"),
            purpose,
        }),
        _ => Ok(EffectResult::Toast(Ok(String::new()))),
    }
}

/// Shows the demonstration, which is this program in another life.
fn demo(terminal: &mut Terminal) -> Result<String, String> {
    let failed = |error: io::Error| format!("starting the demonstration: {error}");
    let program = crate::platform::installed_program().map_err(failed)?;
    let ended = terminal
        .lend(Command::new(program).arg("demo"))
        .map_err(failed)?;
    if ended.success() {
        Ok(String::new())
    } else {
        Err(format!("the demonstration ended with {ended}"))
    }
}

/// Runs a program on a private file with a text and returns what the file holds afterwards.
fn with_file(
    terminal: &mut Terminal,
    text: &str,
    extension: &str,
    variable: &str,
    default: &str,
) -> Result<String, String> {
    let line = std::env::var(variable)
        .ok()
        .filter(|line| !line.trim().is_empty())
        .unwrap_or_else(|| default.to_owned());
    let words = shell_words::split(&line)
        .map_err(|error| format!("reading ${variable} ({line:?}): {error}"))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(format!("${variable} names no program"));
    };
    let failed = |error: io::Error| format!("writing a file for {program}: {error}");
    let file = tempfile::Builder::new()
        .prefix("humanlayer-")
        .suffix(&format!(".{extension}"))
        .tempfile()
        .map_err(failed)?;
    std::fs::write(file.path(), text).map_err(failed)?;
    let mut command = Command::new(program);
    command.args(arguments).arg(file.path());
    let ended = terminal
        .lend(&mut command)
        .map_err(|error| format!("running {program}: {error}; set ${variable}"))?;
    if !ended.success() {
        return Err(format!(
            "{program} ended with {ended}; nothing was taken over"
        ));
    }
    std::fs::read_to_string(file.path())
        .map_err(|error| format!("reading what {program} wrote: {error}"))
}
