//! An agent of the demonstration: it speaks Claude Code's protocol and plays a script instead of asking a model.
//!
//! Owns the life of this process where it has the agent's name, which is that of a link in the demonstration's
//! home; the demonstration's daemon finds it there as any agent's program. It asks before it does anything that
//! its script does not mark as free, and does for real what it may. The name gives nothing: whoever runs this program
//! under it gets a script that plays below themselves. Shares no code with the daemon.

mod lines;
mod permissions;
mod script;
mod session;
mod tools;
mod turn;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::scenes::{self, Scene};
use session::Session;

/// The name under which this program is the agent.
pub const NAME: &str = "humanlayer-demo-agent";
/// The permission modes, as Claude Code lists them.
const MODES: [&str; 5] = [
    "acceptEdits",
    "bypassPermissions",
    "default",
    "dontAsk",
    "plan",
];
/// The model that it claims to be, where none is asked for.
const MODEL: &str = "claude-opus-5-5";

/// Where the link to the agent is in the demonstration's home.
pub fn link_in(home: &Path) -> PathBuf {
    home.join("bin").join(NAME)
}

/// The demonstration's home, where this process was started as its agent.
#[must_use]
pub fn home_of(program: &Path) -> Option<PathBuf> {
    if program.file_name()? != NAME {
        return None;
    }
    Some(program.parent()?.parent()?.to_owned())
}

/// What the command line says, as far as it matters here.
struct Options {
    /// The conversation's name.
    id: String,
    /// Whether there was a process of it before.
    resumed: bool,
    model: String,
    mode: String,
    /// Whether it may ask: else it refuses what it would ask about.
    can_ask: bool,
    /// Whether words are to come one by one.
    streams: bool,
    /// Whether the user's messages are to be repeated.
    replays: bool,
}

/// Runs the agent until its session is over; `words` are its arguments.
#[must_use]
pub fn run(home: PathBuf, words: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let has = |flag: &str| words.iter().any(|word| word == flag);
    let value = |flag: &str| {
        let at = words.iter().position(|word| word == flag)?;
        words.get(at + 1).cloned()
    };
    if has("--version") {
        return say(&format!("{} (demonstration)\n", lines::VERSION));
    }
    let mode = value("--permission-mode").unwrap_or_else(|| "default".to_owned());
    if !MODES.contains(&mode.as_str()) {
        return refuse(&format!(
            "error: option '--permission-mode <mode>' argument '{mode}' is invalid. Allowed choices are {}.",
            MODES.join(", ")
        ));
    }
    if has("--help") {
        return say("Usage: claude [options]\n\nThe agent of `humanlayer demo`.\n");
    }
    let (new, resumed) = (value("--session-id"), value("--resume"));
    if new
        .as_deref()
        .is_some_and(|id| uuid::Uuid::parse_str(id).is_err())
    {
        return refuse("Error: Invalid session ID. Must be a valid UUID.");
    }
    let kept = resumed.clone().filter(|_| !has("--fork-session"));
    let options = Options {
        id: kept.or(new).unwrap_or_else(lines::new_id),
        resumed: resumed.is_some(),
        model: value("--model").unwrap_or_else(|| MODEL.to_owned()),
        mode: match has("--dangerously-skip-permissions") {
            true => "bypassPermissions".to_owned(),
            false => mode,
        },
        can_ask: value("--permission-prompt-tool").as_deref() == Some("stdio"),
        streams: has("--include-partial-messages"),
        replays: has("--replay-user-messages"),
    };
    let session = Arc::new(Session::new(options, home));
    let reading = Arc::clone(&session);
    std::thread::spawn(move || reading.read(io::stdin().lock()));
    let mut parts = Parts::of(&session);
    while let Some(message) = session.next_message() {
        turn::answer(
            &session,
            &message,
            &parts.next(&message.text, &session.home),
        );
    }
    ExitCode::SUCCESS
}

fn say(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(text: &str) -> ExitCode {
    // A closed standard error leaves nowhere to say so.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}

/// What is left to play: a part for each message, the last one again and again.
struct Parts {
    /// None until the first message has said which scene this is.
    left: Option<Vec<&'static str>>,
}

impl Parts {
    fn of(session: &Session) -> Self {
        Self {
            left: session
                .options
                .resumed
                .then(|| script::parts(scenes::NEW).split_off(1)),
        }
    }

    fn next(&mut self, query: &str, home: &Path) -> String {
        let left = self
            .left
            .get_or_insert_with(|| script::parts(script_for(query)));
        let part = match left.len() {
            0 | 1 => left.first().copied().unwrap_or_default(),
            _ => left.remove(0),
        };
        part.replace("{shop}", &scenes::project_in(home).to_string_lossy())
    }
}

/// The script of a scene, or for what the user thought of.
fn script_for(query: &str) -> &'static str {
    let of_query = |scene: &&Scene| scene.query == query;
    scenes::SCENES
        .iter()
        .find(of_query)
        .map_or(scenes::NEW, |scene| scene.script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_link_of_a_demonstration_is_the_agent() {
        let home = Path::new("/tmp/humanlayer-demo-x/home");
        assert_eq!(home_of(&link_in(home)).as_deref(), Some(home));
        for other in ["/usr/bin/humanlayer", "humanlayer", NAME, ""] {
            assert_eq!(home_of(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_scene_goes_on_with_its_second_part_and_stays_there() {
        let mut parts = Parts { left: None };
        let home = Path::new("/demo/home");
        let first = parts.next(scenes::SCENES[1].query, home);
        assert!(first.contains("/demo/home/shop/src/limit.rs"), "{first}");
        let second = parts.next("and then?", home);
        assert!(second.contains("I only play a script"), "{second}");
        assert_eq!(parts.next("and then?", home), second);
    }
}
