//! The scripted agent over pipes.
