//! Integration tests: the real binary, real sockets, real files.

mod ipc;
mod runner;
