//! How a command ends: its exit code, and the message when it failed.
//!
//! Owns the exit codes, which scripts rely on, the translation of every error into one sentence and a
//! next step, and the one object that stands for an error under `--json`. Which kind of failure has
//! which code is in [`super::kind`]. Prints nothing itself.

use std::io;

use serde::Serialize;

pub use super::kind::Exit;
use super::kind::Kind;
use crate::client::ClientError;
use crate::client::error::SpawnError;
use crate::config::ConfigError;
use crate::ipc::error::METHOD_NOT_FOUND;
use crate::protocol::approval::Approval;
use crate::protocol::error::ErrorKind;

/// What to do about a daemon that does not understand us, or we it.
const OTHER_VERSION: &str = "the daemon may be of another version: `humanlayer daemon restart` is safe: sessions keep running";

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read our output has read what they wanted.
    PipeClosed,
    /// Something went wrong.
    Told(Box<ErrorReport>),
}

/// What went wrong. Under `--json` this is what is printed.
#[derive(Debug, Serialize)]
pub struct ErrorReport {
    /// What went wrong, in one sentence.
    #[serde(rename = "error")]
    pub message: String,
    /// What kind of failure it is.
    #[serde(serialize_with = "name")]
    pub kind: Kind,
    /// What to do about it.
    pub hint: Option<String>,
    /// What it concerns, where a command was given several ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The parameter at fault, as the protocol calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// With this key the command can be repeated, and is carried out once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The approval as it stands, where somebody was first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Box<Approval>>,
    /// What else went wrong, where a command was given several ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<ErrorReport>,
    /// Whether a person has been told it already, by the result itself or one by one.
    #[serde(skip)]
    pub is_shown: bool,
}

fn name<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}

impl ErrorReport {
    /// The sentence and, on a line of its own, the next step.
    #[must_use]
    pub fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}\n  {hint}", self.message),
            None => self.message.clone(),
        }
    }
}

impl Failure {
    /// A failure that says what went wrong.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::Told(Box::new(ErrorReport {
            message: message.into(),
            kind,
            hint: None,
            id: None,
            field: None,
            idempotency_key: None,
            approval: None,
            further: Vec::new(),
            is_shown: false,
        }))
    }

    /// One that what was printed says already: it is told to programs only.
    pub fn shown(kind: Kind, message: impl Into<String>) -> Self {
        Self::new(kind, message).with(|report| report.is_shown = true)
    }

    /// What went wrong with several things, of which a person was told one by one.
    pub fn of_several(failures: Vec<ErrorReport>) -> Self {
        let mut failures = failures.into_iter();
        let Some(mut first) = failures.next() else {
            return Self::failed("nothing was done");
        };
        first.further = failures.collect();
        first.is_shown = true;
        Self::Told(Box::new(first))
    }

    /// Something failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds what to do, unless that is known already.
    #[must_use]
    pub fn with_hint(self, next: impl Into<String>) -> Self {
        self.with(|report| {
            report.hint.get_or_insert_with(|| next.into());
        })
    }

    /// Adds the approval as it stands.
    #[must_use]
    pub fn with_approval(self, approval: Option<Approval>) -> Self {
        self.with(|report| report.approval = approval.map(Box::new))
    }

    fn with(mut self, change: impl FnOnce(&mut ErrorReport)) -> Self {
        if let Self::Told(report) = &mut self {
            change(report);
        }
        self
    }

    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::PipeClosed => Exit::PipeClosed,
            Self::Told(report) => report.kind.exit(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Who closes our output has read what they wanted.
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::new(Kind::Output, format!("writing the output: {error}"))
        }
    }
}

impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Self::usage("the command needs a subcommand").with_hint("--help lists them");
        }
        // What is wrong, then advice and usage, each in a paragraph.
        let text = error.render().to_string();
        let mut parts = text
            .split("\n\n")
            .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|part| !part.is_empty() && !part.starts_with("For more information"));
        let what = parts.next().unwrap_or_default();
        let failure = Self::usage(what.trim_start_matches("error: "));
        let advice: Vec<String> = parts.collect();
        match advice.is_empty() {
            true => failure.with_hint("--help shows what can be typed"),
            false => failure.with_hint(advice.join("; ")),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Kind::Configuration, error.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(format!("writing JSON: {error}"))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let mut failure = Self::new(Kind::from(&error), error.to_string());
        if let Self::Told(report) = &mut failure {
            add_program_details(report, &error);
        }
        let hint = match &error {
            ClientError::Rpc {
                code: METHOD_NOT_FOUND,
                ..
            } => Some(OTHER_VERSION.to_owned()),
            ClientError::Rpc { data, kind, .. } => data
                .as_ref()
                .and_then(|data| data.hint.clone())
                .or_else(|| kind.and_then(hint_of).map(str::to_owned)),
            ClientError::NotRunning { .. } => {
                Some("start it with `humanlayer daemon start`".to_owned())
            }
            ClientError::Spawn(SpawnError::InsideSession) => Some(
                "start it from a terminal of your own with `humanlayer daemon start`".to_owned(),
            ),
            ClientError::Spawn(_) | ClientError::Connect(_) => {
                Some("`humanlayer doctor` says what is wrong".to_owned())
            }
            ClientError::Lost { .. } | ClientError::TimedOut { .. } => {
                Some("look with `humanlayer daemon status` and try again".to_owned())
            }
            ClientError::Silent { .. } => Some(
                "`humanlayer daemon restart` is safe: sessions keep running. Look what became of the call before you repeat it".to_owned(),
            ),
            ClientError::NotKnown { source, key } => Some(format!(
                "{}. The daemon does not begin with it any more; to have it done once, whatever became of it, repeat the command with `--idempotency-key {key}`",
                match **source {
                    ClientError::Silent { .. } => "`humanlayer daemon restart` is safe: sessions keep running",
                    _ => "`humanlayer daemon status` says how the daemon is",
                }
            )),
            ClientError::Protocol { .. } => Some(OTHER_VERSION.to_owned()),
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// What the error holds beside its sentence.
fn add_program_details(report: &mut ErrorReport, error: &ClientError) {
    match error {
        ClientError::Rpc {
            data: Some(data), ..
        } => {
            report.field.clone_from(&data.field);
            report.approval.clone_from(&data.approval);
        }
        ClientError::NotKnown { key, .. } => report.idempotency_key = Some(key.clone()),
        _ => {}
    }
}

/// The next step that fits a refusal which names none itself.
fn hint_of(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::NotFound => {
            Some("`humanlayer sessions --all` and `humanlayer approvals --all` list what there is")
        }
        ErrorKind::Ambiguous => Some("use more characters of the id"),
        ErrorKind::Forbidden => Some("decide from a terminal that no agent runs in"),
        ErrorKind::Unavailable => Some("try again; `humanlayer daemon status` says what is wrong"),
        ErrorKind::LaunchFailed => Some("`humanlayer doctor` says what is wrong"),
        ErrorKind::Internal => Some("the daemon's log says more: `humanlayer daemon logs`"),
        ErrorKind::AlreadyDone => Some("look at what it changed before you repeat it"),
        ErrorKind::InvalidParams
        | ErrorKind::Expired
        | ErrorKind::AlreadyResolved
        | ErrorKind::Conflict
        | ErrorKind::TooLarge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Option<ErrorKind>) -> ClientError {
        ClientError::Rpc {
            kind,
            code: 0,
            message: "no".into(),
            data: None,
        }
    }

    #[test]
    fn the_numbers_stay_as_they_are() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::AlreadyResolved,
            Exit::NoDaemon,
            Exit::Declined,
            Exit::Withdrawn,
            Exit::PipeClosed,
        ];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 7, 141]);
    }

    #[test]
    fn every_error_has_its_exit_code() {
        let cases = [
            (refusal(Some(ErrorKind::NotFound)), Exit::NotFound),
            (
                refusal(Some(ErrorKind::AlreadyResolved)),
                Exit::AlreadyResolved,
            ),
            (refusal(Some(ErrorKind::InvalidParams)), Exit::Usage),
            (refusal(Some(ErrorKind::Ambiguous)), Exit::Usage),
            (refusal(Some(ErrorKind::Forbidden)), Exit::Failed),
            (refusal(None), Exit::Failed),
            (
                ClientError::NotRunning { path: "/x".into() },
                Exit::NoDaemon,
            ),
            (SpawnError::InsideSession.into(), Exit::NoDaemon),
            (ClientError::TimedOut { method: "m".into() }, Exit::NoDaemon),
        ];
        for (error, exit) in cases {
            let said = format!("{error:?}");
            assert_eq!(Failure::from(error).exit(), exit, "{said}");
        }
    }

    #[test]
    fn what_is_not_known_says_with_which_key_to_repeat_it() {
        let error = ClientError::NotKnown {
            source: Box::new(ClientError::TimedOut { method: "m".into() }),
            key: "k".into(),
        };
        let Failure::Told(report) = Failure::from(error) else {
            unreachable!("it is told");
        };
        let json = serde_json::to_value(&report).unwrap_or_default();
        assert_eq!(json["kind"], "not_known");
        assert_eq!(json["idempotency_key"], "k");
        assert_eq!(report.kind.exit(), Exit::NoDaemon);
    }

    #[test]
    fn a_reader_that_left_is_told_nothing() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(failure.exit(), Exit::PipeClosed);
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit(), Exit::Failed);
    }
}
