//! The command line: its verbs, their help, and the options they share.
//!
//! Owns what can be typed; each verb's own arguments and what it does are in
//! its file beside this one. Must do nothing but parse. Used by
//! `main` and for shell completions.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum as _;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ColorChoice, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    alarms, answer, approvals, approve, archive, backup, completions, config, contact_human,
    continue_, daemon, delete, demo, deny, docs, doctor, end, export, interrupt, keys, launch,
    login, logs, man, mcp, ping, places, rename, respond, restart, restore, rpc, search, send,
    service, sessions, show, terminals, unsend, watch,
};
use crate::config::Flags;
use crate::protocol::request::RequestOptions;

/// The heading of the options that every verb takes.
const GLOBAL: &str = "Global options (before or after any command)";

/// Run many Claude Code agents at once, and decide in one place what they may do.
///
/// Agents run in the background, supervised by a daemon that starts on demand. Agents survive a
/// restart of the daemon. What an agent may not do by itself becomes an approval, which stays
/// pending until you decide. Without a command, the dashboard opens; where standard input or
/// output is no terminal, an overview is printed instead.
#[derive(Debug, Parser)]
#[command(
    name = "humanlayer",
    version,
    after_long_help = "Examples:\n  \
        humanlayer                                 open the dashboard\n  \
        humanlayer launch \"fix the failing test\"   start a session here\n  \
        humanlayer approvals                       list pending approvals\n  \
        humanlayer approve 1a2b3c4d                approve one\n  \
        humanlayer --headless                      run the daemon in the foreground\n\n\
        Ids may be shortened as long as they are unique.\n\
        `humanlayer docs` lists the longer pages: protocol, programs, scripts, config.\n\n\
        With --json every command prints one JSON document (or, where it goes on, one a line), and an\n\
        error as an object on standard error: {\"error\": …, \"kind\": …, \"hint\": …}.\n\
        `humanlayer docs scripts` lists the kinds, and what each command prints.\n\n\
        Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 already resolved,\n\
        5 no daemon could be reached or started, or it did not answer, 6 declined,\n\
        7 withdrawn or cancelled; 130 interrupted, 141 the reader of the output has gone.",
    max_term_width = 100
)]
pub struct Cli {
    /// Socket of the daemon
    ///
    /// Also HUMANLAYER_DAEMON_SOCKET, or `daemon_socket` in your configuration
    /// file. Default: ~/.humanlayer/daemon.sock.
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL)]
    pub daemon_socket: Option<PathBuf>,

    /// Name of this request, for repeating it
    ///
    /// A command that changes something and ends without an answer prints the
    /// key that repeats it: with it, the same command is carried out once,
    /// whatever became of the first one. Scripts may choose a key of their own
    /// (printable ASCII, up to 100 characters).
    #[arg(long, global = true, value_name = "KEY", help_heading = GLOBAL, value_parser = idempotency_key)]
    pub idempotency_key: Option<String>,

    /// Configuration file
    ///
    /// Default: ~/.config/humanlayer/humanlayer.json, and what humanlayer.json in
    /// the working directory may set.
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL)]
    pub config_file: Option<PathBuf>,

    /// Print JSON, errors too
    ///
    /// Standard output has the result; standard error has one object a line:
    /// warnings, notes and, at last, the error. `humanlayer docs scripts` says
    /// what each command prints.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,

    /// When to use colours
    ///
    /// `auto` uses them on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", help_heading = GLOBAL, value_enum, default_value_t)]
    pub color: ColorChoice,

    /// Run the daemon in the foreground, for servers
    ///
    /// Needs no terminal and logs to standard error. SIGTERM stops it; the
    /// sessions keep running and the next daemon takes over.
    #[arg(long)]
    pub headless: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The whole command line. The options that every verb takes are shown once, in the help of the
/// program itself, and are hidden in that of the verbs, except `--json`.
#[must_use]
pub fn command() -> clap::Command {
    let command = Cli::command();
    let global: Vec<Arg> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .map(|argument| match argument.get_id() == "json" {
            true => argument.clone().help_heading(None),
            false => argument.clone().hide(true),
        })
        .collect();
    hide_global(command, &global, 0)
}

fn hide_global(mut command: clap::Command, global: &[Arg], depth: usize) -> clap::Command {
    if depth > 0 {
        // What is there already is not handed down from the program.
        command = command.args(global);
    }
    command.mut_subcommands(|inner| hide_global(inner, global, depth + 1))
}

/// Reads the command line.
///
/// # Errors
/// What clap says: also help and version come this way.
pub fn parse<T: Into<OsString>>(
    arguments: impl IntoIterator<Item = T>,
) -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = command().color(color(&arguments));
    let matches = command
        .try_get_matches_from_mut(arguments)
        .map_err(|error| best_suggestion(error, &command))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Whether a command line that could not be read asks for JSON.
pub fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json")
}

/// When the help is to have colours: it is written before the command line has been read.
fn color(arguments: &[OsString]) -> ColorChoice {
    let mut arguments = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        let when = match argument.strip_prefix("--color") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some(choice) = when.and_then(|when| ColorChoice::from_str(when, false).ok()) {
            return choice;
        }
    }
    match crate::tui::runtime::cannot_draw() {
        Some(_) => ColorChoice::Never,
        None => ColorChoice::Auto,
    }
}

/// Of several verbs that resemble what was typed clap names the least likely first; the best alone helps. What is a
/// verb's subcommand, as in `humanlayer status`, is named with that verb.
fn best_suggestion(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    let typed = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => Some(typed.clone()),
        _ => None,
    };
    let inner = typed.and_then(|typed| {
        let verb = command.get_subcommands().find(|verb| {
            let mut inner = verb.get_subcommands();
            inner.any(|inner| inner.get_name() == typed && !inner.is_hide_set())
        })?;
        Some(format!("{} {typed}", verb.get_name()))
    });
    let best = match error.get(ContextKind::SuggestedSubcommand) {
        _ if inner.is_some() => inner,
        Some(ContextValue::Strings(names)) if names.len() > 1 => names.last().cloned(),
        _ => None,
    };
    if let Some(best) = best {
        let best = ContextValue::Strings(vec![best]);
        error.insert(ContextKind::SuggestedSubcommand, best);
    }
    error
}

/// Longest key that may be given: the keys of single requests follow from it.
const MAX_REPEAT_KEY: usize = 100;

fn idempotency_key(text: &str) -> Result<String, String> {
    if text.len() <= MAX_REPEAT_KEY && RequestOptions::is_key(text) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be 1 to {MAX_REPEAT_KEY} printable ASCII characters without blanks"
        ))
    }
}

impl Cli {
    /// The options that the configuration depends on.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags {
            daemon_socket: self.daemon_socket.clone(),
            config_file: self.config_file.clone(),
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start a session
    Launch(Box<launch::Args>),
    /// List sessions
    Sessions(sessions::Args),
    /// Show a session or an approval in full
    Show(show::Args),
    /// Print a session's conversation
    Logs(logs::Args),
    /// Search all conversations
    Search(search::Args),
    /// Send a message to a session
    Send(send::Args),
    /// Withdraw a message that the agent has not read
    Unsend(unsend::Args),
    /// Resume or fork a conversation
    Continue(continue_::Args),
    /// Interrupt the current turn of sessions
    Interrupt(interrupt::Args),
    /// End the processes of sessions
    End(end::Args),
    /// Give a session your current credentials
    Restart(restart::Args),
    /// Rename a session
    Rename(rename::Args),
    /// Export a conversation as Markdown or JSON
    Export(export::Args),
    /// Archive sessions
    Archive(archive::Args),
    /// Unarchive sessions
    Unarchive(archive::UnarchiveArgs),
    /// Delete sessions for good
    Delete(delete::Args),
    /// Delete old sessions for good
    Prune(delete::PruneArgs),
    /// List pending approvals
    Approvals(approvals::Args),
    /// Approve a request
    Approve(approve::Args),
    /// Deny a request
    Deny(deny::Args),
    /// Answer a question from an agent
    Answer(answer::Args),
    /// Answer a message from a program
    Respond(respond::Args),
    /// Ask a person from a script and print the answer
    #[command(name = "contact_human", alias = "contact-human")]
    ContactHuman(contact_human::Args),
    /// Serve permission prompts and questions over MCP
    Mcp(mcp::Args),
    /// Print events as they happen
    Watch(watch::Args),
    /// Call a method of the daemon
    Rpc(rpc::Args),
    /// Manage keys for programs that ask over HTTP
    Keys(keys::Args),
    /// List alarms and acknowledge them
    Alarms(alarms::Args),
    /// Confirm terminals that began while an agent ran
    Terminals(terminals::Args),
    /// Manage where programs run that may decide outside of a terminal
    Places(places::Args),
    /// Store a key for a HumanLayer API
    Login(login::Args),
    /// Check the key for the HumanLayer API
    Ping(ping::Args),
    /// Show, document or edit the configuration
    Config(config::Args),
    /// Start, stop or inspect the daemon
    Daemon(daemon::Args),
    /// Have systemd or launchd start the daemon
    Service(service::Args),
    /// Copy the database to a file, while it is used
    Backup(backup::Args),
    /// Put a backup in the place of the database
    Restore(restore::Args),
    /// Try the dashboard with scripted agents; needs no setup
    Demo(demo::Args),
    /// Check your setup
    Doctor(doctor::Args),
    /// Read the longer pages: protocol, programs, scripts, config
    Docs(docs::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// Print or write the manual pages
    Man(man::Args),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn each_verb_has_examples_and_one_line_of_help() {
        for verb in command().get_subcommands() {
            let name = verb.get_name();
            let about = verb.get_about().unwrap().to_string();
            assert!(!about.contains('\n'), "{name}");
            assert!(
                verb.get_after_long_help().is_some(),
                "{name} has no example"
            );
        }
    }

    #[test]
    fn global_options_may_come_after_the_verb() {
        for line in [
            "humanlayer sessions --daemon-socket /x",
            "humanlayer --daemon-socket /x sessions",
            "humanlayer daemon --daemon-socket /x status",
            "humanlayer daemon status --daemon-socket /x",
        ] {
            let cli = parse(line.split(' ')).unwrap();
            assert_eq!(cli.flags().daemon_socket, Some("/x".into()), "{line}");
        }
    }

    #[test]
    fn what_is_a_verbs_subcommand_is_named_with_its_verb() {
        for (line, tip) in [
            ("humanlayer status", "'daemon status'"),
            ("humanlayer stop", "'daemon stop'"),
            ("humanlayer sesions", "'sessions'"),
        ] {
            let said = parse(line.split(' ')).unwrap_err().to_string();
            assert!(said.contains(tip), "{said}");
        }
    }

    #[test]
    fn global_options_are_shown_once() {
        let mut whole = command();
        whole.build();
        let shown = whole.render_long_help().to_string();
        assert_eq!(shown.matches("--daemon-socket").count(), 1, "{shown}");
        assert!(shown.contains(GLOBAL), "{shown}");
        let mut inner: Vec<&mut clap::Command> = whole.get_subcommands_mut().collect();
        while let Some(verb) = inner.pop() {
            let help = verb.render_long_help().to_string();
            assert!(!help.contains("--config-file <PATH>\n"), "{help}");
            assert!(!help.contains(GLOBAL), "{help}");
            inner.extend(verb.get_subcommands_mut());
        }
    }
}
