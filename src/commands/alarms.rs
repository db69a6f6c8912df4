//! `alarms`: what must not have happened and has.

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::alarms::{AcknowledgeAlarmParams, AlarmInfo, ListAlarmsParams};

/// Arguments of `alarms`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer alarms list\n  \
    humanlayer alarms ack 3\n\n\
    An alarm is raised when a session's runner was killed, so that what its agent left behind may have\n\
    escaped, when a tool ran that nobody had approved, and when another program has written to the\n\
    database; no standing permission applies then until you have acknowledged it. After the former, programs that come from\n\
    something younger than that session decide nothing until you have acknowledged it, from an older\n\
    terminal or a new login.")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List open alarms
    List {
        /// List acknowledged ones too
        #[arg(short, long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Acknowledge an alarm
    Ack {
        /// Its number, from `humanlayer alarms list`
        id: i64,
    },
}

/// Lists or acknowledges.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    match args.verb {
        Verb::List { all, json } => {
            let alarms = client.list_alarms(&ListAlarmsParams { all }).await?.alarms;
            list(&mut context, alarms, json)
        }
        Verb::Ack { id } => {
            let alarm = client
                .acknowledge_alarm(&AcknowledgeAlarmParams { id })
                .await?
                .alarm;
            let detail = sanitize_line(&alarm.detail).into_owned();
            context
                .out
                .line(format!("acknowledged {}: {detail}", alarm.id))
                .map_err(Failure::from)
        }
    }
}

fn list(context: &mut Context, alarms: Vec<AlarmInfo>, json: bool) -> Result<(), Failure> {
    if json {
        return context.out.json(&alarms);
    }
    let terminal = context.out.is_terminal();
    if alarms.is_empty() && terminal {
        context.out.line("No alarms.")?;
        return Ok(());
    }
    context.out.rows(
        ["ID", "KIND", "SESSION", "DETAIL", "NOTICED", "ACKNOWLEDGED"],
        &["DETAIL"],
        alarms.into_iter().map(|alarm| {
            [
                alarm.id.to_string(),
                alarm.kind,
                alarm.session_id.chars().take(8).collect(),
                alarm.detail,
                format::time(alarm.created_at, terminal),
                alarm
                    .acknowledged_at
                    .map(|at| format::time(at, terminal))
                    .unwrap_or_default(),
            ]
        }),
    )?;
    Ok(())
}
