//! What a session has used: tokens and money, from its agent's messages and results.

use crate::claude::line::{Assistant, MessageUsage, TurnResult};
use crate::domain::Session;
use crate::domain::usage::Totals;

/// The context window of a model that has not said how large it is: the smallest that is in use.
const SMALLEST_CONTEXT: i64 = 200_000;

/// The context window of a model whose name asks for a large one.
const LARGE_CONTEXT: i64 = 1_000_000;

/// Until the first result tells the size of the context window it is taken from the model's name.
pub(super) fn expect_context_limit(session: &mut Session) {
    let Some(model) = &session.model_id else {
        return;
    };
    session.usage.context_limit.get_or_insert_with(|| {
        if model.ends_with("[1m]") {
            LARGE_CONTEXT
        } else {
            SMALLEST_CONTEXT
        }
    });
}

/// Counts the tokens of a message as they become known; the next result corrects them.
pub(super) fn count_message(session: &mut Session, line: &Assistant) {
    let (Some(usage), None) = (line.usage, &line.error) else {
        return;
    };
    let spent = totals(&usage);
    if line.parent_tool_use_id.is_none() && spent.tokens() > 0 {
        session.usage.context_tokens = Some(spent.tokens());
    }
    // Several lines may be parts of one message, each with the whole message's tokens.
    if line.message_id.is_some() && line.message_id == session.stream.last_message {
        return;
    }
    session.stream.last_message.clone_from(&line.message_id);
    session.stream.unreported = session.stream.unreported.plus(&spent);
    add(session, &spent);
}

/// Counts what a result reports, less what its messages have been counted for.
pub(super) fn count_result(session: &mut Session, result: &TurnResult) {
    let unreported = std::mem::take(&mut session.stream.unreported);
    session.stream.last_message = None;
    let first_report = session.stream.accounting.ended;
    let turn = totals(&result.usage.unwrap_or_default());
    let spent = if result.model_usage.is_empty() && result.total_cost_usd.is_none() {
        turn
    } else {
        let mut reported = Totals {
            cost_usd: result
                .total_cost_usd
                .unwrap_or(session.stream.accounting.reported.cost_usd),
            ..Totals::default()
        };
        if result.model_usage.is_empty()
            && reported.cost_usd >= session.stream.accounting.reported.cost_usd
        {
            // Nothing is said about tokens: they have not become fewer.
            reported = Totals {
                cost_usd: reported.cost_usd,
                ..session.stream.accounting.reported
            };
        }
        for model in result.model_usage.values() {
            reported = reported.plus(&Totals {
                cost_usd: 0.0,
                input_tokens: model.input_tokens,
                output_tokens: model.output_tokens,
                cache_creation_input_tokens: model.cache_creation_input_tokens,
                cache_read_input_tokens: model.cache_read_input_tokens,
            });
        }
        if result.model_usage.is_empty() {
            // Its tokens are known of the turn only.
            let spent = session.stream.accounting.report(reported, 0);
            Totals {
                cost_usd: spent.cost_usd,
                ..turn
            }
        } else {
            session.stream.accounting.report(reported, turn.tokens())
        }
    };
    let counted_before = if first_report {
        session.stream.unpriced.reported(&spent, &turn)
    } else {
        Totals::default()
    };
    add(session, &spent.since(&unreported).since(&counted_before));
    let usage = &mut session.usage;
    if result.total_cost_usd.is_some() {
        usage.cost_usd = Some(usage.cost_usd.unwrap_or(0.0) + spent.cost_usd);
    }
    let sum = |so_far: Option<i64>, more: Option<i64>| {
        Some(so_far.unwrap_or(0).saturating_add(more.unwrap_or(0)))
    };
    usage.num_turns = sum(usage.num_turns, result.num_turns);
    usage.duration_ms = sum(usage.duration_ms, result.duration_ms);
    let window = context_window(session, result);
    if window > 0 {
        session.usage.context_limit = Some(window);
    }
}

/// The context window of the session's model, or the largest of those in use.
fn context_window(session: &Session, result: &TurnResult) -> i64 {
    let main = session
        .model_id
        .as_ref()
        .and_then(|model| result.model_usage.get(model));
    match main {
        Some(model) => model.context_window,
        None => {
            let windows = result.model_usage.values();
            windows.map(|model| model.context_window).max().unwrap_or(0)
        }
    }
}

/// The process has ended: its totals will not be gone on with, or only by another. `in_a_turn` when it will
/// not report what that turn cost, `killed` when it could write nothing down.
pub(super) fn process_ended(session: &mut Session, in_a_turn: bool, killed: bool) {
    if in_a_turn {
        let tokens = session.stream.unreported;
        session.stream.unpriced.lost(&tokens, !killed);
    }
    session.stream.accounting.ended = true;
    session.stream.unreported = Totals::default();
    session.stream.last_message = None;
    session.stream.begun = false;
    session.stream.retrying = None;
}

fn totals(usage: &MessageUsage) -> Totals {
    Totals {
        cost_usd: 0.0,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_creation_input_tokens: usage.cache_creation_input_tokens,
        cache_read_input_tokens: usage.cache_read_input_tokens,
    }
}

/// Adds tokens to what is shown; what was counted too much before is taken off again.
fn add(session: &mut Session, spent: &Totals) {
    let usage = &mut session.usage;
    let add = |sum: &mut Option<i64>, tokens: i64| {
        *sum = Some(sum.unwrap_or(0).saturating_add(tokens).max(0));
    };
    add(&mut usage.input_tokens, spent.input_tokens);
    add(&mut usage.output_tokens, spent.output_tokens);
    add(
        &mut usage.cache_creation_input_tokens,
        spent.cache_creation_input_tokens,
    );
    add(
        &mut usage.cache_read_input_tokens,
        spent.cache_read_input_tokens,
    );
}
