//! integration tests

mod runner;
