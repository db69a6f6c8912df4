//! What of a conversation is laid out, in view, and searched for.

pub mod cache;
pub mod needle;
pub mod position;
