//! The codec of lines.

#[path = "../../src/ipc/codec.rs"]
pub mod codec;
