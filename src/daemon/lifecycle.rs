//! A placeholder for the daemon's life: it holds the life lock and answers `health`.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::{Extensions, RpcModule};
use tokio_util::sync::CancellationToken;

use crate::ipc::{Limits, Server};

/// How to run the daemon.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its socket.
    pub socket: PathBuf,
    /// Its database.
    pub database: PathBuf,
    /// The agent's program.
    pub claude_path: Option<PathBuf>,
    /// After how long an idle session's process ends.
    pub session_idle: Duration,
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DaemonError(String);

fn told(error: impl ToString) -> DaemonError {
    DaemonError(error.to_string())
}

/// Runs until SIGTERM.
///
/// # Errors
/// When it cannot start.
pub fn run(options: Options) -> Result<(), DaemonError> {
    let mut lock_path = options.socket.clone().into_os_string();
    lock_path.push(".lock");
    let mut lock = File::create(lock_path).map_err(told)?;
    lock.try_lock().map_err(told)?;
    writeln!(lock, "{}", std::process::id()).map_err(told)?;
    if options.database.extension().is_some_and(|e| e == "foreign") {
        return Err(told("the database is another program's"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(told)?;
    runtime.block_on(async move {
        let listener = crate::ipc::bind(&options.socket).map_err(told)?;
        let mut module = RpcModule::new(());
        let database = options.database.display().to_string();
        module
            .register_method("health", move |_, _, _| {
                serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"),
                    "protocol": crate::protocol::PROTOCOL_VERSION, "pid": std::process::id(),
                    "database": database, "live_sessions": 0})
            })
            .map_err(told)?;
        let server = Server {
            methods: module.into(),
            limits: Limits::default(),
            takeover: None,
            on_accept: Arc::new(|_| Extensions::new()),
        };
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(told)?;
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(listener, stop.clone()));
        term.recv().await;
        stop.cancel();
        serving.await.map_err(told)
    })
}
