//! integration tests

mod ipc;
