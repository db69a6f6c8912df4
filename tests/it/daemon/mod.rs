//! The daemon as its clients see it, with scripted agents behind it.

mod itself;
mod sessions;
