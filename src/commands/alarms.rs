//! `alarms`: what must not have happened and has.

use super::Context;
use super::exit::Failure;
use crate::domain::text::sanitize_line;
use crate::format;
use crate::protocol::alarms::{AcknowledgeAlarmParams, AlarmInfo, ListAlarmsParams};

/// Arguments of `alarms`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer alarms\n  \
    humanlayer alarms ack 3\n\n\
    An alarm is raised, for example, when a session's runner was killed, so that what its agent left behind\n\
    may have escaped, when a tool ran that nobody had approved, and when another program has written to the\n\
    database. After the last, no standing permission applies until you have acknowledged it. After a runner was\n\
    killed, programs that come from something younger than that session decide nothing until you have\n\
    acknowledged it, from an older terminal or a new login.")]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List open alarms
    List {
        /// List acknowledged ones too
        #[arg(short, long)]
        all: bool,
    },
    /// Acknowledge an alarm
    Ack {
        /// Its number, from `humanlayer alarms`
        id: i64,
    },
}

/// Lists or acknowledges.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    // The dashboard says `humanlayer alarms`: that lists them.
    let verb = args.verb.unwrap_or(Verb::List { all: false });
    match verb {
        Verb::List { all } => {
            let alarms = client.list_alarms(&ListAlarmsParams { all }).await?.alarms;
            list(&mut context, alarms)
        }
        Verb::Ack { id } => {
            let alarm = client
                .acknowledge_alarm(&AcknowledgeAlarmParams { id })
                .await?
                .alarm;
            context.out.result(&alarm, |out| {
                let detail = sanitize_line(&alarm.detail);
                out.line(format!("acknowledged {}: {detail}", alarm.id))
            })
        }
    }
}

fn list(context: &mut Context, alarms: Vec<AlarmInfo>) -> Result<(), Failure> {
    let terminal = context.out.is_terminal();
    let time = |at: jiff::Timestamp| format::time(at, terminal);
    let header = ["ID", "KIND", "SESSION", "DETAIL", "NOTICED", "ACKNOWLEDGED"];
    let columns = (header, &["DETAIL"][..]);
    context.out.list(alarms, "No alarms.", columns, |alarm| {
        [
            alarm.id.to_string(),
            alarm.kind,
            format::session_id(&alarm.session_id, terminal),
            alarm.detail,
            time(alarm.created_at),
            alarm.acknowledged_at.map(time).unwrap_or_default(),
        ]
    })
}
