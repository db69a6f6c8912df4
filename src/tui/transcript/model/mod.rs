//! What a conversation is: its items, how they hang together, what is just being written, and what became of the
//! questions about its tool calls. Knows nothing of drawing.

pub mod approvals;
pub mod draft;
pub mod item;
pub mod items;
pub mod partial_json;
