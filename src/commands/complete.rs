//! What a shell completes: ids of sessions and approvals, and names of models, modes and methods.
//!
//! Asks a daemon that runs already, for a moment; starts none, says nothing, and gives nothing
//! when there is none. The shell shows the descriptions and executes none of them.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use crate::client::{Client, ClientError};
use crate::config::{Config, Flags};
use crate::domain::id::{ApprovalId, SessionId};
use crate::domain::text::{sanitize_line, summary};
use crate::format;
use crate::protocol::approval::{Approval, ListApprovalsParams};
use crate::protocol::method::{Effect, Name};
use crate::protocol::session::{GetAgentInfoParams, GetOverviewParams, SessionState};

/// The variable by which a shell asks for completions.
pub const VARIABLE: &str = "HUMANLAYER_COMPLETE";
/// How long a shell waits for us.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// Sessions and approvals offered.
const MAX_VALUES: u32 = 200;
/// Characters of a description.
const DESCRIPTION: usize = 60;
/// Aliases that Claude Code knows; a full name may be given too.
const MODELS: [&str; 4] = ["opus", "sonnet", "haiku", "opusplan"];
/// Claude Code's permission modes where the daemon does not know which the installed version has.
const MODES: [&str; 4] = ["default", "acceptEdits", "plan", "bypassPermissions"];

/// Ids of sessions, described by status and subject.
pub fn sessions() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let found = ask(async |client| {
            let params = GetOverviewParams {
                include_archived: true,
                limit: Some(MAX_VALUES),
                ..GetOverviewParams::default()
            };
            Ok(client.get_overview(&params).await?.sessions)
        });
        offer(current, found, |session| session_words(&session))
    })
}

/// Ids of pending approvals, described by what is asked.
pub fn approvals() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        offer(current, pending(), |approval| approval_words(&approval))
    })
}

/// Ids of either.
pub fn sessions_and_approvals() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut both = approvals().complete(current);
        both.extend(sessions().complete(current));
        both
    })
}

/// Models.
pub fn models() -> ArgValueCandidates {
    ArgValueCandidates::new(|| MODELS.map(CompletionCandidate::new).into())
}

/// Permission modes of the installed version.
pub fn modes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let found = ask(async |client| {
            let params = GetAgentInfoParams {
                path: std::env::var("PATH").ok(),
            };
            Ok(client.get_agent_info(&params).await?.permission_modes)
        });
        if found.is_empty() {
            return MODES.map(CompletionCandidate::new).into();
        }
        found
            .iter()
            .map(|mode| CompletionCandidate::new(sanitize_line(mode).into_owned()))
            .collect()
    })
}

/// Methods of the daemon that `rpc` can call, described by what they do.
pub fn methods() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let callable = Name::ALL
            .iter()
            .filter(|method| method.effect() != Effect::Streams);
        callable
            .map(|method| {
                let about = summary(method.summary(), DESCRIPTION);
                CompletionCandidate::new(method.as_str()).help(Some(about.into()))
            })
            .collect()
    })
}

/// Names of settings.
pub fn settings() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        crate::config::specs()
            .map(|spec| CompletionCandidate::new(spec.key).help(Some(spec.doc.into())))
            .collect()
    })
}

fn pending() -> Vec<Approval> {
    ask(async |client| {
        let params = ListApprovalsParams {
            limit: Some(MAX_VALUES),
            ..ListApprovalsParams::default()
        };
        Ok(client.list_approvals(&params).await?.approvals)
    })
}

fn session_words(session: &SessionState) -> (String, String, String) {
    let short = SessionId::from(session.id.as_str()).short().to_owned();
    let about = format!(
        "{}: {}",
        format::status(session.status),
        format::subject(session, DESCRIPTION)
    );
    (short, session.id.clone(), about)
}

fn approval_words(approval: &Approval) -> (String, String, String) {
    let short = ApprovalId::from(approval.id.as_str()).short().to_owned();
    let about = format!(
        "{}: {}",
        approval.tool_name,
        format::gist(approval, DESCRIPTION)
    );
    (short, approval.id.clone(), about)
}

/// The short ids, or the whole ones where more has been typed already.
fn offer<T>(
    current: &OsStr,
    all: Vec<T>,
    words: impl Fn(T) -> (String, String, String),
) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    all.into_iter()
        .map(words)
        .filter_map(|(short, whole, about)| {
            let id = [short, whole]
                .into_iter()
                .find(|id| id.starts_with(current))?;
            let about = sanitize_line(&about).into_owned();
            Some(CompletionCandidate::new(id).help(Some(about.into())))
        })
        .collect()
}

/// Asks the daemon that the command line, the environment or the configuration names.
fn ask<T>(question: impl AsyncFn(&Client) -> Result<Vec<T>, ClientError>) -> Vec<T> {
    let Ok(config) = Config::load(&flags(std::env::args_os())) else {
        return Vec::new();
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return Vec::new();
    };
    let asking = async {
        let client = Client::connect(&config.daemon_socket.value).await?;
        question(&client).await
    };
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asking).await });
    answer.ok().and_then(Result::ok).unwrap_or_default()
}

/// The options of the unfinished command line that say which daemon is meant.
fn flags(arguments: impl Iterator<Item = OsString>) -> Flags {
    let mut flags = Flags::default();
    let mut arguments = arguments.skip_while(|argument| argument != "--").skip(1);
    while let Some(argument) = arguments.next() {
        let Some(argument) = argument.to_str() else {
            continue;
        };
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument, None),
        };
        let to = match name {
            "--daemon-socket" => &mut flags.daemon_socket,
            "--config-file" => &mut flags.config_file,
            _ => continue,
        };
        *to = match value {
            Some(value) => Some(value.into()),
            None => arguments.next().map(Into::into),
        };
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags_of(line: &str) -> Flags {
        flags(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_unfinished_line_says_which_daemon_is_meant() {
        let found = flags_of("humanlayer -- humanlayer --daemon-socket /x show --config-file=/y");
        assert_eq!(found.daemon_socket, Some("/x".into()));
        assert_eq!(found.config_file, Some("/y".into()));
        let found = flags_of("humanlayer --daemon-socket /not-ours -- humanlayer show");
        assert_eq!(found.daemon_socket, None);
    }

    #[test]
    fn short_ids_are_offered_until_more_is_typed() {
        let all = || {
            vec![
                ("01234567", "01234567-89ab", "one"),
                ("01239999", "01239999-0000", "two"),
            ]
        };
        let ids = |current: &str| -> Vec<String> {
            offer(OsStr::new(current), all(), |(short, whole, about)| {
                (short.to_owned(), whole.to_owned(), about.to_owned())
            })
            .iter()
            .map(|candidate| candidate.get_value().to_string_lossy().into_owned())
            .collect()
        };
        assert_eq!(ids(""), ["01234567", "01239999"]);
        assert_eq!(ids("01234"), ["01234567"]);
        assert_eq!(ids("01234567-"), ["01234567-89ab"]);
        assert_eq!(ids("zzz"), Vec::<String>::new());
    }
}
