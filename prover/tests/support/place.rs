//! The backends of the queue, for tests that hold for all.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

use sheaf_prover::fleet::{Coordinator, CoordinatorError, FleetQueue, Lane, Link, LinkOptions};
use sheaf_prover::queue::{Policy, Queue};

use super::nats::NatsServer;
use super::{open, ByRedoing};

/// A place where a queue is kept.
pub trait Place {
    /// Opens the queue that is kept here; it is not open.
    fn open(&self, policy: Policy) -> Opened;

    /// The same after everything died that had to do with it, the worker "a" included, and began anew.
    fn open_after_crash(&self, policy: Policy) -> Opened;
}

/// An open queue. It is closed when this is dropped.
pub struct Opened {
    queue: Box<dyn Queue>,
    _coordinator: Option<Serving>,
}

impl std::ops::Deref for Opened {
    type Target = dyn Queue;

    fn deref(&self) -> &Self::Target {
        &*self.queue
    }
}

/// In a folder of this process.
pub struct Embedded(tempfile::TempDir);

impl Embedded {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Place for Embedded {
    fn open(&self, policy: Policy) -> Opened {
        Opened { queue: Box::new(open(self.0.path(), policy)), _coordinator: None }
    }

    fn open_after_crash(&self, policy: Policy) -> Opened {
        self.open(policy)
    }
}

/// With a coordinator, through NATS.
pub struct Fleet {
    pub server: Arc<NatsServer>,
    pub folder: tempfile::TempDir,
    pub lane: Lane,
}

impl Fleet {
    pub fn new() -> Self {
        Self::on(NatsServer::shared())
    }

    pub fn on(server: Arc<NatsServer>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let fleet = format!("fleet-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Self { server, folder: tempfile::tempdir().unwrap(), lane: Lane::new(&fleet, "lane").unwrap() }
    }

    pub fn link(&self, name: &str) -> Arc<Link> {
        Link::connect(&LinkOptions { url: self.server.url(), name: name.into(), ..LinkOptions::default() }).unwrap()
    }

    pub fn serve(&self, policy: Policy) -> Serving {
        let link = self.link("coordinator");
        let coordinator = Coordinator::open(self.folder.path(), policy, Arc::new(ByRedoing), &link, &self.lane);
        Serving::start(Arc::new(coordinator.unwrap()))
    }

    pub fn client(&self) -> FleetQueue {
        let link = self.link("client");
        // The coordinator subscribes on a thread of its own.
        let start = std::time::Instant::now();
        loop {
            match FleetQueue::open(&link, &self.lane) {
                Ok(queue) => return queue,
                Err(error) => assert!(error.is_outage() && start.elapsed().as_secs() < 30, "{error}"),
            }
        }
    }
}

impl Place for Fleet {
    fn open(&self, policy: Policy) -> Opened {
        let serving = self.serve(policy);
        Opened { queue: Box::new(self.client()), _coordinator: Some(serving) }
    }

    fn open_after_crash(&self, policy: Policy) -> Opened {
        let opened = self.open(policy);
        opened.enter("a").unwrap();
        opened
    }
}

/// A coordinator at work. It ends when this is dropped.
pub struct Serving {
    pub coordinator: Arc<Coordinator>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), CoordinatorError>>>,
}

impl Serving {
    fn start(coordinator: Arc<Coordinator>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (coordinator, stop) = (coordinator.clone(), stop.clone());
            std::thread::spawn(move || coordinator.serve(&stop))
        };
        Self { coordinator, stop, thread: Some(thread) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}
