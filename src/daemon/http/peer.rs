//! Who is at the other end of a connection, as far as deciding is concerned.
//!
//! An agent may ask and look, but not answer, whatever key it has got hold of. The kernel's table of
//! connections names no process, so every process that holds the peer's socket is looked for. An SSH
//! server, which is where a tunnel ends, does not show what it holds: where no holder shows, there must
//! be such a server, and nothing that hides may be an agent's. What cannot be established counts
//! against. (Not covered: an agent that keeps its socket out of every process's table, as io_uring's
//! registered files do, while the user has an SSH session open.)

use std::io;
use std::net::SocketAddr;

use super::error::ApiError;
use crate::daemon::callers::Callers;
use crate::domain::{Origin, SessionId};
use crate::platform::{self, SocketHolders};

/// The ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Theirs.
    pub remote: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

/// Lets only a person's program pass, or one on another machine. Reads much of `/proc`, so not to be called where others wait.
pub fn must_be_a_person(peer: Peer, callers: &Callers) -> Result<(), ApiError> {
    let found = platform::socket_holders(peer.remote, peer.local);
    must_be_a_persons(found, peer, callers)
}

/// The same of who was found to hold the connection.
fn must_be_a_persons(
    found: io::Result<Option<SocketHolders>>,
    peer: Peer,
    callers: &Callers,
) -> Result<(), ApiError> {
    let holders = match found {
        Ok(Some(holders)) => holders,
        // An address of another machine was let in by an explicit setting.
        Ok(None) if !platform::is_own_address(peer.remote.ip()) => return Ok(()),
        // The connection is over, or was while nobody looked.
        Ok(None) => return Err(unknown("its end of the connection is not to be found")),
        Err(error) => return Err(unknown(&error.to_string())),
    };
    let look = Look {
        identify: &|pid| callers.identify(pid),
        is_ssh_server: &|pid| {
            platform::process_name(pid).is_some_and(|name| name.starts_with("sshd"))
        },
        is_the_users: &|pid| callers.is_the_users(pid),
        is_ours: &|pid| callers.is_ours(pid),
    };
    judge(&holders, &look)
}

/// Lets only programs of a session and of a person pass: others do not ask in its name. Reads much of `/proc`, as above.
pub fn must_be_of_session(
    peer: Peer,
    callers: &Callers,
    session: &SessionId,
) -> Result<(), ApiError> {
    let found = platform::socket_holders(peer.remote, peer.local);
    let is_its_own = |pid: &u32| matches!(callers.identify(*pid), Origin::Agent { session_id, .. } if session_id == *session);
    if let Ok(Some(holders)) = &found
        && !holders.shown.is_empty()
        && holders.shown.iter().all(is_its_own)
    {
        return Ok(());
    }
    must_be_a_persons(found, peer, callers).map_err(|_| {
        ApiError::forbidden(format!(
            "only a program of session {} may ask in its name; leave run_id to a name of your own",
            session.short()
        ))
    })
}

/// What can be found out about a process.
struct Look<'a> {
    identify: &'a dyn Fn(u32) -> Origin,
    is_ssh_server: &'a dyn Fn(u32) -> bool,
    /// Whether it is a process of the daemon's user.
    is_the_users: &'a dyn Fn(u32) -> bool,
    /// Whether it is the daemon or a runner: those hide, and hold no such connection.
    is_ours: &'a dyn Fn(u32) -> bool,
}

fn judge(holders: &SocketHolders, look: &Look<'_>) -> Result<(), ApiError> {
    let identify = look.identify;
    for pid in &holders.shown {
        match identify(*pid) {
            Origin::Person { .. } => {}
            Origin::Agent { session_id, .. } => return Err(agent(session_id.short())),
            Origin::OtherAgent { evidence, .. } => return Err(other_agent(&evidence)),
            Origin::Unverified { reason } => return Err(unknown(&reason)),
        }
    }
    if !holders.shown.is_empty() {
        return Ok(());
    }
    for pid in holders.hidden.iter().filter(|pid| !(look.is_ours)(**pid)) {
        match identify(*pid) {
            Origin::Person { .. } => {}
            Origin::Agent { session_id, .. } => return Err(agent(session_id.short())),
            Origin::OtherAgent { evidence, .. } => return Err(other_agent(&evidence)),
            // What is gone holds nothing any more, and what is another user's is nobody's agent here.
            Origin::Unverified { .. } if !(look.is_the_users)(*pid) => {}
            Origin::Unverified { reason } => return Err(unknown(&reason)),
        }
    }
    if holders.hidden.iter().any(|pid| (look.is_ssh_server)(*pid)) {
        Ok(())
    } else {
        Err(unknown("no process shows that it holds the connection"))
    }
}

fn agent(session: &str) -> ApiError {
    tracing::warn!(session, "an answer of an agent over HTTP was refused");
    ApiError::forbidden(format!(
        "an agent may not answer: this connection comes from session {session}"
    ))
}

fn other_agent(evidence: &str) -> ApiError {
    tracing::warn!(evidence, "an answer of an agent over HTTP was refused");
    ApiError::forbidden(format!("an agent may not answer: {evidence}"))
}

fn unknown(reason: &str) -> ApiError {
    tracing::warn!(reason, "an answer over HTTP was refused");
    ApiError::forbidden(format!(
        "only a person's program may answer, and this one is not proven to be one: {reason}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SessionId;

    fn origin(pid: u32) -> Origin {
        match pid {
            1..10 => Origin::Person {
                pid,
                uid: 1,
                program: "p".into(),
            },
            10..20 => Origin::Agent {
                session_id: SessionId::from("s"),
                pid,
            },
            _ => Origin::Unverified {
                reason: "gone".into(),
            },
        }
    }

    #[test]
    fn every_holder_must_be_a_persons_and_no_hidden_one_an_agents() {
        let passes = |shown: &[u32], hidden: &[u32]| {
            let holders = SocketHolders {
                uid: 1,
                shown: shown.to_vec(),
                hidden: hidden.to_vec(),
            };
            let look = Look {
                identify: &origin,
                is_ssh_server: &|pid| pid == 2,
                is_the_users: &|pid| pid < 30,
                is_ours: &|pid| pid == 19,
            };
            judge(&holders, &look).is_ok()
        };
        assert!(passes(&[1], &[]));
        assert!(passes(&[1], &[11]), "who holds it is known");
        assert!(!passes(&[1, 11], &[]), "handed down to an agent");
        assert!(!passes(&[21], &[]));
        assert!(!passes(&[], &[]));
        assert!(!passes(&[], &[1]), "no SSH server hides");
        assert!(passes(&[], &[1, 2, 31]), "what is gone holds nothing");
        assert!(!passes(&[], &[2, 21]));
        assert!(!passes(&[], &[2, 11]));
        assert!(passes(&[], &[2, 19]), "a runner of ours");
    }
}
