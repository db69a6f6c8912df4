//! Errands: effects that ask the daemon or the file system for something and bring an answer.
//!
//! Owns the one connection for calls, made anew when it breaks. Must decide nothing: what an answer
//! means is [`super::update`]'s. Called by the runtime, each errand as a task of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::effect::{Effect, Page};
use super::msg::{Done, Refused};
use super::state::launch::Remembered;
use crate::client::{Client, ClientError};
use crate::config::Config;
use crate::protocol::approval::SendDecisionParams;
use crate::protocol::conversation::{GetConversationParams, GetConversationResponse};
use crate::protocol::error::ErrorKind;
use crate::protocol::session::{
    ArchiveSessionParams, BulkArchiveSessionsParams, ContinueSessionParams, GetRecentPathsParams,
    LaunchSessionParams, SendMessageParams, UpdateSessionTitleParams,
};

/// Pieces of a conversation that are read at once.
const PIECES: u32 = 200;

/// What errands work with.
#[derive(Clone)]
pub struct Errands {
    config: Arc<Config>,
    client: Arc<Mutex<Option<Arc<Client>>>>,
    memory: PathBuf,
}

impl Errands {
    /// For the daemon of this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let directory = config.database_path.value.parent().map(Path::to_owned);
        Self {
            config: Arc::new(config.clone()),
            client: Arc::default(),
            memory: directory.unwrap_or_default().join("dashboard.json"),
        }
    }

    /// What was remembered; nothing where there is nothing readable.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        std::fs::read(&self.memory)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Does an effect that is an errand; none for those that the runtime does itself.
    pub async fn run(self, effect: Effect) -> Option<Done> {
        Some(match effect {
            Effect::Decide(params) => self.decide(*params).await,
            Effect::Page { session, page } => self.page(session, page).await,
            Effect::Session(id) => Done::Session(
                self.call(async |client| client.get_session_state(&id).await)
                    .await
                    .map(Box::new)
                    .map_err(said),
            ),
            Effect::Approval(id) => Done::Approval(
                self.call(async |client| client.get_approval(&id).await)
                    .await
                    .map(Box::new)
                    .map_err(said),
            ),
            Effect::Launch(params) => self.launch(*params).await,
            Effect::Continue(params) => self.go_on(*params).await,
            Effect::Message { session, text } => {
                let params = SendMessageParams {
                    session_id: session,
                    message: text,
                };
                self.say("sent", async |client| client.send_message(&params).await)
                    .await
            }
            Effect::Interrupt(id) => {
                self.say("stopping…", async |client| {
                    client.interrupt_session(&id).await
                })
                .await
            }
            Effect::End(id) => {
                self.say("ending…", async |client| client.end_session(&id).await)
                    .await
            }
            Effect::Rename { session, title } => {
                let params = UpdateSessionTitleParams {
                    session_id: session.clone(),
                    title,
                };
                self.say("", async |client| {
                    client.update_session_title(&params).await
                })
                .await
            }
            Effect::Archive { sessions, archived } => self.archive(sessions, archived).await,
            Effect::Settings(params) => {
                self.say("", async |client| {
                    client.update_session_settings(&params).await
                })
                .await
            }
            Effect::RestartDaemon => self.restart_daemon().await,
            Effect::Export { name, text } => Done::Said(export(&name, &text)),
            Effect::Remembered => Done::Remembered(Box::new(self.remembered())),
            Effect::Remember(what) => match remember(&self.memory, &what) {
                Ok(()) => Done::Said(Ok(String::new())),
                Err(why) => Done::Said(Err(why)),
            },
            Effect::RecentPaths => {
                let params = GetRecentPathsParams { limit: Some(30) };
                let paths = self
                    .call(async |client| client.get_recent_paths(&params).await)
                    .await;
                Done::RecentPaths(paths.map_or_else(
                    |_| Vec::new(),
                    |found| found.paths.into_iter().map(|path| path.path).collect(),
                ))
            }
            Effect::Complete { .. } | Effect::Find(_) | Effect::Check => return None,
            Effect::Follow(_)
            | Effect::Pager(_)
            | Effect::Editor { .. }
            | Effect::Copy(_)
            | Effect::Bell
            | Effect::Notify { .. }
            | Effect::Redraw
            | Effect::Quit => return None,
        })
    }

    /// Calls the daemon. A connection that turns out to be broken is replaced, and what only reads or
    /// is harmless to repeat is tried once more by the caller's own rules.
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

    /// The same, once more after a lost connection: for what may be asked twice.
    async fn ask<T>(
        &self,
        ask: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        match self.call(&ask).await {
            Err(ClientError::Lost { .. }) => self.call(&ask).await,
            settled => settled,
        }
    }

    async fn client(&self) -> Result<Arc<Client>, ClientError> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref() {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(Client::connect(&self.config.daemon_socket.value).await?);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn say<T>(
        &self,
        words: &str,
        ask: impl AsyncFn(&Client) -> Result<T, ClientError>,
    ) -> Done {
        let done = self.call(ask).await;
        Done::Said(done.map(|_| words.to_owned()).map_err(said))
    }

    /// Asked again after a lost answer: if the first one was taken, the second is told so.
    async fn decide(&self, params: SendDecisionParams) -> Done {
        let answer = self
            .ask(async |client| client.send_decision(&params).await)
            .await;
        Done::Decided {
            id: params.approval_id,
            answer: answer.map(Box::new).map_err(said),
        }
    }

    /// A page; a smaller one where the pieces are too large for an answer.
    async fn page(&self, session: String, page: Page) -> Done {
        let mut limit = PIECES;
        let pieces = self.pieces(&session, page, &mut limit).await;
        let full = pieces.as_ref().is_ok_and(|pieces| {
            u32::try_from(pieces.events.len()).is_ok_and(|count| count >= limit)
        });
        Done::Page {
            session,
            page,
            pieces: pieces.map_err(said),
            full,
        }
    }

    async fn pieces(
        &self,
        session: &str,
        page: Page,
        limit: &mut u32,
    ) -> Result<GetConversationResponse, ClientError> {
        loop {
            let (before, after) = match page {
                Page::Last => (None, None),
                Page::Before(sequence) => (Some(sequence), None),
                Page::After(sequence) => (None, Some(sequence)),
            };
            let params = GetConversationParams {
                session_id: Some(session.to_owned()),
                limit: Some(*limit),
                before,
                after,
                ..GetConversationParams::default()
            };
            match self
                .ask(async |client| client.get_conversation(&params).await)
                .await
            {
                Err(error) if error.is(ErrorKind::TooLarge) && *limit > 1 => *limit /= 4,
                settled => return settled,
            }
        }
    }

    /// Asked again after a lost answer: the session's id was chosen here, so nothing starts twice.
    async fn launch(&self, params: LaunchSessionParams) -> Done {
        let started = self
            .ask(async |client| client.launch_session(&params).await)
            .await;
        Done::Started(match started {
            Ok(started) => Ok(started.session_id),
            Err(error) => Err(Refused {
                query: params.query,
                why: said(error),
            }),
        })
    }

    async fn go_on(&self, params: ContinueSessionParams) -> Done {
        let started = self
            .ask(async |client| client.continue_session(&params).await)
            .await;
        Done::Started(match started {
            Ok(started) => Ok(started.session_id),
            Err(error) => Err(Refused {
                query: params.query,
                why: said(error),
            }),
        })
    }

    async fn archive(&self, sessions: Vec<String>, archived: bool) -> Done {
        if let [session] = sessions.as_slice() {
            let params = ArchiveSessionParams {
                session_id: session.clone(),
                archived,
            };
            return self
                .say("", async |client| client.archive_session(&params).await)
                .await;
        }
        let params = BulkArchiveSessionsParams {
            session_ids: sessions,
            archived,
        };
        let done = self
            .call(async |client| client.bulk_archive_sessions(&params).await)
            .await;
        Done::Said(match done {
            Ok(done) if done.success => Ok(String::new()),
            Ok(done) => Err(format!(
                "{} sessions could not be changed",
                done.failed_sessions.len()
            )),
            Err(error) => Err(said(error)),
        })
    }

    /// By the command for it, as a user would: it knows how to do it safely.
    async fn restart_daemon(&self) -> Done {
        let program = match std::env::current_exe() {
            Ok(program) => program,
            Err(error) => return Done::Said(Err(format!("finding this program: {error}"))),
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
            .stdin(std::process::Stdio::null());
        Done::Said(match command.output().await {
            Ok(ended) if ended.status.success() => Ok("the daemon runs".to_owned()),
            Ok(ended) => Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned()),
            Err(error) => Err(format!("running `humanlayer daemon restart`: {error}")),
        })
    }
}

fn said(error: ClientError) -> String {
    error.to_string()
}

fn remember(file: &Path, what: &Remembered) -> Result<(), String> {
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

/// Writes a conversation to a new file where the user is, and says where.
fn export(name: &str, text: &str) -> Result<String, String> {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let base = Some(safe.trim_matches('-'))
        .filter(|name| !name.is_empty())
        .unwrap_or("conversation");
    for number in 1..1_000 {
        let file = match number {
            1 => format!("{base}.md"),
            _ => format!("{base}-{number}.md"),
        };
        // Never over a file that is there.
        match std::fs::File::create_new(&file) {
            Ok(mut created) => {
                return std::io::Write::write_all(&mut created, text.as_bytes())
                    .map(|()| format!("written to {file}"))
                    .map_err(|error| format!("writing {file}: {error}"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("writing {file}: {error}")),
        }
    }
    Err(format!("too many files called {base}-….md"))
}
