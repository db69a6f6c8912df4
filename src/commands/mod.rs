//! The commands: what each verb does, a verb a file.
//!
//! A command resolves what the user typed, calls the daemon through
//! [`crate::client`] and writes to [`output::Output`]; it decides nothing that
//! the daemon should decide and keeps no state. [`run`] is called by `main`
//! alone and is the only place that knows which verbs need a daemon, a
//! runtime or a configuration.

pub mod alarms;
pub mod answer;
pub mod approvals;
pub mod approve;
pub mod archive;
pub mod backup;
pub mod cli;
pub mod complete;
pub mod completions;
pub mod config;
pub mod contact_human;
pub mod continue_;
pub mod daemon;
mod dashboard;
mod decide;
pub mod delete;
pub mod demo;
pub mod deny;
pub mod docs;
pub mod doctor;
pub mod end;
pub mod exit;
pub mod export;
mod in_process;
mod input;
pub mod interrupt;
pub mod keys;
pub mod kind;
pub mod launch;
pub mod login;
pub mod logs;
pub mod man;
pub mod mcp;
pub mod output;
mod overview;
pub mod ping;
pub mod places;
mod printer;
pub mod rename;
pub mod respond;
pub mod restart;
pub mod restore;
pub mod rpc;
pub mod search;
mod secret;
pub mod send;
pub mod service;
pub mod sessions;
mod settle;
mod several;
pub mod show;
mod table;
pub mod terminals;
pub mod unsend;
pub mod watch;

use std::ffi::OsString;
use std::future::Future;
use std::io::ErrorKind;

use crate::client::{Client, ensure_daemon};
use crate::config::Config;
use crate::protocol::PROTOCOL_VERSION;
use crate::tui;
use cli::{Cli, Verb};

use exit::{Exit, Failure};
use output::Output;

/// Warnings about the configuration that are said at each start.
const MAX_WARNINGS: usize = 3;

/// What does a dashboard's work on a terminal that cannot show one.
pub const NO_DASHBOARD: &str = "`humanlayer watch`, `sessions`, `approvals`, `approve ID`, `deny ID` and `send SESSION TEXT` work here; on a terminal that can more, set TERM (TERM=xterm-256color)";

/// What a command works with.
pub struct Context {
    /// The configuration.
    pub config: Config,
    /// Standard output.
    pub out: Output,
    /// Names what this command changes, for repeating it.
    pub idempotency_key: Option<String>,
}

impl Context {
    /// A connection to the daemon, which is started if none runs. One that speaks another
    /// protocol is used all the same, with a warning.
    async fn client(&self) -> Result<Client, Failure> {
        let client = ensure_daemon(&self.config)
            .await?
            .telling_what_is_slow(tell_what_is_slow);
        let health = client.health().await?;
        if health.protocol != PROTOCOL_VERSION {
            output::warn(&format!(
                "the daemon is version {}, this program is {}; `humanlayer daemon restart` is safe: sessions keep running",
                health.version,
                env!("CARGO_PKG_VERSION"),
            ));
        }
        // Without a key of the user's each run of a command has one of its own.
        let own = uuid::Uuid::new_v4().to_string();
        let key = self.idempotency_key.as_deref().unwrap_or(&own);
        Ok(client.repeatable(key))
    }
}

fn tell_what_is_slow(method: &str) {
    output::note(&format!(
        "the daemon answers, but it has not answered yet to {method}; waiting for it"
    ));
}

/// Does what the command line says, and says on standard error why it could not.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    if cli.json {
        output::use_json();
    }
    output::use_color(cli.color);
    match dispatch(cli) {
        Ok(()) => Exit::Done,
        Err(failure) => give_up(failure),
    }
}

/// Says why a command failed. This is the only place that does.
fn give_up(failure: Failure) -> Exit {
    let exit = failure.exit();
    if let Failure::Told(trouble) = failure {
        output::error(&trouble);
    }
    exit
}

/// What becomes of a command line that is none, or that asks for help or the version.
#[must_use]
pub fn not_understood(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> Exit {
    if error.use_stderr() && cli::asks_for_json(arguments) {
        output::use_json();
        return give_up(Failure::from(error));
    }
    match error.print() {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Exit::PipeClosed,
        Ok(()) | Err(_) if error.use_stderr() => Exit::Usage,
        Ok(()) => Exit::Done,
        Err(cause) => give_up(cause.into()),
    }
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let flags = cli.flags();
    if cli.headless {
        if cli.verb.is_some() {
            return Err(Failure::usage(
                "--headless runs the daemon and takes no verb",
            ));
        }
        return daemon::headless(&Config::load(&flags)?);
    }
    // Those that need no configuration, or must work with a broken one.
    let verb = match cli.verb {
        Some(Verb::Completions(args)) => return completions::run(&args, Output::new()),
        Some(Verb::Docs(args)) => return docs::run(&args, Output::new()),
        Some(Verb::Man(args)) => return man::run(&args, cli::command(), Output::new()),
        Some(Verb::Config(args)) => return config::run(&args, &flags, Output::new()),
        Some(Verb::Daemon(args)) if args.is_detached_child() => return daemon::detached(&flags),
        Some(Verb::Daemon(args)) if args.is_restarted_child() => return daemon::restarted(&flags),
        Some(Verb::Mcp(args)) => return mcp::run(&args, &flags),
        Some(Verb::Doctor(args)) => return block_on(doctor::run(args, flags)),
        Some(Verb::Demo(args)) => return block_on(async move { demo::run(args, &flags).await }),
        other => other,
    };
    let context = Context {
        config: Config::load(&flags)?,
        out: Output::new(),
        idempotency_key: cli.idempotency_key,
    };
    let has_terminal = tui::runtime::has_terminal();
    let cannot_draw = tui::runtime::cannot_draw().filter(|_| has_terminal);
    let is_json = context.out.is_json();
    let is_dashboard = verb.is_none() && has_terminal && cannot_draw.is_none() && !is_json;
    // The dashboard shows them itself.
    if !is_dashboard {
        warn_of_configuration(&context.config);
    }
    block_on(async move {
        match verb {
            None if is_dashboard => dashboard::run(context).await,
            None => {
                overview::run(context).await?;
                if let Some(why) = cannot_draw.filter(|_| !is_json) {
                    output::warn(&format!(
                        "{why}, so there is no dashboard here\n  {NO_DASHBOARD}"
                    ));
                }
                Ok(())
            }
            // They write what the options name into files.
            Some(Verb::Login(args)) => login::run(args, &flags, context).await,
            Some(Verb::Service(args)) => service::run(args, &flags, context).await,
            Some(verb) => perform(verb, context).await,
        }
    })
}

/// Says on standard error what in the configuration has no effect; a few, `doctor` says all.
fn warn_of_configuration(config: &Config) {
    let warnings = dashboard::warnings(config);
    for warning in warnings.iter().take(MAX_WARNINGS) {
        output::warn(warning);
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(MAX_WARNINGS) {
        output::warn(&format!("{more} more; `humanlayer doctor` lists them all"));
    }
}

/// Runs a command on this thread alone: starting more would take longer than the command.
fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::failed(format!("starting up: {cause}")))?
        .block_on(command)
}

async fn perform(verb: Verb, context: Context) -> Result<(), Failure> {
    match verb {
        Verb::Launch(args) => launch::run(*args, context).await,
        Verb::Sessions(args) => sessions::run(args, context).await,
        Verb::Show(args) => show::run(args, context).await,
        Verb::Logs(args) => logs::run(args, context).await,
        Verb::Search(args) => search::run(args, context).await,
        Verb::Send(args) => send::run(args, context).await,
        Verb::Continue(args) => continue_::run(args, context).await,
        Verb::Interrupt(args) => interrupt::run(args, context).await,
        Verb::Unsend(args) => unsend::run(args, context).await,
        Verb::End(args) => end::run(args, context).await,
        Verb::Restart(args) => restart::run(args, context).await,
        Verb::Rename(args) => rename::run(args, context).await,
        Verb::Export(args) => export::run(args, context).await,
        Verb::Archive(args) => archive::run(args, context).await,
        Verb::Unarchive(args) => archive::run_unarchive(args, context).await,
        Verb::Delete(args) => delete::run(args, context).await,
        Verb::Prune(args) => delete::prune(args, context).await,
        Verb::Approvals(args) => approvals::run(args, context).await,
        Verb::Approve(args) => approve::run(args, context).await,
        Verb::Deny(args) => deny::run(args, context).await,
        Verb::Answer(args) => answer::run(args, context).await,
        Verb::Respond(args) => respond::run(args, context).await,
        Verb::ContactHuman(args) => contact_human::run(args, context).await,
        Verb::Watch(args) => watch::run(args, context).await,
        Verb::Keys(args) => keys::run(args, context).await,
        Verb::Alarms(args) => alarms::run(args, context).await,
        Verb::Terminals(args) => terminals::run(args, context).await,
        Verb::Places(args) => places::run(args, context).await,
        Verb::Rpc(args) => rpc::run(args, context).await,
        Verb::Backup(args) => backup::run(args, context),
        Verb::Restore(args) => restore::run(args, context).await,
        Verb::Daemon(args) => daemon::run(args, context).await,
        Verb::Ping(args) => ping::run(args, context).await,
        // Done before, without a configuration or with more than that.
        Verb::Config(_)
        | Verb::Doctor(_)
        | Verb::Demo(_)
        | Verb::Completions(_)
        | Verb::Docs(_)
        | Verb::Man(_)
        | Verb::Login(_)
        | Verb::Service(_)
        | Verb::Mcp(_) => Ok(()),
    }
}
