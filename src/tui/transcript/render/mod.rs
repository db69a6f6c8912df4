//! Texts made into rows: safe, styled, wrapped, highlighted. Knows nothing of conversations and tools.

pub mod canvas;
pub mod chunks;
pub mod diff;
pub mod generic_input;
pub mod grammars;
pub mod highlight;
pub mod highlight_budget;
pub mod layout_context;
pub mod markdown;
pub mod parts;
pub mod table;
pub mod text;
