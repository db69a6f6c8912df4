//! The frames on a runner's socket: one JSON object a line, each with `"v":1`.
//!
//! Owns their types and the coding of one line. Does no input or output, so
//! the runner (blocking) and the daemon (async) share it. A session outlives
//! upgrades of the daemon, therefore nothing here may change its meaning:
//! fields and types may be added, unknown fields are ignored, and an unknown
//! type is an answerable error rather than the end of a connection.

use serde::{Deserialize, Serialize};

/// The version of the frames, in each of them as `v`.
pub const VERSION: u32 = 1;

/// The longest frame that a runner reads, in bytes without the newline.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// The longest id of a stdin frame, in bytes. Long enough for any uuid, short
/// enough that remembering all of them costs nothing.
pub const MAX_ID: usize = 128;

/// What a client asks of the runner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Who are you? Answered with [`Reply::Hello`].
    Hello {
        /// What the runner is to sign, if it can.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        challenge: Option<String>,
    },
    /// One line for the agent, answered with [`Reply::Ack`] once all of it is
    /// in the agent's stdin, or with [`Reply::Nack`].
    Stdin {
        /// Chosen by the client, unique in the session, 1 to [`MAX_ID`] bytes.
        /// Sending an id again never writes a line again, whatever its text.
        id: String,
        /// The line without its newline.
        line: String,
    },
    /// Closes the agent's stdin behind the lines accepted so far. No answer.
    CloseStdin {},
    /// Sends one signal to the agent's process group. No answer.
    Signal {
        /// Which one.
        signal: Signal,
    },
    /// Stops the agent's process group where it is, until [`Request::Continue`]. No answer.
    Stop {},
    /// Lets a stopped agent go on; changes nothing for one that was not stopped. No answer.
    Continue {},
    /// Ends the agent and everything below it, more firmly stage by stage.
    /// Asking again changes nothing, except that a later `from` skips ahead.
    /// The answer is [`Reply::Exited`].
    Terminate {
        /// The stage to begin with; without it, the first ([`Signal::Int`]).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Signal>,
    },
}

/// The signals a client can ask for, which are also the stages of ending an
/// agent, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// SIGINT
    Int,
    /// SIGTERM
    Term,
    /// SIGKILL
    Kill,
}

/// What the runner answers or announces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    /// The answer to [`Request::Hello`].
    Hello {
        /// The format of the session directory and of these frames.
        format: u32,
        /// The version of the program that runs the session.
        version: String,
        /// The runner's process.
        runner_pid: u32,
        /// The agent's process, also when it is gone.
        agent_pid: Option<u32>,
        /// The agent is gone and [`Reply::Exited`] was or will be sent.
        exited: bool,
        /// The runner's signature over the challenge; none of a runner that has no key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// As in [`Reply::Journal`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        journal: Option<JournalProblem>,
    },
    /// What the agent says cannot be written into its journal, or can again. Pushed to every connection when
    /// that changes.
    Journal {
        /// None once all of it is written.
        problem: Option<JournalProblem>,
    },
    /// The whole line is in the agent's stdin.
    Ack {
        /// The frame's id.
        id: String,
        /// It was delivered on behalf of an earlier frame of this id.
        duplicate: bool,
    },
    /// The line was not delivered, and will not be.
    Nack {
        /// The frame's id, cut to [`MAX_ID`] bytes.
        id: String,
        /// Why.
        reason: NackReason,
    },
    /// The agent is gone. Pushed to every connection, and to each that comes
    /// later; `exit.json` was written before, unless the disk refused it.
    Exited {
        /// Its exit code, if it exited by itself.
        code: Option<i32>,
        /// The number of the signal that ended it, if one did.
        signal: Option<i32>,
        /// Something that it left behind could not be ended yet: the runner stays until it is.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        leftovers: bool,
    },
    /// A frame that could not be understood; the connection goes on.
    Error {
        /// For a log.
        message: String,
    },
}

/// Why what the agent says is not in its journal yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalProblem {
    /// What the system said.
    pub error: String,
    /// So much is held that the agent is read no further: it waits.
    pub waits: bool,
}

/// Why a line was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NackReason {
    /// Too much is waiting for a slow agent: send it again later.
    Full,
    /// The agent's stdin is closed, or the agent is gone.
    Closed,
    /// The text holds a line break (LF or CR).
    NotOneLine,
    /// The id is empty or longer than [`MAX_ID`].
    BadId,
    /// A reason that only a newer runner knows.
    #[serde(other)]
    Other,
}

/// Why a line is not a frame.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not a JSON object with `v` and `type`.
    #[error("cannot read frame: {0}")]
    NotAFrame(#[source] serde_json::Error),
    /// A version this program does not speak.
    #[error("cannot read frame of version {0}: this program speaks version 1")]
    Version(u32),
    /// A type that is not known here; newer programs may send more.
    #[error("unknown frame type {0:?}")]
    UnknownType(String),
    /// A known type with the wrong fields.
    #[error("cannot read frame of type {kind:?}: {source}")]
    Fields {
        /// The frame's type.
        kind: String,
        /// What is wrong with its fields.
        #[source]
        source: serde_json::Error,
    },
}

/// What every frame starts from.
#[derive(Deserialize)]
struct Envelope {
    v: u32,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// The names of all [`Request`] types on the wire.
const REQUESTS: &[&str] = &[
    "hello",
    "stdin",
    "close_stdin",
    "signal",
    "stop",
    "continue",
    "terminate",
];

/// The names of all [`Reply`] types on the wire.
const REPLIES: &[&str] = &["hello", "journal", "ack", "nack", "exited", "error"];

impl Request {
    /// The frame as a line, with its newline.
    #[must_use]
    pub fn encode(&self) -> String {
        encode(self)
    }

    /// Reads one line, with or without its newline.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode(line: &[u8]) -> Result<Self, DecodeError> {
        decode(line, REQUESTS)
    }
}

impl Reply {
    /// The frame as a line, with its newline.
    #[must_use]
    pub fn encode(&self) -> String {
        encode(self)
    }

    /// Reads one line, with or without its newline. A client skips
    /// [`DecodeError::UnknownType`].
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode(line: &[u8]) -> Result<Self, DecodeError> {
        decode(line, REPLIES)
    }
}

fn encode(body: &impl Serialize) -> String {
    // Strings, numbers and booleans always serialise; an empty line would be
    // an answerable error on the other side.
    let mut line = serde_json::to_string(&Versioned { v: VERSION, body }).unwrap_or_default();
    line.push('\n');
    line
}

fn decode<'a, T: Deserialize<'a>>(line: &'a [u8], known: &[&str]) -> Result<T, DecodeError> {
    let envelope: Envelope = serde_json::from_slice(line).map_err(DecodeError::NotAFrame)?;
    if envelope.v != VERSION {
        return Err(DecodeError::Version(envelope.v));
    }
    if !known.contains(&envelope.kind.as_str()) {
        return Err(DecodeError::UnknownType(envelope.kind));
    }
    serde_json::from_slice(line).map_err(|source| DecodeError::Fields {
        kind: envelope.kind,
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test says what went wrong by failing"
    )]
    use proptest::prelude::*;

    use super::*;

    fn signal() -> impl Strategy<Value = Signal> {
        prop_oneof![Just(Signal::Int), Just(Signal::Term), Just(Signal::Kill)]
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            any::<Option<String>>().prop_map(|challenge| Request::Hello { challenge }),
            (any::<String>(), any::<String>()).prop_map(|(id, line)| Request::Stdin { id, line }),
            Just(Request::CloseStdin {}),
            signal().prop_map(|signal| Request::Signal { signal }),
            proptest::option::of(signal()).prop_map(|from| Request::Terminate { from }),
        ]
    }

    fn reply() -> impl Strategy<Value = Reply> {
        let reason = prop_oneof![
            Just(NackReason::Full),
            Just(NackReason::Closed),
            Just(NackReason::NotOneLine),
            Just(NackReason::BadId),
            Just(NackReason::Other),
        ];
        let journal = || {
            let problem = (any::<String>(), any::<bool>());
            proptest::option::of(problem.prop_map(|(error, waits)| JournalProblem { error, waits }))
        };
        prop_oneof![
            journal().prop_map(|problem| Reply::Journal { problem }),
            (
                any::<u32>(),
                any::<String>(),
                any::<u32>(),
                any::<Option<u32>>(),
                any::<bool>(),
                any::<Option<String>>(),
                journal()
            )
                .prop_map(
                    |(format, version, runner_pid, agent_pid, exited, signature, journal)| {
                        Reply::Hello {
                            format,
                            version,
                            runner_pid,
                            agent_pid,
                            exited,
                            signature,
                            journal,
                        }
                    }
                ),
            (any::<String>(), any::<bool>())
                .prop_map(|(id, duplicate)| Reply::Ack { id, duplicate }),
            (any::<String>(), reason).prop_map(|(id, reason)| Reply::Nack { id, reason }),
            (any::<Option<i32>>(), any::<Option<i32>>(), any::<bool>()).prop_map(
                |(code, signal, leftovers)| Reply::Exited {
                    code,
                    signal,
                    leftovers
                }
            ),
            any::<String>().prop_map(|message| Reply::Error { message }),
        ]
    }

    proptest! {
        #[test]
        fn a_request_survives_its_line(request in request()) {
            let line = request.encode();
            prop_assert_eq!(line.matches('\n').count(), 1);
            let start = r#"{"v":1,"type":""#;
            prop_assert!(line.starts_with(start), "the version comes first");
            prop_assert_eq!(Request::decode(line.as_bytes()).unwrap(), request);
        }

        #[test]
        fn a_reply_survives_its_line(reply in reply()) {
            let line = reply.encode();
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(Reply::decode(line.as_bytes()).unwrap(), reply);
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes: Vec<u8>) {
            let _ = Request::decode(&bytes);
            let _ = Reply::decode(&bytes);
        }
    }

    #[test]
    fn the_lines_are_as_written_down() {
        let stdin = Request::Stdin {
            id: "7".into(),
            line: "a\"b".into(),
        };
        assert_eq!(
            stdin.encode(),
            "{\"v\":1,\"type\":\"stdin\",\"id\":\"7\",\"line\":\"a\\\"b\"}\n"
        );
        assert_eq!(
            Request::Terminate {
                from: Some(Signal::Term)
            }
            .encode(),
            "{\"v\":1,\"type\":\"terminate\",\"from\":\"TERM\"}\n"
        );
        assert_eq!(
            Reply::Nack {
                id: "7".into(),
                reason: NackReason::NotOneLine
            }
            .encode(),
            "{\"v\":1,\"type\":\"nack\",\"id\":\"7\",\"reason\":\"not_one_line\"}\n"
        );
        assert_eq!(
            Reply::Exited {
                code: None,
                signal: Some(9),
                leftovers: false,
            }
            .encode(),
            "{\"v\":1,\"type\":\"exited\",\"code\":null,\"signal\":9}\n"
        );
    }

    #[test]
    fn newer_programs_are_understood_as_far_as_possible() {
        let more = br#"{"type":"hello","v":1,"since":"tomorrow"}"#;
        assert_eq!(
            Request::decode(more).unwrap(),
            Request::Hello { challenge: None }
        );
        let reason = br#"{"v":1,"type":"nack","id":"1","reason":"tomorrow"}"#;
        assert_eq!(
            Reply::decode(reason).unwrap(),
            Reply::Nack {
                id: "1".into(),
                reason: NackReason::Other
            }
        );
        let kind = Request::decode(br#"{"v":1,"type":"dance"}"#);
        assert!(matches!(kind, Err(DecodeError::UnknownType(kind)) if kind == "dance"));
        let version = Request::decode(br#"{"v":2,"type":"hello"}"#);
        assert!(matches!(version, Err(DecodeError::Version(2))));
        let fields = Request::decode(br#"{"v":1,"type":"stdin","id":"1"}"#);
        assert!(matches!(fields, Err(DecodeError::Fields { kind, .. }) if kind == "stdin"));
    }
}
