//! The command line: its verbs, their help, and the options they share.
//!
//! Owns what can be typed; each verb's own arguments and what it does are in
//! its file under [`crate::commands`]. Must do nothing but parse. Used by
//! `main` and for shell completions.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    answer, approvals, approve, archive, completions, config, contact_human, continue_, daemon,
    demo, deny, doctor, end, interrupt, keys, launch, login, logs, mcp, ping, respond, restart,
    rpc, search, send, sessions, show, watch,
};
use crate::config::Flags;

/// Run many Claude Code agents at once, and decide in one place what they may do.
///
/// Agents run in the background, supervised by a daemon that is started when it
/// is needed and that they outlive. What an agent may not do by itself becomes
/// an approval, which waits until you decide. Without a verb an overview is shown.
#[derive(Debug, Parser)]
#[command(
    name = "humanlayer",
    version,
    after_long_help = "Examples:\n  \
        humanlayer launch \"fix the failing test\"   start an agent here\n  \
        humanlayer approvals                       what waits for you\n  \
        humanlayer approve 1a2b3c4d                let it do that\n  \
        humanlayer --headless                      run the daemon in the foreground\n\n\
        Ids may be shortened as long as they are unique.\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 already resolved,\n\
        5 no daemon could be reached or started, 6 declined, 7 taken back or given up.",
    max_term_width = 100
)]
pub struct Cli {
    /// Socket of the daemon
    ///
    /// Also HUMANLAYER_DAEMON_SOCKET, or `daemon_socket` in the configuration
    /// file. Default: ~/.humanlayer/daemon.sock.
    #[arg(long, global = true, value_name = "PATH")]
    pub daemon_socket: Option<PathBuf>,

    /// Configuration file
    ///
    /// Default: humanlayer.json in the working directory, else
    /// ~/.config/humanlayer/humanlayer.json.
    #[arg(long, global = true, value_name = "PATH")]
    pub config_file: Option<PathBuf>,

    /// Run the daemon in the foreground, for servers
    ///
    /// Needs no terminal and logs to standard error. SIGTERM stops it; the
    /// sessions go on and the next daemon takes them up again.
    #[arg(long)]
    pub headless: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
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
    /// Start an agent
    Launch(Box<launch::Args>),
    /// List sessions
    Sessions(sessions::Args),
    /// Show a session, or an approval, in full
    Show(show::Args),
    /// Print what was said and done in a session
    Logs(logs::Args),
    /// Look for words in all conversations
    Search(search::Args),
    /// Send a message to a live session
    Send(send::Args),
    /// Go on with a conversation in a new session
    Continue(continue_::Args),
    /// Stop what an agent is doing now
    Interrupt(interrupt::Args),
    /// End a session's process
    End(end::Args),
    /// Give a session your current credentials
    Restart(restart::Args),
    /// Put sessions away
    Archive(archive::Args),
    /// List what waits for a decision
    Approvals(approvals::Args),
    /// Let an agent do what it asks for
    Approve(approve::Args),
    /// Refuse what an agent asks for
    Deny(deny::Args),
    /// Answer an agent's question
    Answer(answer::Args),
    /// Answer a program's message
    Respond(respond::Args),
    /// Ask a person from a script, and print the answer
    #[command(name = "contact_human", alias = "contact-human")]
    ContactHuman(contact_human::Args),
    /// Serve MCP: permission prompts and questions of agents
    Mcp(mcp::Args),
    /// Print what happens, as it happens
    Watch(watch::Args),
    /// Call a method of the daemon
    Rpc(rpc::Args),
    /// Make and revoke keys for programs that ask over HTTP
    Keys(keys::Args),
    /// Store a key for a HumanLayer API
    Login(login::Args),
    /// Ask the HumanLayer API whether it takes the key
    Ping(ping::Args),
    /// Show or edit the configuration
    Config(config::Args),
    /// Start, stop or examine the daemon
    Daemon(daemon::Args),
    /// Show the dashboard with scripted agents; needs no set-up
    Demo(demo::Args),
    /// Examine everything that must work
    Doctor(doctor::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_verb_has_examples_and_one_line_of_help() {
        for verb in Cli::command().get_subcommands() {
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
        let cli = Cli::try_parse_from(["humanlayer", "sessions", "--daemon-socket", "/x"]).unwrap();
        assert_eq!(cli.flags().daemon_socket, Some("/x".into()));
    }
}
