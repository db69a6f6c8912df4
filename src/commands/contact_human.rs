//! `contact_human`: ask a person from a script, and print the answer.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Failure;
use super::kind::Kind;
use super::output::Output;
use super::{Context, input, output};
use crate::client::pending_question::{PendingQuestion, Progress, Question};
use crate::client::spawn;
use crate::domain::ApprovalId;
use crate::domain::approval::ResponseOption;
use crate::domain::text::sanitize_line;
use crate::mcp::reply::Reply;
use crate::platform;
use crate::protocol::approval::{Approval, CreateContactParams};

/// Arguments of `contact_human`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    answer=$(humanlayer contact_human -m \"Deploy to production?\" --option yes --option no)\n  \
    git log -5 | humanlayer contact_human -m - --subject \"Release notes?\"\n\n\
    Waits as long as it takes; `humanlayer respond ID -m TEXT` answers, `humanlayer deny ID -m TEXT`\n\
    declines. Ctrl-C withdraws the question. The answer is all that is printed: an option's words,\n\
    which are its name here, or what the person wrote.\n\n\
    Exit codes: 0 answered, 6 declined (the reason is on standard error), 7 withdrawn or cancelled:\n\
    nobody answered. Others as everywhere.")]
pub struct Args {
    /// What the person is to read; `-` reads it from standard input
    #[arg(short = 'm', long = "message", value_name = "TEXT")]
    pub message: String,

    /// What it is about, in a few words
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,

    /// An answer to choose from; may be given several times
    #[arg(long = "option", value_name = "NAME")]
    pub options: Vec<String>,
}

/// Asks and waits.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let message = input::message(&args.message, "message")?;
    let in_session = spawn::own_session().is_some();
    let run_id = context.config.run_id.value.clone();
    let options = args.options.into_iter().map(|name| ResponseOption {
        name,
        ..ResponseOption::default()
    });
    let question = Question::Contact(CreateContactParams {
        run_id: run_id.filter(|_| !in_session),
        message,
        subject: args.subject,
        response_options: Some(options.collect()),
        call_id: context.idempotency_key.clone(),
        asker: caller(),
        cwd: input::directory(std::path::Path::new(".")).ok(),
        ..CreateContactParams::default()
    });
    // Before anything is asked: from here on the question is not left behind.
    let listening = |cause| Failure::failed(format!("listening to signals: {cause}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(listening)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(listening)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(listening)?;
    let mut asking = PendingQuestion::new(&context.config, question);
    let settled = tokio::select! {
        biased;
        settled = asking.settle(tell) => Some(settled),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        _ = hangup.recv() => None,
    };
    let Some(settled) = settled else {
        // Who cannot wait for that either interrupts again.
        let withdrawn = tokio::select! {
            withdrawn = asking.withdraw("its asker was interrupted") => withdrawn,
            _ = interrupt.recv() => return Err(left_behind()),
            _ = terminate.recv() => return Err(left_behind()),
        };
        return Err(match withdrawn {
            Ok(()) => Failure::new(Kind::Withdrawn, "interrupted; the question is withdrawn"),
            Err(_) => left_behind(),
        });
    };
    print(&settled?, &mut context.out)
}

fn left_behind() -> Failure {
    Failure::new(
        Kind::Withdrawn,
        "interrupted; the question could not be withdrawn and may still be pending",
    )
}

/// The program that runs this one, by its name: the script, where that has one.
fn caller() -> Option<String> {
    let parent = rustix::process::getppid()?;
    platform::process_name(parent.as_raw_nonzero().get().unsigned_abs())
}

fn tell(progress: Progress<'_>) {
    match progress {
        Progress::Recorded(id) => output::note(&format!(
            "humanlayer: waiting for an answer: humanlayer respond {} -m TEXT",
            sanitize_line(ApprovalId::from(id).short())
        )),
        Progress::Retrying(error) => output::warn(&format!("{error}; trying again")),
    }
}

fn print(approval: &Approval, out: &mut Output) -> Result<(), Failure> {
    let reply = Reply::of(approval);
    if out.is_json() {
        out.json(&json!({
            "outcome": approval.outcome,
            "answer": approval.comment,
            "option": approval.chosen_option,
            "approval_id": approval.id,
            "decided_by": approval.decided_by,
        }))?;
        out.flush()?;
    }
    match reply {
        Reply::Answer { words, .. } => {
            if !out.is_json() {
                out.block("", &words)?;
                out.flush()?;
            }
            Ok(())
        }
        Reply::Declined { reason } => {
            Err(Failure::new(Kind::Declined, format!("declined: {reason}")))
        }
        Reply::Nobody { why } => Err(Failure::new(Kind::Withdrawn, why)),
    }
}
