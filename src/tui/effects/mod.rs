//! The effects that ask the daemon or the file system for something and bring an answer.
//!
//! Owns the one connection for calls, made anew when it breaks. Must decide nothing: what an answer
//! means is [`super::update`]'s. Called by the runtime, each effect as a task of its own.

mod branch;
mod bulk;
mod complete;
pub mod copy;
mod export;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::effect::{ConversationPage, Effect, MessagePurpose};
use super::memory::Memory;
use super::msg::{Begun, EffectResult, Failure, LaunchSource, Refused};
use super::state::card::{FileProbe, MAX_FILE};
use crate::client::conversation::{self, Place};
use crate::client::{Client, ClientError, Unconfirmed};
use crate::config::Config;
use crate::doctor;
use crate::domain::approval::ClientKind;
use crate::platform::{self, Links};
use crate::protocol::conversation::{
    GetConversationParams, GetConversationResponse, SearchConversationsParams,
};
use crate::protocol::decision::SendDecisionParams;
use crate::protocol::messages::{WithdrawMessageParams, WithdrawalOutcome};
use crate::protocol::session::{
    ContinueSessionParams, GetRecentPathsParams, LaunchSessionParams, SendMessageParams,
    UpdateSessionTitleParams,
};

/// Pieces of a conversation that are read at once.
const PIECES: u32 = 200;

/// What effects work with.
#[derive(Clone)]
pub struct EffectRunner {
    config: Arc<Config>,
    client: Arc<Mutex<Option<Arc<Client>>>>,
    /// What was not confirmed, over all connections.
    unconfirmed: Unconfirmed,
    memory: PathBuf,
    inspect: doctor::InspectDatabase,
}

/// Where the dashboard keeps what it remembers: beside the database.
fn memory(config: &Config) -> PathBuf {
    let directory = config.database_path.value.parent().map(Path::to_owned);
    directory.unwrap_or_default().join("dashboard.json")
}

/// What was remembered; nothing where there is nothing readable.
#[must_use]
pub fn remembered(config: &Config) -> Memory {
    std::fs::read(memory(config))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

impl EffectRunner {
    /// For the daemon of this configuration.
    #[must_use]
    pub fn new(config: &Config, inspect: doctor::InspectDatabase) -> Self {
        Self {
            config: Arc::new(config.clone()),
            client: Arc::default(),
            unconfirmed: Unconfirmed::default(),
            memory: memory(config),
            inspect,
        }
    }

    /// Carries out an effect and gives what came of it; none for effects that the runtime carries out itself.
    pub async fn run(self, effect: Effect) -> Option<EffectResult> {
        Some(match effect {
            Effect::Decide(params) => self.decide(*params).await,
            Effect::Page { session, page } => self.page(session, page).await,
            Effect::Session(id) => EffectResult::Session(
                self.call(async |client| client.get_session_state(&id).await)
                    .await
                    .map(Box::new)
                    .map_err(said),
            ),
            Effect::Approval(id) => EffectResult::Approval(
                self.call(async |client| client.get_approval(&id).await)
                    .await
                    .map(Box::new)
                    .map_err(said),
            ),
            Effect::File {
                approval,
                path,
                base,
            } => {
                let whole = Path::new(&base).join(&path);
                let looked = tokio::task::spawn_blocking(move || look(&whole)).await;
                EffectResult::File {
                    approval,
                    path,
                    found: looked.unwrap_or_else(|error| FileProbe::Other(error.to_string())),
                }
            }
            Effect::Branch { directory } => {
                let place = Path::new(&directory).to_owned();
                let found = tokio::task::spawn_blocking(move || branch::checked_out(&place)).await;
                EffectResult::Branch {
                    directory,
                    name: found.ok().flatten(),
                }
            }
            Effect::Launch(params) => self.launch(*params).await,
            Effect::Continue(params) => self.go_on(*params).await,
            Effect::Message { session, text, env } => {
                let params = SendMessageParams {
                    session_id: session,
                    message: text,
                    env: Some(env),
                };
                let answer = self
                    .call(async |client| client.send_message(&params).await)
                    .await;
                EffectResult::MessageSent {
                    session: params.session_id,
                    about: MessagePurpose::Reply,
                    text: params.message,
                    answer: answer.map(|sent| sent.queued).map_err(said),
                }
            }
            Effect::Unsend(params) => self.unsend(params).await,
            Effect::Interrupt(id) => {
                self.toast("stopping…", async |client| {
                    client.interrupt_session(&id).await
                })
                .await
            }
            Effect::End(id) => {
                self.toast("ending…", async |client| client.end_session(&id).await)
                    .await
            }
            Effect::RestartSession(params) => {
                self.toast("restarted: send your message again", async |client| {
                    client.restart_session(&params).await
                })
                .await
            }
            Effect::Move(params) => {
                let answer = self
                    .call(async |client| client.move_session(&params).await)
                    .await;
                match answer {
                    Ok(_) => EffectResult::Toast(Ok(format!("goes on in {}", params.working_dir))),
                    Err(error) => EffectResult::MessageSent {
                        session: params.session_id,
                        about: MessagePurpose::Directory,
                        text: params.working_dir,
                        answer: Err(said(error)),
                    },
                }
            }
            Effect::Rename { session, title } => {
                let params = UpdateSessionTitleParams {
                    session_id: session.clone(),
                    title,
                };
                let answer = self
                    .call(async |client| client.update_session_title(&params).await)
                    .await;
                EffectResult::MessageSent {
                    session,
                    about: MessagePurpose::Title,
                    text: params.title,
                    answer: answer.map(|_| false).map_err(said),
                }
            }
            Effect::ForEachSession { what, sessions } => self.each(what, sessions).await,
            Effect::Archive { sessions, archived } => self.archive(sessions, archived).await,
            Effect::Delete(sessions) => self.delete(sessions).await,
            Effect::Settings(params) => {
                self.toast("", async |client| {
                    client.update_session_settings(&params).await
                })
                .await
            }
            Effect::RestartDaemon => self.restart_daemon().await,
            Effect::Export {
                session,
                path,
                overwrite,
            } => self.export(session, path, overwrite).await,
            Effect::LoadMemory => EffectResult::MemoryLoaded(Box::new(remembered(&self.config))),
            Effect::SaveMemory(what) => match remember(&self.memory, &what) {
                Ok(()) => EffectResult::Toast(Ok(String::new())),
                Err(why) => EffectResult::Toast(Err(why)),
            },
            Effect::RecentPaths => {
                let params = GetRecentPathsParams { limit: Some(30) };
                let paths = self
                    .call(async |client| client.get_recent_paths(&params).await)
                    .await;
                EffectResult::RecentPaths(paths.map_or_else(
                    |_| Vec::new(),
                    |found| found.paths.into_iter().map(|path| path.path).collect(),
                ))
            }
            Effect::AgentInfo(params) => {
                // Without an answer the form offers what it did before.
                let info = self
                    .call(async |client| client.get_agent_info(&params).await)
                    .await;
                EffectResult::PermissionModes(
                    info.map_or_else(|_| Vec::new(), |info| info.permission_modes),
                )
            }
            Effect::Complete {
                typed,
                base,
                directories,
            } => self.complete(typed, base, directories).await,
            Effect::Find { number, query } => {
                let params = SearchConversationsParams {
                    query: query.words,
                    session_id: query.session,
                    ..SearchConversationsParams::default()
                };
                let found = self
                    .call(async |client| client.search_conversations(&params).await)
                    .await;
                EffectResult::SearchResults {
                    number,
                    found: found.map_err(said),
                }
            }
            Effect::Copy(text) => copy::copied(text).await,
            Effect::RunDoctor => EffectResult::DoctorFindings(
                doctor::first_session(&self.config, self.inspect).await,
            ),
            Effect::Follow(_)
            | Effect::Pager(_)
            | Effect::Editor { .. }
            | Effect::Bell
            | Effect::Notify { .. }
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Demo
            | Effect::Quit => return None,
        })
    }

    /// Calls the daemon. A connection that a call has given up is not used again: the daemon does not begin any more
    /// with what was sent over it.
    async fn call<T>(
        &self,
        ask: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let client = self.client().await?;
        match ask(&client).await {
            Err(error) if error.is_disconnect() => {
                *self.client.lock().await = None;
                Err(error)
            }
            settled => settled,
        }
    }

    async fn client(&self) -> Result<Arc<Client>, ClientError> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref() {
            return Ok(Arc::clone(client));
        }
        let client = Client::connect(&self.config.daemon_socket.value).await?;
        let client = Arc::new(client.remembering(self.unconfirmed.clone()));
        *held = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn toast<T>(
        &self,
        words: &str,
        ask: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> EffectResult {
        let done = self.call(ask).await;
        EffectResult::Toast(done.map(|_| words.to_owned()).map_err(said))
    }

    /// What came of a withdrawal, in words.
    async fn unsend(&self, params: WithdrawMessageParams) -> EffectResult {
        let answer = self
            .call(async |client| client.withdraw_message(&params).await)
            .await;
        EffectResult::Toast(match answer.map_err(said) {
            Ok(answer) => {
                let reason = answer.reason.unwrap_or_default();
                match answer.outcome {
                    WithdrawalOutcome::Withdrawn => {
                        Ok("Message withdrawn: the agent will not read it".to_owned())
                    }
                    WithdrawalOutcome::TooLate => Err(format!("Too late: {reason}")),
                    WithdrawalOutcome::Pending => Err(format!("Not withdrawn yet: {reason}")),
                }
            }
            Err(why) => Err(why),
        })
    }

    /// Sends a decision.
    async fn decide(&self, params: SendDecisionParams) -> EffectResult {
        let params = params.from_client(ClientKind::Dashboard);
        let answer = self
            .call(async |client| client.send_decision(&params).await)
            .await;
        EffectResult::Decided {
            id: params.approval_id,
            answer: answer.map(Box::new).map_err(failure),
        }
    }

    /// A page; a smaller one where the pieces are too large for an answer.
    async fn page(&self, session: String, page: ConversationPage) -> EffectResult {
        let mut limit = PIECES;
        let place = match page {
            ConversationPage::Last => Place::Last,
            ConversationPage::Before(sequence) => Place::Before(sequence),
            ConversationPage::After(sequence) => Place::After(sequence),
        };
        let ask = async |params: &GetConversationParams| self.conversation(params).await;
        let pieces = conversation::page(ask, &session, place, &mut limit).await;
        let full = pieces.as_ref().is_ok_and(|pieces| {
            u32::try_from(pieces.events.len()).is_ok_and(|count| count >= limit)
        });
        EffectResult::Page {
            session,
            page,
            pieces: pieces.map_err(said),
            full,
        }
    }

    async fn conversation(
        &self,
        params: &GetConversationParams,
    ) -> Result<GetConversationResponse, ClientError> {
        self.call(async |client| client.get_conversation(params).await)
            .await
    }

    /// Starts a session, once: its id is chosen here.
    async fn launch(&self, params: LaunchSessionParams) -> EffectResult {
        let started = self
            .call(async |client| client.launch_session(&params).await)
            .await;
        EffectResult::Started(match started {
            Ok(started) => Ok(Begun {
                sent_as: params
                    .session_id
                    .unwrap_or_else(|| started.session_id.clone()),
                session: started.session_id,
            }),
            Err(error) => Err(Refused {
                query: params.query,
                by: LaunchSource::New(params.session_id.unwrap_or_default()),
                why: failure(error),
            }),
        })
    }

    async fn go_on(&self, params: ContinueSessionParams) -> EffectResult {
        let started = self
            .call(async |client| client.continue_session(&params).await)
            .await;
        let about = if params.fork == Some(true) {
            MessagePurpose::Fork
        } else {
            MessagePurpose::Reply
        };
        EffectResult::Started(match started {
            Ok(started) => Ok(started.session_id.into()),
            Err(error) => Err(Refused {
                query: params.query,
                by: LaunchSource::From {
                    session: params.session_id,
                    about,
                },
                why: failure(error),
            }),
        })
    }

    /// On a thread where waiting for a slow disk keeps nobody up.
    async fn complete(&self, typed: String, base: String, directories: bool) -> EffectResult {
        let of = typed.clone();
        let found = tokio::task::spawn_blocking(move || {
            let home = std::env::home_dir();
            let query = complete::CompletionQuery {
                typed: &typed,
                base: &base,
                home: home.as_deref().and_then(Path::to_str),
                directories,
            };
            if directories {
                complete::complete(query)
            } else {
                complete::files(query)
            }
        });
        EffectResult::Completions {
            of,
            found: found.await.unwrap_or_default(),
        }
    }

    /// By the command for it, as a user would: it knows how to do it safely.
    async fn restart_daemon(&self) -> EffectResult {
        let program = match crate::platform::installed_program() {
            Ok(program) => program,
            Err(error) => {
                return EffectResult::Toast(Err(format!("finding this program: {error}")));
            }
        };
        let mut command = tokio::process::Command::new(program);
        command
            .arg("--daemon-socket")
            .arg(&self.config.daemon_socket.value);
        if let Some(file) = &self.config.file {
            command.arg("--config-file").arg(file);
        }
        command
            .args(["daemon", "restart"])
            .stdin(std::process::Stdio::null())
            // What happens to our terminal must not stop it half-way.
            .process_group(0);
        EffectResult::Toast(match command.output().await {
            Ok(ended) if ended.status.success() => Ok("the daemon runs".to_owned()),
            Ok(ended) => Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned()),
            Err(error) => Err(format!("running `humanlayer daemon restart`: {error}")),
        })
    }
}

/// Why something failed. What changes something and is done again after it was not confirmed is done once.
fn said(error: ClientError) -> String {
    let ClientError::NotKnown { source, .. } = &error else {
        return error.to_string();
    };
    let why = match **source {
        ClientError::Silent { .. } => "the daemon does not answer",
        ClientError::TimedOut { .. } => "the daemon did not answer in time",
        _ => "the connection to the daemon was lost",
    };
    format!("not confirmed: {why}. It may or may not have been done; the same again is done once")
}

fn failure(error: ClientError) -> Failure {
    match error {
        ClientError::NotKnown { .. } => Failure::NotKnown(said(error)),
        other => Failure::NotDone(said(other)),
    }
}

/// Reads a file that an agent has named: only a regular one, and not more than is compared. Opened
/// without waiting, as what is there may be a pipe that nobody writes.
fn look(path: &Path) -> FileProbe {
    use std::io::Read as _;

    let other = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => FileProbe::Missing,
        _ => FileProbe::Other(format!("it cannot be read: {error}")),
    };
    let file = match platform::open_regular(path, Links::Follow) {
        Ok(file) => file,
        Err(error) => return other(error),
    };
    let mut bytes = Vec::new();
    if let Err(error) = file.take(MAX_FILE + 1).read_to_end(&mut bytes) {
        return other(error);
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE) {
        return FileProbe::Other("it is too long to compare".to_owned());
    }
    match String::from_utf8(bytes) {
        Ok(text) => FileProbe::Text(text),
        Err(_) => FileProbe::Other("it is no text".to_owned()),
    }
}

fn remember(file: &Path, what: &Memory) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("writing {}: {error}", file.display());
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    serde_json::to_writer_pretty(&mut beside, what)
        .map_err(|error| failed(std::io::Error::other(error)))?;
    beside
        .persist(file)
        .map(drop)
        .map_err(|error| failed(error.error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_named_file_is_looked_at_without_waiting_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("text"), "words").unwrap();
        std::fs::write(at("bytes"), [0xff, 0xfe]).unwrap();
        let long = std::fs::File::create(at("long")).unwrap();
        long.set_len(MAX_FILE + 1).unwrap();
        let pipe = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(pipe.unwrap().success());
        assert_eq!(look(&at("text")), FileProbe::Text("words".to_owned()));
        assert_eq!(look(&at("none")), FileProbe::Missing);
        for (name, why) in [
            ("bytes", "no text"),
            ("long", "too long"),
            ("pipe", "not a regular file"),
            (".", "not a regular file"),
        ] {
            let found = look(&at(name));
            assert!(
                matches!(&found, FileProbe::Other(said) if said.contains(why)),
                "{name}: {found:?}"
            );
        }
    }
}
