//! Which messages of the user the agent has taken, by what it says.
//!
//! As observed on 2.0.37, 2.1.133, 2.1.330 and 2.1.332, started with `--replay-user-messages`:
//!
//! - Each version repeats a message once it has taken it, under the UUID that it was sent with: with the
//!   first words of the turn, or when it takes it up in the middle of one. Several that it takes up
//!   together it joins into one; it repeats all but the last of them at once, before it has
//!   written anything down. So a message counts as read only when the agent has acted after
//!   repeating it ([`acted`]).
//! - From 2.1.330 on `command_lifecycle` tells of each message when it is taken, done or dropped.
//! - Before, a command of the agent's own (`/clear`) and a message that a hook refuses are repeated by
//!   nobody. They have turns of their own, in which no message is repeated and no model is asked: such a
//!   turn is that of the first message that waits ([`turn_ended`]).

use crate::claude::line::{CommandState, TurnResult};
use crate::domain::stream_state::LastLine;
use crate::domain::{Effect, MessageSign, Session};

/// What commands of the agent's own have printed is repeated like a message.
const COMMAND_OUTPUT: &str = "<local-command-std";

/// The agent repeats a message that we sent.
pub(super) fn repeated(session: &mut Session, uuid: Option<String>, text: &str) -> Option<Effect> {
    let uuid = uuid.filter(|_| !text.starts_with(COMMAND_OUTPUT))?;
    Some(started(session, uuid))
}

/// A message that may have been sent while another database was in use.
pub(super) fn unknown(session: &Session, uuid: Option<&str>, text: &str) -> Option<Effect> {
    let is_words = !text.is_empty() && !text.starts_with(COMMAND_OUTPUT);
    let uuid = uuid.filter(|_| is_words && session.was_read_before())?;
    Some(Effect::Repeated {
        uuid: uuid.to_owned(),
        text: text.to_owned(),
    })
}

fn started(session: &mut Session, uuid: String) -> Effect {
    session.stream.has_started_messages = true;
    session.stream.turn_has_message = true;
    Effect::Messages(MessageSign::Started(uuid))
}

/// The agent tells how far it is with a message.
pub(super) fn command(session: &mut Session, uuid: String, state: CommandState) -> Option<Effect> {
    session.stream.tells_commands = true;
    match state {
        CommandState::Started => Some(started(session, uuid)),
        CommandState::Completed => Some(Effect::Messages(MessageSign::Read(uuid))),
        CommandState::Cancelled => Some(Effect::Messages(MessageSign::Dropped(uuid))),
        CommandState::Queued | CommandState::Other => None,
    }
}

/// The agent did something: what it had taken it has read.
pub(super) fn acted(session: &mut Session) -> Option<Effect> {
    std::mem::take(&mut session.stream.has_started_messages)
        .then_some(Effect::Messages(MessageSign::StartedAreRead))
}

/// A turn begins.
pub(super) fn turn_began(session: &mut Session) {
    session.stream.turn_has_message = false;
}

/// A turn is over; `last` is what was said in it last.
pub(super) fn turn_ended(
    session: &mut Session,
    result: &TurnResult,
    last: LastLine,
) -> Option<Effect> {
    let named = std::mem::take(&mut session.stream.turn_has_message);
    if session.stream.has_started_messages {
        return acted(session);
    }
    let without_model = match last {
        LastLine::Nothing | LastLine::Command => true,
        LastLine::Assistant | LastLine::ToolResult => result.num_turns == Some(0),
        LastLine::Interrupted => false,
    };
    let success = result.subtype == "success" && !result.is_error;
    (!named && !session.stream.tells_commands && without_model && success)
        .then_some(Effect::Messages(MessageSign::FirstIsRead))
}

/// The agent answers a withdrawal.
pub(super) fn cancel_answered(session: &Session, uuid: &str, cancelled: bool) -> Effect {
    Effect::Messages(if cancelled {
        MessageSign::Dropped(uuid.to_owned())
    } else {
        // One that tells of each message may still drop it: 2.1.332 says that it was not in the queue
        // when it is just being taken out, and drops it then.
        MessageSign::NotWithdrawn {
            uuid: uuid.to_owned(),
            is_final: !session.stream.tells_commands,
        }
    })
}

/// The process has ended.
pub(super) fn process_ended(session: &mut Session) {
    session.stream.tells_commands = false;
    session.stream.has_started_messages = false;
    session.stream.turn_has_message = false;
    session.stream.version = None;
}
