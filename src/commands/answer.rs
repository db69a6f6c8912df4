//! `answer`: answer an agent's questions.
//!
//! Owns the arguments. What was typed is understood by [`crate::domain::question`]; whether the
//! answers fit is the daemon's to judge.

use serde_json::Value;

use super::decide::{self, Report};
use super::exit::Failure;
use super::{Context, complete, input};
use crate::domain::question::{self, Typed};
use crate::domain::{Capability, Decision};

/// Arguments of `answer`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer answer 1a2b3c4d Postgres                 the label of an option\n  \
    humanlayer answer 1a2b3c4d 2                        its number\n  \
    humanlayer answer 1a2b3c4d --text \"none of these\"   your own words\n  \
    humanlayer answer 1a2b3c4d 1=2 2=Yes                several questions, by number\n  \
    humanlayer answer 1a2b3c4d \"Which one?=2\"           or by their text or header\n\n\
    Where several options may be chosen, give several.\n\
    `humanlayer show ID` shows the questions and their options.")]
pub struct Args {
    /// The approval
    #[arg(add = complete::approvals())]
    pub id: String,

    /// An option's label or number; QUESTION=OPTION for several questions
    #[arg(required_unless_present_any = ["json", "text"], value_name = "OPTION")]
    pub options: Vec<String>,

    /// An answer in your own words; QUESTION=TEXT for several questions
    #[arg(long, value_name = "TEXT", visible_alias = "other")]
    pub text: Vec<String>,

    /// The answers as a JSON object: question text to answer
    #[arg(long, value_name = "JSON", conflicts_with_all = ["options", "text"])]
    pub json: Option<String>,

    /// A note for the record
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// Answers.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let given = match &args.json {
        Some(text) => match input::json(text, "--json")? {
            Value::Object(answers) => Some(answers),
            _ => {
                return Err(Failure::usage(
                    "--json must be a JSON object: question text to answer",
                ));
            }
        },
        None => None,
    };
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Answer)?;
    let answers = match given {
        Some(answers) => answers,
        None => {
            let typed = Typed {
                options: &args.options,
                texts: &args.text,
            };
            let questions = question::parse(&approval.tool_input).unwrap_or_default();
            question::answers(&questions, typed).map_err(|problem| {
                Failure::usage(problem).with_hint("--text gives an answer in your own words")
            })?
        }
    };
    let decision = Decision::Answer {
        answers,
        comment: args.comment,
    };
    decide::send(&client, approval, decision, Report::Line, &mut context).await
}
