//! What operators and their machines look at: metrics, health and readiness over HTTP.
//!
//! ```text
//!   GET /metrics   OpenMetrics text, computed when it is asked for; `docs/metrics.md` lists what there is
//!   GET /healthz   200 while the process works
//!   GET /readyz    200 while it can do its work, else 503 and a line that says why not
//! ```

mod coordinator;
mod page;
mod process;
mod worker;

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use axum::extract::State;
use axum::http::{header, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::Router;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{text, DescriptorEncoder};
use prometheus_client::registry::Registry;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::failure::Advice;
pub use coordinator::{parse_price, CoordinatorMetrics};
use page::Page;
pub use worker::WorkerMetrics;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Something that tells how it does.
pub trait Observed: Send + Sync + 'static {
    /// Writes its metrics.
    fn write(&self, page: &mut Page<'_>) -> fmt::Result;

    /// Why it cannot do its work now; none while it can.
    fn hindrance(&self) -> Option<String>;
}

/// Answers until it is dropped.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Answers at `address` for what is observed, on a thread of its own; port 0 takes a free one. The address is logged.
pub fn serve(address: SocketAddr, observed: Arc<impl Observed>) -> Result<Server> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collected(observed.clone())));
    let shared = Arc::new(Shared { registry, observed });
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .with_state(shared);
    start(address, router).with_context(|| {
        let what = format!("metrics cannot be served at {address}");
        Advice::new(what, "name an address of this machine with a free port by --metrics")
    })
}

fn start(address: SocketAddr, router: Router) -> std::io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _entered = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let thread = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                served = axum::serve(listener, router) => if let Err(error) = served {
                    tracing::error!(%error, "metrics are no longer served");
                },
                // Connections that are open end with the runtime: a scrape is not worth waiting for.
                _ = stopped => {}
            }
        });
    })?;
    tracing::info!(%address, "metrics");
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

impl Server {
    /// Where it answers.
    #[cfg(test)]
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(address = %self.address, "what served metrics panicked");
        }
    }
}

struct Shared {
    registry: Registry,
    observed: Arc<dyn Observed>,
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let mut page = String::new();
    match text::encode(&mut page, &shared.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("no metrics: {error}\n")).into_response(),
    }
}

async fn readiness(State(shared): State<Arc<Shared>>) -> Response {
    match shared.observed.hindrance() {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

struct Collected(Arc<dyn Observed>);

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collected")
    }
}

impl Collector for Collected {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.write(&mut Page::new(encoder))
    }
}

/// The page of what is observed, as it is served.
#[cfg(test)]
fn rendered(observed: Arc<impl Observed>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collected(observed)));
    let mut page = String::new();
    text::encode(&mut page, &registry).unwrap();
    page
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::Mutex;

    use super::*;

    struct Kettle(Mutex<Option<&'static str>>);

    impl Observed for Kettle {
        fn write(&self, page: &mut Page<'_>) -> fmt::Result {
            page.gauge("kettle_temperature_celsius", "How hot it is", 97.5)?;
            page.counters("kettle_cups", "Cups poured", [([("tea", "green \"leaf\"")], 3u64)])
        }

        fn hindrance(&self) -> Option<String> {
            self.0.lock().unwrap().map(str::to_owned)
        }
    }

    fn ask(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn metrics_health_and_readiness_are_served() {
        let kettle = Arc::new(Kettle(Mutex::new(None)));
        let server = serve("127.0.0.1:0".parse().unwrap(), kettle.clone()).unwrap();
        let address = server.address();
        let (head, body) = ask(address, "/metrics");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(OPEN_METRICS), "{head}");
        let expected = "\
# HELP kettle_temperature_celsius How hot it is
# TYPE kettle_temperature_celsius gauge
kettle_temperature_celsius 97.5
# HELP kettle_cups Cups poured
# TYPE kettle_cups counter
kettle_cups_total{tea=\"green \\\"leaf\\\"\"} 3
# EOF
";
        assert_eq!(body, expected);
        assert_eq!(ask(address, "/healthz").1, "ok\n");
        assert_eq!(ask(address, "/readyz").1, "ready\n");
        *kettle.0.lock().unwrap() = Some("no water");
        let (head, body) = ask(address, "/readyz");
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert_eq!(body, "no water\n");
        assert!(ask(address, "/healthz").0.starts_with("HTTP/1.1 200 "));
        assert!(ask(address, "/other").0.starts_with("HTTP/1.1 404 "));

        // An open connection that says nothing does not keep the process from ending.
        let _silent = TcpStream::connect(address).unwrap();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn an_address_that_is_taken_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let served = serve(taken.local_addr().unwrap(), Arc::new(Kettle(Mutex::new(None))));
        let Err(error) = served else { panic!("two cannot have one address") };
        assert!(error.to_string().contains("cannot be served at 127.0.0.1:"), "{error}");
    }
}
