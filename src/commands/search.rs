//! `search`: search all conversations.

use super::exit::Failure;
use super::kind::Kind;
use super::output::warn;
use super::{Context, complete};
use crate::format;
use crate::protocol::conversation::SearchConversationsParams;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:\n  \
    humanlayer search \"connection refused\"\n  \
    humanlayer search --session 1a2b3c4d \"connection refused\"\n  \
    humanlayer search migration --json | jq -r '.hits[].session_id' | sort -u")]
pub struct Args {
    /// Text to search for: literal, case-insensitive
    #[arg(required = true)]
    pub words: Vec<String>,

    /// Search only this session, and list all of its matches
    #[arg(short, long, value_name = "ID", add = complete::sessions())]
    pub session: Option<String>,

    /// List all matches of each session, not only the newest three
    #[arg(short, long, conflicts_with = "session")]
    pub all: bool,

    /// Maximum results
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
}

/// Lists the places, the newest first; like `grep` it fails where there is none.
pub async fn run(args: Args, mut context: Context) -> Result<(), Failure> {
    let params = SearchConversationsParams {
        query: args.words.join(" "),
        limit: Some(args.limit),
        session_id: args.session,
        per_session: args.all.then_some(u32::MAX),
    };
    let found = context
        .client()
        .await?
        .search_conversations(&params)
        .await?;
    let terminal = context.out.is_terminal();
    if context.out.is_json() {
        context.out.json(&found)?;
    } else if found.hits.is_empty() && terminal {
        context.out.line("No matches.")?;
    }
    if found.hits.is_empty() {
        return Err(Failure::shown(Kind::NoMatch, "no matches"));
    }
    if context.out.is_json() {
        return Ok(());
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
    context.out.flush()?;
    if !found.left_out.is_empty() {
        let more: u64 = found.left_out.iter().map(|session| session.places).sum();
        let sessions = match &found.left_out[..] {
            [one] => format!(
                "of session {}: add --session {}",
                format::session_id(&one.session_id, true),
                format::session_id(&one.session_id, true)
            ),
            several => format!("of {} sessions: add --all, or --session ID", several.len()),
        };
        warn(&format!("{more} more matches {sessions}"));
    }
    if !found.complete {
        warn("results may be incomplete: raise --limit, or search with rarer words");
    }
    Ok(())
}
