//! The connection to NATS, for code that waits.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::runtime::{Builder, Handle, Runtime};

/// How long an answer is waited for: longer than a restart of NATS on a healthy machine, shorter than a lease.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Between attempts to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often a silent connection is tried.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Threads for what is sent and received; the work is elsewhere.
const THREADS: usize = 2;

/// Where NATS is and who we are there.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// `nats://` or `tls://` with host and port, user and password if need be; several with commas.
    pub url: String,
    /// A file of credentials (JWT and seed).
    pub credentials: Option<PathBuf>,
    /// A file of root certificates besides the system's.
    pub root_certificates: Option<PathBuf>,
    /// What the server calls us.
    pub name: String,
}

/// Why NATS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection.
    #[error("cannot connect to NATS at {place}: {reason}")]
    Connect {
        /// Where.
        place: String,
        /// Why.
        reason: String,
    },
    /// The credentials cannot be used.
    #[error("cannot use the credentials in {path}")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A stream or bucket cannot be had.
    #[error("NATS at {place} does not give {what}: {reason}")]
    JetStream {
        /// Where.
        place: String,
        /// What was asked for.
        what: String,
        /// Its answer.
        reason: String,
    },
    /// Threads cannot be started.
    #[error("cannot start threads for NATS")]
    Threads(#[source] std::io::Error),
}

/// A connection that connects again by itself, with threads of its own.
pub struct Link {
    place: String,
    client: Client,
    jetstream: jetstream::Context,
    runtime: Option<Runtime>,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// When there is no connection at first; later it is waited for.
    pub fn connect(options: &LinkOptions) -> Result<Arc<Self>, LinkError> {
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("nats").enable_all().build();
        let runtime = runtime.map_err(LinkError::Threads)?;
        let place = place_of(&options.url);
        let client = runtime.block_on(connect(options, &place))?;
        // It spawns a task of its own.
        let entered = runtime.enter();
        let jetstream = jetstream::context::ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        drop(entered);
        Ok(Arc::new(Self { place, client, jetstream, runtime: Some(runtime) }))
    }

    /// Where NATS is, without passwords.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether the connection stands now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    pub(super) fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("taken only when dropped").handle()
    }

    /// Waits for `future`, on a thread that is not one of the link's.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.handle().block_on(future)
    }

    pub(super) fn failed(&self, what: impl Into<String>) -> impl FnOnce(&dyn std::error::Error) -> LinkError + '_ {
        let what = what.into();
        move |error| LinkError::JetStream { place: self.place.clone(), what, reason: reason(error) }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A runtime must not be waited for on one of its own threads, where the last owner may be dropped.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn connect(options: &LinkOptions, place: &str) -> Result<Client, LinkError> {
    let mut connect = ConnectOptions::new()
        .name(&options.name)
        .connection_timeout(TIMEOUT)
        .request_timeout(Some(TIMEOUT))
        .ping_interval(PING_INTERVAL)
        .max_reconnects(None)
        .reconnect_delay_callback(|_| RECONNECT_PAUSE)
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("connected to NATS"),
                Event::Disconnected => tracing::warn!("NATS is away; connecting again until it is back"),
                other => tracing::warn!(event = %other, "NATS"),
            }
        });
    if let Some(path) = &options.root_certificates {
        connect = connect.add_root_certificates(path.clone());
    }
    if let Some(path) = &options.credentials {
        let read = connect.credentials_file(path).await;
        connect = read.map_err(|source| LinkError::Credentials { path: path.clone(), source })?;
    }
    let refused = |error: &dyn std::error::Error| LinkError::Connect { place: place.to_owned(), reason: reason(error) };
    let parsed: Result<Vec<ServerAddr>, _> = options.url.split(',').map(|url| url.trim().parse()).collect();
    let servers = parsed.map_err(|error| refused(&error))?;
    // The library reads user and password off a URL, but does not send them.
    if let Some(server) = servers.iter().find(|server| server.username().is_some()) {
        let (user, password) = (server.username().unwrap_or_default(), server.password().unwrap_or_default());
        connect = connect.user_and_password(user.to_owned(), password.to_owned());
    }
    connect.connect(servers).await.map_err(|error| refused(&error))
}

/// The URL without user and password.
fn place_of(url: &str) -> String {
    let bare = |url: &str| match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => url.to_owned(),
    };
    url.split(',').map(|url| bare(url.trim())).collect::<Vec<_>>().join(",")
}

/// An error with its causes, in one line.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(place_of("nats://user:secret@host:4222"), "nats://host:4222");
        assert_eq!(place_of("user:se@cret@host"), "host");
        assert_eq!(place_of("nats://a:4222, tls://u:p@b"), "nats://a:4222,tls://b");
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error_that_says_where() {
        let options = LinkOptions { url: "nats://u:p@127.0.0.1:1".into(), ..LinkOptions::default() };
        let Err(error) = Link::connect(&options) else { panic!("nothing listens on port 1") };
        assert!(error.to_string().contains("cannot connect to NATS at nats://127.0.0.1:1:"), "{error}");
    }
}
