//! The conversation of one session: a model that grows, and its drawing.
//!
//! Owns the items of the conversation ([`Transcript`]), their order and joins, folding, following,
//! searching, and everything that makes them rows: Markdown, code, diffs, the cards of tool calls.
//! The cards ([`tool_card`]) and the one-line summaries ([`summary_line`]) also serve the inbox and
//! the approval card. Does no I/O, awaits nothing and has no clock. The dashboard's update hands it
//! what comes from the daemon and the user's wishes; a view calls [`Transcript::draw`].
//!
//! # How it stays fast
//!
//! The view is anchored to a row of an item (`viewport::position::Position`), never to a number of rows from the
//! top, so nobody needs the height of what is not seen. A frame lays out the parts that it shows and
//! those that the way there crosses; what was laid out is kept for a while (`viewport::cache`). A piece that
//! comes costs the logarithm of the conversation, a live word the drafted paragraph. Of code, which is
//! what costs, a frame highlights a bounded amount; the next ones do the rest (`render::highlight_budget`).

mod conversation;
mod export;
mod item_layout;
mod model;
mod render;
mod tools;
mod viewport;

pub use self::conversation::{PageWanted, Scroll, Transcript};
pub use self::model::item::ItemId;
pub use self::render::{diff, highlight, markdown, text};
pub use self::tools::input::{FileSource, NoFiles};
pub use self::tools::{summary_line, summary_of, tool_card, tool_label};
pub use self::viewport::needle::{Found, MatchCount};

#[cfg(test)]
mod tests;
