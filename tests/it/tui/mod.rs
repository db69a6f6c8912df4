//! The dashboard as a person meets it: the real binary in a real terminal.

mod demo;
mod shell;
