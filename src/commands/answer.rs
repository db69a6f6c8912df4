//! `answer`: answer an agent's questions.
//!
//! Owns the arguments. What was typed is understood by [`crate::domain::question`]; whether the
//! answers fit is the daemon's to judge.

use serde_json::{Map, Value};

use super::decide::{self, Report};
use super::exit::Failure;
use super::{Context, complete};
use crate::domain::question::{self, Question, Typed};
use crate::domain::{Capability, Decision};

/// Arguments of `answer`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer answer 1a2b3c4d Postgres                 the label of an option\n  \
    humanlayer answer 1a2b3c4d 2                        its number\n  \
    humanlayer answer 1a2b3c4d --text \"none of these\"   your own words\n  \
    humanlayer answer 1a2b3c4d 1=2 2=Yes                several questions, by number\n  \
    humanlayer answer 1a2b3c4d \"Which one?=2\"           or by their text or header\n  \
    humanlayer answer 1a2b3c4d '{\"Which one?\": \"Postgres\"}'   all answers as JSON\n\n\
    Where several options may be chosen, give several.\n\
    `humanlayer show ID` shows the questions and their options.")]
pub struct Args {
    /// The approval
    #[arg(add = complete::approvals())]
    pub id: String,

    /// An option's label or number; QUESTION=OPTION for several questions; or all answers as one JSON
    /// object, question text to answer
    #[arg(required_unless_present = "text", value_name = "OPTION")]
    pub options: Vec<String>,

    /// An answer in your own words; QUESTION=TEXT for several questions
    #[arg(long, value_name = "TEXT", visible_alias = "other")]
    pub text: Vec<String>,

    /// A note for the record
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// All answers at once, where that is what was typed: one JSON object that is no option's label.
fn whole(args: &Args, questions: &[Question]) -> Option<Map<String, Value>> {
    let ([only], []) = (args.options.as_slice(), args.text.as_slice()) else {
        return None;
    };
    let mut labels = questions.iter().flat_map(|question| &question.options);
    if labels.any(|option| option.label == *only) {
        return None;
    }
    serde_json::from_str(only).ok()
}

/// Answers.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let client = context.client().await?;
    let approval = client.get_approval(&args.id).await?;
    decide::require(&approval, Capability::Answer)?;
    let questions = question::parse(&approval.tool_input).unwrap_or_default();
    let answers = match whole(&args, &questions) {
        Some(answers) => answers,
        None => {
            let typed = Typed {
                options: &args.options,
                texts: &args.text,
            };
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
