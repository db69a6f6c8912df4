//! A configured value and where it comes from.
//!
//! Owns the small types that the configuration is made of, and how secrets
//! are kept from being shown. No reading, no printing.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// The configuration file.
    File(PathBuf),
    /// Nobody set it.
    Default,
}

impl Origin {
    /// What to do about a wrong value from there.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Flag(name) | Self::Environment(name) => format!("change {name}"),
            Self::File(_) | Self::Default => "fix it with `humanlayer config edit`".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Which port something is served at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// None: it is not served.
    Off,
    /// One that is free.
    Any,
    /// This one.
    Number(u16),
}

impl Port {
    /// The number by which the system is asked for it; none where it is off.
    #[must_use]
    pub fn number(self) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Any => Some(0),
            Self::Number(number) => Some(number),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The setting as it is shown.
    pub(super) fn entry(&self, key: &'static str, show: impl FnOnce(&T) -> Value) -> Entry {
        Entry {
            key,
            value: show(&self.value),
            source: self.origin.to_string(),
            is_default: self.origin == Origin::Default,
        }
    }
}

/// One line of the configuration as it is shown; secrets are masked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The key in the file.
    pub key: &'static str,
    /// The value; null when there is none.
    pub value: Value,
    /// Where it comes from.
    pub source: String,
    /// Whether nobody set it.
    #[serde(skip)]
    pub is_default: bool,
}

/// A text that must not be shown or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Enough to tell two keys apart: the last four characters of a long one.
    #[must_use]
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        if count < 16 {
            return "********".to_owned();
        }
        let tail: String = self.0.chars().skip(count - 4).collect();
        format!("********{tail}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(********)")
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// Also what looks wrong.
    Warn,
    /// Also what happened.
    Info,
    /// Also how.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// All, the quietest first.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// Reads a name; case does not matter, and `warning` is understood too.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if name == "warning" {
            return Some(Self::Warn);
        }
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}
