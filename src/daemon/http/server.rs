//! Listening, and connections within their bounds.
//!
//! A port that is taken (another daemon of this machine may have it) is said in the log and in
//! `health`, and tried again; it is no reason not to start.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::admission::{Admission, Admissions, STRANGER_WAIT};
use super::host::Hosts;
use super::incoming::Incoming;
use super::peer::Peer;
use super::{Api, Http, HttpOptions, HttpStatus, KeyRing, router};
use crate::config::Port;
use crate::daemon::bus::Bus;
use crate::daemon::session::Sessions;
use crate::daemon::store::Store;

/// Between two tries to get the port.
const RETRY: Duration = Duration::from_secs(5);

/// How long a connection may rest, between requests or in the middle of one. Longer than a client may
/// be kept waiting for an answer.
const IDLE: Duration = Duration::from_secs(75);

/// How long requests may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Pause after the system could not take a connection: it is out of descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; to be run on a runtime of its own.
pub async fn serve(
    http: Arc<Http>,
    options: HttpOptions,
    store: Store,
    bus: Arc<Bus>,
    sessions: Sessions,
    keys: Arc<KeyRing>,
    stop: CancellationToken,
) {
    if options.port == Port::Off {
        return;
    }
    let Some((listener, address)) = listen(&http, &options, &stop).await else {
        return;
    };
    let hosts = Hosts::new(&options.host);
    let api = Api::new(store, &bus, sessions, keys, hosts, stop.clone());
    let service = router::router(Arc::new(api)).into_make_service_with_connect_info::<Incoming>();
    tracing::info!(%address, "serving the local HumanLayer API");
    let serving =
        axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = serving => if let Err(error) = ended {
            tracing::error!(%error, "the local HumanLayer API ended");
        },
        () = drained => tracing::debug!("requests of the local HumanLayer API were cut off"),
    }
}

async fn listen(
    http: &Http,
    options: &HttpOptions,
    stop: &CancellationToken,
) -> Option<(Bounded, SocketAddr)> {
    let mut said = None;
    loop {
        let problem = match bind(options).await {
            Ok((listener, address)) => {
                http.set(HttpStatus {
                    address: Some(address),
                    problem: None,
                });
                return Some((listener, address));
            }
            Err(problem) => problem,
        };
        if said.as_ref() != Some(&problem) {
            tracing::warn!(
                problem,
                "the local HumanLayer API is not served; trying again"
            );
            said = Some(problem.clone());
        }
        http.set(HttpStatus {
            address: None,
            problem: Some(problem),
        });
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn bind(options: &HttpOptions) -> Result<(Bounded, SocketAddr), String> {
    let (host, port) = (
        options.host.as_str(),
        options.port.number().unwrap_or_default(),
    );
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => tokio::net::lookup_host((bare, port))
            .await
            .map_err(|error| format!("http_host {host:?} has no address: {error}"))?
            .collect(),
    };
    let remote = addresses
        .iter()
        .find(|address| !address.ip().to_canonical().is_loopback());
    if let Some(address) = remote
        && !options.allow_remote
    {
        return Err(format!(
            "http_host {host:?} is {}, which other machines reach; set http_allow_remote if that is meant, or use an SSH tunnel to 127.0.0.1",
            address.ip()
        ));
    }
    let listener = TcpListener::bind(addresses.as_slice())
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} of {host} is taken, perhaps by another daemon; choose another with HUMANLAYER_DAEMON_HTTP_PORT (0 for none)"
            ),
            _ => format!("cannot listen on port {port} of {host}: {error}"),
        })?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("cannot tell the address of port {port}: {error}"))?;
    let listener = Bounded {
        listener,
        admissions: Arc::default(),
    };
    Ok((listener, address))
}

/// A listener whose connections are bounded.
struct Bounded {
    listener: TcpListener,
    admissions: Arc<Admissions>,
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        loop {
            let accepted = self.listener.accept().await;
            let met = accepted.and_then(|(stream, remote)| {
                stream.set_nodelay(true)?;
                let local = stream.local_addr()?;
                Ok((stream, Peer { remote, local }))
            });
            match met {
                Ok((stream, peer)) => {
                    let admission = self.admissions.admit(peer.remote.ip());
                    return (Connection::new(stream, admission), peer);
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection to the local HumanLayer API was lost");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let local = self.listener.local_addr()?;
        Ok(Peer {
            remote: local,
            local,
        })
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Incoming {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self {
            peer: *stream.remote_addr(),
            admission: Arc::clone(&stream.io().admission),
        }
    }
}

/// A connection that ends when nothing moves on it for too long, when no request with a good key comes
/// over it in time, or when it must make room.
struct Connection {
    stream: TcpStream,
    rest: Pin<Box<Sleep>>,
    stranger: Pin<Box<Sleep>>,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    admission: Arc<Admission>,
}

impl Connection {
    fn new(stream: TcpStream, admission: Arc<Admission>) -> Self {
        Self {
            stream,
            rest: Box::pin(tokio::time::sleep(IDLE)),
            stranger: Box::pin(tokio::time::sleep(STRANGER_WAIT)),
            closed: Box::pin(admission.closed.clone().cancelled_owned()),
            admission,
        }
    }

    fn moved(&mut self) {
        self.rest.as_mut().reset(Instant::now() + IDLE);
    }

    /// Fails when the connection may not go on. Asked before each read and write: who sends a byte now
    /// and then does not keep it open by that.
    fn may_go_on(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.closed.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let is_late =
            self.admission.is_a_strangers() && self.stranger.as_mut().poll(context).is_ready();
        if is_late || self.rest.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Err(error) = self.may_go_on(context) {
            return Poll::Ready(Err(error));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.moved();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = self.may_go_on(context) {
            return Poll::Ready(Err(error));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.moved();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
