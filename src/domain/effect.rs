//! What a line of the agent does to the record, as data.
//!
//! The session's state machine returns these; the store carries them out in the transaction that
//! also moves the journal's offset. Nothing here performs anything.

use serde_json::Value;

use super::approval::InputState;
use super::conversation::NewConversationEvent;

/// One change that a line of the agent makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A piece of conversation.
    Say(NewConversationEvent),
    /// A question: record it, and decide it where a standing rule does.
    Ask(Box<Question>),
    /// The agent takes a question back.
    Withdraw {
        /// The agent's name for the question.
        request_id: String,
        /// Why, for people.
        reason: &'static str,
    },
    /// A tool call ended: what was still pending about it never got its answer.
    ToolFinished {
        /// The tool call.
        tool_use_id: String,
        /// Whether the tool ran to a good end.
        succeeded: bool,
    },
    /// The agent is gone: whatever is pending never gets its answer.
    AbandonAll {
        /// Why, for people.
        reason: String,
    },
    /// A line for the agent's standard input.
    Send(OutgoingLine),
    /// What the agent has done with messages of the user.
    Messages(MessageSign),
    /// The agent repeats a message of the user that this database may never have had.
    Repeated {
        /// The message.
        uuid: String,
        /// What it says.
        text: String,
    },
}

/// A sign in the agent's stream of what became of a message of the user. Messages go by the UUIDs that
/// they were given when they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageSign {
    /// The agent took it out of its queue.
    Started(String),
    /// The agent has acted on all that it had taken out of its queue.
    StartedAreRead,
    /// The agent is done with it.
    Read(String),
    /// A turn was over that no message was named for: it was that of the first one that waited.
    FirstIsRead,
    /// The agent dropped it from its queue.
    Dropped(String),
    /// The agent's answer to a withdrawal: it was not in the queue any more. `is_final` when nothing
    /// further will be said about it.
    NotWithdrawn {
        /// The message.
        uuid: String,
        /// Whether it is certain that the agent reads it.
        is_final: bool,
    },
}

/// A question of the agent, as it asked it.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The agent's name for the question; none when it could not be read, so that nothing can be
    /// answered.
    pub request_id: Option<String>,
    /// The tool call that it is about.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// The tool's whole input; of one that could not be parsed, see
    /// [`unreadable_input`](super::approval::unreadable_input).
    pub tool_input: Value,
    /// Whether `tool_input` is the input.
    pub input_state: InputState,
    /// The input as the agent wrote it, where writing `tool_input` would not give the same bytes.
    pub raw_input: Option<String>,
    /// The agent's own words for what it wants to do.
    pub description: Option<String>,
    /// Why the agent had to ask.
    pub decision_reason: Option<String>,
    /// The path that a rule stopped.
    pub blocked_path: Option<String>,
    /// Permission updates that the agent offers.
    pub suggestions: Vec<Value>,
    /// The subagent that asks.
    pub agent_id: Option<String>,
}

/// A line on its way to the agent. The frame id makes sending it again harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingLine {
    /// Unique name of the line; the runner writes each once.
    pub frame_id: String,
    /// The line, without its newline.
    pub line: String,
}

impl OutgoingLine {
    /// What the frame ids of messages of the user begin with.
    pub const MESSAGE: &str = "user-";

    /// The UUID of a message of the user, from its frame id.
    #[must_use]
    pub fn message_uuid(frame_id: &str) -> Option<&str> {
        frame_id.strip_prefix(Self::MESSAGE)
    }

    /// Whether a frame id is that of a message of the user, which can go to a later process as well.
    #[must_use]
    pub fn is_message(frame_id: &str) -> bool {
        frame_id.starts_with(Self::MESSAGE)
    }
}
