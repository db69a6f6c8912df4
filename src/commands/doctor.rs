//! `doctor`: check the setup.
//!
//! Owns how findings are shown; what is examined, and how, is in [`crate::doctor`]. Nothing is
//! changed and no daemon is started, except with `--repair`: then the daemon mends what it can first.

use super::dashboard;
use super::exit::Failure;
use super::in_process::inspect_database;
use super::kind::Kind;
use super::output::Output;
use crate::client::ensure_daemon;
use crate::config::{Config, Flags};
use crate::doctor::{Finding, Level, agent, daemon, isolation, login, remote_api};
use crate::domain::text::sanitize_line;
use crate::protocol::upkeep::RepairParams;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer doctor\n  \
    humanlayer doctor --json\n  \
    humanlayer doctor --repair\n\n\
    Starts no daemon, except to repair. Where ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL is set, the\n\
    agent's program is started briefly to check that it supports approvals; no\n\
    model is called. Exits with 1 if a check fails.")]
pub struct Args {
    /// Adopt, move aside and make anew what is not as it should be, and say what was done
    ///
    /// Starts the daemon. Sessions that the database does not know are adopted from their
    /// directories, directories that belong to no session are moved to `quarantine` beside them,
    /// indexes that do not fit are made anew, and the database that the daemon has open is put back
    /// where another file has taken its place. Without this nothing is changed. Refused to agents.
    #[arg(long)]
    pub repair: bool,
}

/// Examines everything, and fails if something cannot work.
pub async fn run(args: Args, flags: Flags) -> Result<(), Failure> {
    let mut findings = match args.repair {
        true => repair(&flags).await?,
        false => Vec::new(),
    };
    findings.extend(examine(&flags).await);
    let mut out = Output::new();
    out.result(&findings, |out| write(out, &findings))?;
    let failed = findings.iter().filter(|one| one.level == Level::Fail);
    match failed.count() {
        0 => Ok(()),
        1 => Err(Failure::shown(Kind::CheckFailed, "a check failed")),
        count => Err(Failure::shown(
            Kind::CheckFailed,
            format!("{count} checks failed"),
        )),
    }
}

/// Has the daemon mend what it can; says what that was.
async fn repair(flags: &Flags) -> Result<Vec<Finding>, Failure> {
    let config = Config::load(flags)?;
    let client = ensure_daemon(&config).await?;
    let done = client.repair(&RepairParams {}).await?.done;
    if done.is_empty() {
        return Ok(vec![Finding::ok("repair", "nothing to repair")]);
    }
    Ok(done
        .into_iter()
        .map(|done| Finding::ok("repair", done))
        .collect())
}

async fn examine(flags: &Flags) -> Vec<Finding> {
    // Without a configuration it is not known what else to look at.
    let config = match Config::load(flags) {
        Ok(config) => config,
        Err(error) => {
            return vec![Finding::fail(
                "configuration",
                error.to_string(),
                "fix that and run this again",
            )];
        }
    };
    let mut findings = configuration(&config);
    let health = daemon::health(&config.daemon_socket.value).await;
    match daemon::examine_proc() {
        // What would be said of Claude Code then is nothing about Claude Code.
        Some(missing) => findings.push(missing),
        None => findings.extend(agent::examine(&config, health.as_ref()).await),
    }
    findings.push(login::examine());
    findings.extend(daemon::examine_socket(&config.daemon_socket.value).await);
    findings.extend(health.as_ref().and_then(daemon::examine_caller));
    findings.extend(health.as_ref().and_then(daemon::examine_limits));
    findings.push(daemon::examine_database(
        &config.database_path.value,
        inspect_database,
    ));
    findings.push(remote_api::examine(&config).await);
    findings.push(isolation::examine(&config).await);
    findings
}

/// The files that were read, and each mistake in them.
fn configuration(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<Finding> = dashboard::problem(config)
        .into_iter()
        .chain(dashboard::warnings(config))
        .map(|problem| Finding::fail("configuration", problem, dashboard::MEND))
        .collect();
    if findings.is_empty() {
        let files: Vec<String> = [&config.file, &config.project_file]
            .into_iter()
            .flatten()
            .map(|file| file.display().to_string())
            .collect();
        findings.push(Finding::ok(
            "configuration",
            match files.as_slice() {
                [] => "no file; defaults and environment".to_owned(),
                files => files.join(", "),
            },
        ));
    }
    findings
}

fn write(out: &mut Output, findings: &[Finding]) -> std::io::Result<()> {
    for finding in findings {
        let level = match finding.level {
            Level::Ok => "ok  ",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        out.line(format!(
            "{level} {:<14} {}",
            finding.check,
            sanitize_line(&finding.message)
        ))?;
        if let Some(next) = &finding.next {
            out.line(format!("{:<20}{}", "", sanitize_line(next)))?;
        }
    }
    Ok(())
}
