//! `search`: search all conversations.

use super::Context;
use super::exit::{Exit, Failure};
use super::output::warn;
use crate::format;
use crate::protocol::conversation::SearchConversationsParams;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer search \"connection refused\"\n  \
    humanlayer search migration --json | jq -r '.hits[].session_id' | sort -u")]
pub struct Args {
    /// Text to search for: literal, case-insensitive
    #[arg(required = true)]
    pub words: Vec<String>,

    /// Maximum results
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,

    /// Print the response as JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists the places, the newest first; like `grep` it fails where there is none.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let params = SearchConversationsParams {
        query: args.words.join(" "),
        limit: Some(args.limit),
    };
    let found = context
        .client()
        .await?
        .search_conversations(&params)
        .await?;
    if args.json {
        return context.out.json(&found);
    }
    let terminal = context.out.is_terminal();
    if found.hits.is_empty() {
        if terminal {
            context.out.line("No matches.")?;
        }
        return Err(Failure::Silent(Exit::Failed));
    }
    context.out.rows(
        ["SESSION", "#", "TYPE", "WHEN", "MATCH"],
        &["MATCH"],
        found.hits.iter().map(|hit| {
            [
                format::session_id(&hit.session_id, terminal),
                hit.sequence.to_string(),
                hit.event_type.as_str().replace('_', " "),
                format::time(hit.created_at, terminal),
                hit.excerpt.clone(),
            ]
        }),
    )?;
    if !found.complete && terminal {
        context.out.flush()?;
        warn("results may be incomplete: older conversations were not searched");
    }
    Ok(())
}
