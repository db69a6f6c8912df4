//! Forms that are kept whole: a file a form, with what it holds, its keys and how it is drawn.
//!
//! The other forms are still in three places each (`state::form`, `update::form`, `view::form`).

pub mod batch;
