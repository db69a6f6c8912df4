//! The socket layer on real sockets: a small table of methods, a raw client
//! that sees every byte, and the tests by subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bind;
mod calls;
mod client;
mod lifetime;
mod limits;
mod subscriptions;
mod takeover;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use humanlayer::ipc::{self, Limits, Server, Takeover};
use jsonrpsee::core::RpcResult;
use jsonrpsee::{Extensions, RpcModule};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Fails the test rather than hanging it.
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// What the test's methods leave behind for it to look at.
struct World {
    /// Gets a permit when a `hold` call has begun.
    held: Semaphore,
    /// Lets a `hold` call go on.
    release: Semaphore,
    /// Gets a permit when a `hold` call has ended.
    done: Semaphore,
    counted: AtomicUsize,
    flooded: AtomicUsize,
}

struct Running {
    directory: tempfile::TempDir,
    world: Arc<World>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

fn module(world: &Arc<World>) -> RpcModule<World> {
    let mut module = RpcModule::from_arc(Arc::clone(world));
    module
        .register_method("echo", |params, _, _| params.parse::<Value>())
        .unwrap();
    module
        .register_method("count", |_, world, _| {
            world.counted.fetch_add(1, Ordering::SeqCst)
        })
        .unwrap();
    module
        .register_method("big", |params, _, _| {
            params
                .parse::<Vec<usize>>()
                .map(|sizes| "x".repeat(sizes[0]))
        })
        .unwrap();
    module
        .register_method("who", |_, _, extensions| {
            let peer = extensions.get::<ipc::Credentials>().unwrap();
            json!({ "pid": peer.pid, "uid": peer.uid, "note": extensions.get::<&str>() })
        })
        .unwrap();
    module
        .register_async_method("hold", |params, world, _| async move {
            world.held.add_permits(1);
            world.release.acquire().await.unwrap().forget();
            world.done.add_permits(1);
            params.parse::<Value>()
        })
        .unwrap();
    module
        .register_method("panic", |_, _, _| -> RpcResult<()> {
            panic!("a sync method")
        })
        .unwrap();
    module
        .register_async_method("panic_async", |_, _, _| async {
            fail("an async method").await
        })
        .unwrap();
    module
        .register_blocking_method("panic_blocking", |_, _, _| -> RpcResult<()> {
            panic!("a blocking method")
        })
        .unwrap();
    module
        .register_subscription(
            "panic_subscribe",
            "p",
            "panic_unsubscribe",
            |_, _pending, _, _| async { fail("a subscription").await },
        )
        .unwrap();
    module
        .register_subscription(
            "ticks_subscribe",
            "tick",
            "ticks_unsubscribe",
            |_, pending, _, _| async {
                let Ok(sink) = pending.accept().await else {
                    return;
                };
                for tick in 0..3 {
                    if sink.send(raw(&json!(tick))).await.is_err() {
                        return;
                    }
                }
                sink.closed().await;
            },
        )
        .unwrap();
    module
        .register_subscription(
            "flood_subscribe",
            "flood",
            "flood_unsubscribe",
            |_, pending, world, _| async move {
                let Ok(sink) = pending.accept().await else {
                    return;
                };
                let message = raw(&json!("x".repeat(64 * 1024)));
                while sink.send(message.clone()).await.is_ok() {
                    world.flooded.fetch_add(1, Ordering::SeqCst);
                }
            },
        )
        .unwrap();
    module
}

async fn fail(what: &str) -> () {
    tokio::task::yield_now().await;
    panic!("{what}")
}

fn raw(value: &Value) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

impl Running {
    fn start() -> Self {
        Self::start_with(Limits::default(), None)
    }

    fn start_with(limits: Limits, takeover: Option<Arc<dyn Takeover>>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Arc::new(World {
            held: Semaphore::new(0),
            release: Semaphore::new(0),
            done: Semaphore::new(0),
            counted: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
        });
        let server = Server {
            methods: module(&world).into(),
            limits,
            takeover,
            on_accept: Arc::new(|_, _| {
                let mut extensions = Extensions::new();
                extensions.insert("from on_accept");
                ipc::Accepted {
                    extensions,
                    holder: ipc::Holder::User,
                }
            }),
            on_socket_change: Some(Arc::new(|_| {})),
        };
        let listener = ipc::bind(&directory.path().join("s")).unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(listener, None, stop.clone()));
        Self {
            directory,
            world,
            stop,
            serving,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s")
    }

    async fn raw(&self) -> Raw {
        Raw::new(UnixStream::connect(self.path()).await.unwrap())
    }

    async fn held(&self) {
        within("a call to begin", self.world.held.acquire())
            .await
            .unwrap()
            .forget();
    }

    fn release(&self) {
        self.world.release.add_permits(1);
    }
}

/// A client that sends and sees lines as they are.
struct Raw {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
}

impl Raw {
    fn new(stream: UnixStream) -> Self {
        let (from, to) = stream.into_split();
        Self {
            from: BufReader::new(from),
            to,
        }
    }

    async fn send(&mut self, text: &str) {
        within("sending", self.to.write_all(text.as_bytes()))
            .await
            .unwrap();
    }

    /// The next line; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match within("a line", self.from.read_line(&mut line)).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.send(&format!("{line}\n")).await;
        self.next().await.expect("an answer")
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.ask(&request(1, method, params)).await
    }

    async fn assert_alive(&mut self) {
        let answer = self.call("echo", json!(["alive"])).await;
        assert_eq!(answer["result"], json!(["alive"]), "{answer}");
    }
}

fn request(id: u64, method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

#[track_caller]
fn assert_error(answer: &Value, code: i64, kind: &str) {
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert_eq!(answer["error"]["data"]["kind"], kind, "{answer}");
}
