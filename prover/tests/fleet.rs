//! What a fleet survives: its coordinator, NATS, messages and artifacts lost or changed, workers that lie.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::{jetstream, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt as _;
use rand::Rng as _;
use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::fleet::wire::{self, Answer, Question};
use sheaf_prover::fleet::{lanes, Coordinator, CoordinatorError, FleetQueue, Lane, Link, LinkOptions};
use sheaf_prover::graph::Graph;
use sheaf_prover::job::{JobKind, JobSpec};
use sheaf_prover::queue::{
    Capability, Cause, Completion, Failure, Fence, JobState, Lease, Policy, Queue, QueueError, Verdict,
};
use sheaf_prover::runner::{follow, Limits, RunError, Until, Worker};
use tokio::io::AsyncReadExt as _;

use support::nats::NatsServer;
use support::place::{Fleet, Place as _};
use support::*;

/// Longer than any of these takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Works in threads of this process until it is dropped.
struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Workers {
    fn start(fleet: &Fleet, count: usize, work: &Arc<Toy>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |index: usize| {
            let (queue, work, stop) = (fleet.client(), work.clone(), stop.clone());
            thread::spawn(move || {
                let limits = Limits { worker: format!("worker-{index}"), jobs: 2, memory_bytes: 1000 };
                Worker::new(&queue, &*work, limits, &|_| {}, &stop).serve(Until::Stopped).unwrap();
            })
        };
        Self { threads: (0..count).map(start).collect(), stop }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            if !thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

/// Jobs that take a moment, so that something can happen in between.
fn slow(time: Duration) -> Arc<Toy> {
    Arc::new(Toy::with(move |job, inputs| {
        thread::sleep(time);
        Ok(right(job, inputs))
    }))
}

fn run(queue: &FleetQueue, graph: &Graph) -> Result<Vec<u8>, RunError> {
    let stop = Arc::new(AtomicBool::new(false));
    let watch = stop.clone();
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            watch.store(true, Ordering::Relaxed);
        }
    });
    let result = follow(queue, graph, &stop, &|_| {});
    drop(done);
    watchdog.join().unwrap();
    result
}

/// Attempts by job's label.
fn attempts(queue: &dyn Queue) -> BTreeMap<String, u32> {
    let jobs = queue.status().unwrap().graphs.into_iter().flat_map(|graph| graph.jobs);
    jobs.map(|job| (job.label, job.attempts)).collect()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn workers_of_a_fleet_do_a_graph() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let (queue, graph, work) = (fleet.client(), tree("g", 20), slow(Duration::ZERO));
    let workers = Workers::start(&fleet, 3, &work);
    assert_eq!(run(&queue, &graph).unwrap(), right_result(&graph));
    drop(workers);
    assert_eq!(work.total(), graph.jobs().len(), "each once");
    let makers: BTreeSet<String> = queue.status().unwrap().graphs[0].jobs.iter().map(maker).collect();
    assert!(makers.len() > 1, "{makers:?}");
}

fn maker(job: &sheaf_prover::queue::JobStatus) -> String {
    match &job.state {
        JobState::Done { effort, .. } => effort.worker.clone(),
        state => panic!("{} is {}", job.label, state.name()),
    }
}

#[test]
fn while_one_version_replaces_another_the_batches_of_both_are_done() {
    let blue = Fleet::new();
    let lane = Lane::new(blue.lane.fleet(), "green").unwrap();
    let green = Fleet { lane, ..Fleet::on(blue.server.clone()) };
    let (_blue_serving, old, slowly) = (blue.serve(patient()), blue.client(), slow(Duration::from_millis(50)));
    let (old_batch, new_batch) = (tree("old", 12), tree("new", 6));
    old.submit(&old_batch).unwrap();
    let old_workers = Workers::start(&blue, 2, &slowly);
    wait_until("old work under way", || slowly.total() > 2);
    // The new version comes beside it, and the old one ends what it has.
    let (_green_serving, new, quickly) = (green.serve(patient()), green.client(), slow(Duration::from_millis(5)));
    let mut lanes: Vec<String> =
        lanes(&blue.link("looks"), blue.lane.fleet()).unwrap().into_iter().map(|l| l.lane).collect();
    lanes.sort();
    assert_eq!(lanes, ["green", "lane"]);
    let new_workers = Workers::start(&green, 1, &quickly);
    assert_eq!(run(&new, &new_batch).unwrap(), right_result(&new_batch));
    assert_eq!(run(&old, &old_batch).unwrap(), right_result(&old_batch));
    drop((old_workers, new_workers));
    assert_eq!(
        (slowly.total(), quickly.total()),
        (old_batch.jobs().len(), new_batch.jobs().len()),
        "each does its own"
    );
    assert!(matches!(new.progress(old_batch.root()), Err(QueueError::UnknownGraph(_))));
}

#[test]
fn leases_hold_while_the_coordinator_is_away() {
    let fleet = Fleet::new();
    let serving = fleet.serve(patient());
    let queue = fleet.client();
    queue.submit(&tree("g", 2)).unwrap();
    let (kept, other) = (claim(&queue), claim(&queue));
    drop(serving);
    let error = queue.renew(&kept).unwrap_err();
    assert!(error.is_outage() && error.to_string().contains("no coordinator answers there"), "{error}");

    // Its result goes into the stream meanwhile, and counts when the coordinator is back.
    thread::scope(|scope| {
        let handing_in = scope.spawn(|| finish(&queue, &other));
        thread::sleep(Duration::from_millis(500));
        let _serving = fleet.serve(patient());
        wait_until("the coordinator", || queue.renew(&kept).is_ok());
        assert!(queue.renew(&kept).unwrap());
        assert!(matches!(handing_in.join().unwrap(), Completion::Accepted { late: false, .. }));
        assert!(matches!(finish(&queue, &kept), Completion::Accepted { late: false, .. }));
        assert!(attempts(&queue).values().all(|&attempts| attempts <= 1));
        let next = claim(&queue);
        assert!(next.fence > other.fence, "fences rise over restarts");
    });
}

#[test]
fn leases_that_are_not_renewed_after_a_restart_run_out() {
    let fleet = Fleet::new();
    let policy = Policy { lease: Duration::from_millis(500), ..patient() };
    let queue = {
        let _serving = fleet.serve(policy);
        let queue = fleet.client();
        queue.submit(&single("job")).unwrap();
        claim(&queue);
        queue
    };
    let _serving = fleet.serve(policy);
    wait_until("the lease's end", || queue.claim(&capability("b")).is_ok_and(|lease| lease.is_some()));
    assert_eq!(attempts(&queue)["job"], 2);
}

#[test]
fn a_restart_of_nats_with_its_storage_loses_nothing() {
    let fleet = Fleet::on(Arc::new(NatsServer::start()));
    let _serving = fleet.serve(patient());
    let (queue, graph, work) = (fleet.client(), tree("g", 30), slow(Duration::from_millis(50)));
    let _workers = Workers::start(&fleet, 2, &work);
    let server = fleet.server.clone();
    let killer = thread::spawn(move || {
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(700));
            server.kill();
            thread::sleep(Duration::from_millis(700));
            server.restart();
        }
    });
    assert_eq!(run(&queue, &graph).unwrap(), right_result(&graph));
    killer.join().unwrap();
    // What was claimed as NATS went away may be leased to nobody who knows; the rest is done once.
    let again = work.total() - graph.jobs().len();
    assert!(again <= 4, "{again} jobs done again for two restarts");
}

/// Says everything that is said in a lane again, several times and late.
async fn echo(url: String, lane: Lane, stop: Arc<AtomicBool>, echoed: Arc<AtomicU64>) {
    let client = async_nats::connect(url).await.unwrap();
    let mut heard = client.subscribe(subject(&lane, "*")).await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        let next = tokio::time::timeout(Duration::from_millis(50), heard.next()).await;
        let Ok(Some(message)) = next else { continue };
        if message.headers.as_ref().is_some_and(|headers| headers.get("Echo").is_some()) {
            continue;
        }
        for _ in 0..rand::thread_rng().gen_range(1..3) {
            let delay = Duration::from_millis(rand::thread_rng().gen_range(0..300));
            let (client, message) = (client.clone(), message.clone());
            echoed.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let mut headers = message.headers.unwrap_or_default();
                headers.insert("Echo", "1");
                let _ = match message.reply {
                    Some(reply) => {
                        client.publish_with_reply_and_headers(message.subject, reply, headers, message.payload).await
                    }
                    None => client.publish_with_headers(message.subject, headers, message.payload).await,
                };
            });
        }
    }
}

#[test]
fn messages_that_come_twice_and_late_change_nothing() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let (queue, graph, work) = (fleet.client(), tree("g", 20), slow(Duration::from_millis(20)));
    let (stop, echoed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let echoing = runtime.spawn(echo(fleet.server.url(), fleet.lane.clone(), stop.clone(), echoed.clone()));
    {
        let _workers = Workers::start(&fleet, 3, &work);
        assert_eq!(run(&queue, &graph).unwrap(), right_result(&graph));
    }
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(echoing).unwrap();
    assert!(echoed.load(Ordering::Relaxed) > 100, "{echoed:?} echoes");
    assert_eq!(work.total(), graph.jobs().len(), "each job is done once");
    assert!(attempts(&queue).values().all(|&attempts| attempts == 1), "{:?}", attempts(&queue));
}

#[test]
fn messages_that_are_none_are_passed_over() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let queue = fleet.client();
    queue.submit(&single("job")).unwrap();
    let lease = claim(&queue);
    by_another_program(&fleet, async |client| {
        let subject = |what: &str| subject(&fleet.lane, what);
        let other_version = br#"{"version":9,"id":1,"question":"policy"}"#.to_vec();
        for bytes in [vec![], b"{}".to_vec(), vec![0xff; 100_000], b"[[[[[[".to_vec(), other_version] {
            client.publish(subject("result"), bytes.clone().into()).await.unwrap();
            let answer = client.request(subject("ask"), bytes.into()).await.unwrap();
            let text = String::from_utf8(answer.payload.to_vec()).unwrap();
            assert!(text.contains("the question was not understood"), "{text}");
        }
    });
    assert!(queue.renew(&lease).unwrap());
    assert!(matches!(finish(&queue, &lease), Completion::Accepted { .. }));
}

/// Talks to NATS as a program that is none of ours.
fn by_another_program<T>(fleet: &Fleet, talk: impl AsyncFnOnce(async_nats::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async { talk(async_nats::connect(fleet.server.url()).await.unwrap()).await })
}

/// Where something is said in a lane.
fn subject(lane: &Lane, what: &str) -> String {
    format!("sheaf.{}.{}.{what}", lane.fleet(), lane.name())
}

/// The bucket of a lane's artifacts.
fn bucket(lane: &Lane) -> String {
    format!("sheaf-{}-{}", lane.fleet(), lane.name())
}

/// Replaces or removes what the object store has under an artifact's name.
fn damage(fleet: &Fleet, artifact: &ArtifactRef, with: Option<&[u8]>) {
    by_another_program(fleet, async |client| {
        let bucket = bucket(&fleet.lane);
        let jetstream = jetstream::new(client);
        let name = artifact.hash.to_string();
        match with {
            Some(bytes) => {
                let mut instead = HeaderMap::new();
                instead.insert("Nats-Rollup", "sub");
                let subject = format!("$O.{bucket}.C.{name}");
                let sent = jetstream.publish_with_headers(subject, instead, Bytes::copy_from_slice(bytes)).await;
                sent.unwrap().await.unwrap();
            }
            None => jetstream.get_object_store(&bucket).await.unwrap().delete(&name).await.unwrap(),
        }
    });
}

/// Messages that the bucket holds.
fn stored_messages(fleet: &Fleet) -> u64 {
    by_another_program(fleet, async |client| {
        let bucket = format!("OBJ_{}", bucket(&fleet.lane));
        jetstream::new(client).get_stream(bucket).await.unwrap().info().await.unwrap().state.messages
    })
}

#[test]
fn artifacts_of_any_length_are_kept_mended_and_removed_whole() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    let artifacts = queue.artifacts();
    // A part has 896 KiB.
    for (length, messages) in [(0, 2), (1, 2), (896 << 10, 2), ((896 << 10) + 1, 3), (2_700_000, 4)] {
        let bytes: Vec<u8> = (0..length).map(|i: usize| (i % 251) as u8).collect();
        let artifact = artifacts.put(&bytes).unwrap();
        assert_eq!(artifacts.get(&artifact).unwrap(), bytes);
        assert_eq!(artifacts.put(&bytes).unwrap(), artifact);
        assert_eq!(stored_messages(&fleet), messages, "{length} bytes put twice");
        damage(&fleet, &artifact, Some(b"not its first part"));
        assert!(artifacts.get(&artifact).is_err());
        artifacts.put(&bytes).unwrap();
        assert_eq!(artifacts.get(&artifact).unwrap(), bytes);
        assert_eq!(stored_messages(&fleet), messages, "{length} bytes mended");
        assert_eq!(artifacts.list().unwrap(), [(artifact.hash, length as u64)]);
        artifacts.remove(artifact.hash).unwrap();
        assert_eq!((stored_messages(&fleet), artifacts.list().unwrap()), (0, vec![]));
        assert!(artifacts.get(&artifact).is_err());
    }
}

#[test]
fn a_sweep_of_many_is_done_in_turns() {
    let fleet = Fleet::new();
    // So short that each question removes what is removed together.
    let queue = fleet.open(Policy { sweep: Duration::ZERO, ..patient() });
    let number = 600;
    thread::scope(|scope| {
        for part in 0..4 {
            let artifacts = queue.artifacts();
            scope.spawn(move || {
                for i in 0..number / 4 {
                    artifacts.put(format!("{part} {i}").as_bytes()).unwrap();
                }
            });
        }
    });
    let grace = Duration::from_millis(300);
    assert_eq!(queue.sweep(grace).unwrap().kept, number, "all of them are young");
    thread::sleep(grace);
    let swept = queue.sweep(grace).unwrap();
    assert_eq!((swept.artifacts, swept.kept, swept.left), (number, 0, 0));
    assert_eq!((stored_messages(&fleet), queue.artifacts().list().unwrap().len()), (0, 0));
    // What was removed and is put there again is as young as any other.
    for (part, i) in (0..4).flat_map(|part| (number / 4 - 10..number / 4).map(move |i| (part, i))) {
        queue.artifacts().put(format!("{part} {i}").as_bytes()).unwrap();
    }
    let swept = queue.sweep(grace).unwrap();
    assert_eq!((swept.artifacts, swept.kept), (0, 40));
}

#[test]
fn other_programs_find_artifacts_in_the_object_store() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    let artifact = queue.artifacts().put(b"a proof").unwrap();
    by_another_program(&fleet, async |client| {
        let bucket = bucket(&fleet.lane);
        let store = jetstream::new(client).get_object_store(&bucket).await.unwrap();
        let mut bytes = Vec::new();
        // The client library checks the digest.
        store.get(artifact.hash.to_string()).await.unwrap().read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"a proof");
    });
}

fn result_of(queue: &dyn Queue, label: &str) -> ArtifactRef {
    let jobs = queue.status().unwrap().graphs.into_iter().flat_map(|graph| graph.jobs);
    match jobs.into_iter().find(|job| job.label == label).unwrap().state {
        JobState::Done { artifact, .. } => artifact,
        state => panic!("{label} is {}", state.name()),
    }
}

#[test]
fn damaged_artifacts_are_made_again() {
    for with in [None, Some(&b"another artifact"[..]), Some(b"")] {
        let fleet = Fleet::new();
        let queue = fleet.open(patient());
        let graph = tree("g", 2);
        queue.submit(&graph).unwrap();
        let chunk = claim(&*queue);
        finish(&*queue, &chunk);
        damage(&fleet, &result_of(&*queue, "g: chunk 0"), with);
        // The lift that reads it is passed over, and its maker comes back instead.
        let again = claim(&*queue);
        assert_eq!((again.job.label.as_str(), again.attempt), ("g: chunk 0", 2));
        assert!(matches!(finish(&*queue, &again), Completion::Accepted { .. }));
        while let Some(lease) = queue.claim(&capability("a")).unwrap() {
            finish(&*queue, &lease);
        }
        damage(&fleet, &result_of(&*queue, "g: join 1.0"), with);
        assert_eq!(queue.result(graph.root()).unwrap(), None);
        let last = claim(&*queue);
        assert_eq!(last.job.label, "g: join 1.0");
        finish(&*queue, &last);
        assert_eq!(queue.result(graph.root()).unwrap().unwrap(), right_result(&graph));
        assert_eq!(attempts(&*queue)["g: lift 0"], 1, "what could not begin was no attempt");
    }
}

#[test]
fn a_result_that_is_not_in_the_store_is_refused() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&single("job")).unwrap();
    let lease = claim(&*queue);
    let stored = queue.artifacts().put(&right(&lease.job, &[])).unwrap();
    damage(&fleet, &stored, Some(b"something else"));
    // Handing in mends it, since the worker has the bytes.
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { .. }));
}

#[test]
fn results_without_a_lease_speak_against_nobody() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&tree("g", 4)).unwrap();
    let lease = claim(&*queue);
    let forged = Lease { fence: Fence(lease.fence.0 + 1), ..lease.clone() };
    for _ in 0..5 {
        let answer = queue.complete(&forged, b"wrong", effort()).unwrap();
        assert!(matches!(answer, Completion::Refused { verdict: Verdict::Stale, .. }), "{answer:?}");
    }
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { late: false, .. }));
    claim(&*queue);
}

#[test]
fn what_one_worker_cannot_do_another_tries_and_who_is_wrong_thrice_gets_no_more() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&tree("g", 8)).unwrap();
    // Both are seen.
    let (sick, well) = (capability("sick"), capability("a"));
    let first = queue.claim(&well).unwrap().unwrap();
    let permanent = || Failure { cause: Cause::Permanent, reason: "a bit flipped".into() };
    for _ in 0..3 {
        let declined = queue.claim(&sick).unwrap().unwrap();
        let verdict = queue.fail(&declined, permanent()).unwrap();
        assert!(matches!(verdict, Verdict::Again { .. }), "{verdict:?}");
        let next = queue.claim(&sick).unwrap().unwrap();
        assert_ne!(next.id, declined.id, "it is not asked again");
        queue.release(&next).unwrap();
        let again = queue.claim(&well).unwrap().unwrap();
        assert_eq!(again.id, declined.id);
        finish(&*queue, &again);
    }
    assert!(matches!(queue.claim(&sick), Err(QueueError::Suspended { .. })));
    // What two say counts.
    let third = capability("third");
    assert!(matches!(queue.fail(&first, permanent()).unwrap(), Verdict::Again { .. }));
    let again = queue.claim(&third).unwrap().unwrap();
    assert_eq!(again.id, first.id);
    let verdict = queue.fail(&again, permanent()).unwrap();
    let Verdict::SetAside { bundle } = verdict else { panic!("{verdict:?}") };
    assert!(bundle.join("job.json").exists());
}

#[test]
fn leases_that_a_worker_does_not_know_of_are_taken_back_at_no_cost() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&tree("g", 4)).unwrap();
    let asks = |turn, holds: &[Fence]| Capability { turn, holds: Some(holds.to_vec()), ..capability("a") };
    let kept = queue.claim(&asks(1, &[])).unwrap().unwrap();
    // The answer to this one is lost.
    let lost = queue.claim(&asks(2, &[kept.fence])).unwrap().unwrap();
    let again = queue.claim(&asks(3, &[kept.fence])).unwrap().unwrap();
    assert_eq!((again.id, again.attempt), (lost.id, 1), "no attempt is spent");
    assert!(again.fence > lost.fence && queue.renew(&kept).unwrap() && !queue.renew(&lost).unwrap());
    // A claim that was on its way too long gets nothing and takes nothing.
    assert!(matches!(queue.claim(&asks(2, &[])), Err(QueueError::NameTaken { worker }) if worker == "a"));
    assert!(queue.renew(&kept).unwrap() && queue.renew(&again).unwrap());
    assert!(queue.claim(&capability("b")).unwrap().is_some(), "of another worker that says nothing");
}

#[test]
fn a_worker_that_begins_anew_is_not_kept_waiting_by_what_its_last_life_asked() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let (queue, other) = (fleet.client(), fleet.client());
    let asks = |turn| Capability { turn, holds: Some(vec![]), ..capability("a") };
    thread::scope(|scope| {
        // Waits at the coordinator; its worker dies.
        let dead = scope.spawn(|| other.claim_within(&asks(100), Duration::from_secs(8)).unwrap());
        thread::sleep(Duration::from_millis(500));
        queue.enter("a").unwrap();
        thread::sleep(Duration::from_millis(300));
        queue.submit(&single("job")).unwrap();
        let lease = queue.claim(&asks(1)).unwrap().expect("the job is for the new life");
        assert!(queue.renew(&lease).unwrap());
        assert!(dead.join().unwrap().is_none());
    });
}

#[test]
fn a_job_that_never_ends_goes_to_another_worker() {
    let fleet = Fleet::new();
    let queue = fleet.open(Policy { attempt: Duration::from_millis(500), ..patient() });
    queue.submit(&single("job")).unwrap();
    let asks = |worker| queue.claim_within(&capability(worker), Duration::from_secs(3)).unwrap();
    assert!(asks("other").is_some_and(|lease| queue.release(&lease).is_ok()), "there is another");
    let endless = asks("endless").unwrap();
    wait_until("the end of it", || !queue.renew(&endless).unwrap());
    assert!(asks("endless").is_none());
    let lease = asks("other").unwrap();
    assert_eq!(lease.attempt, 2);
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { .. }));
}

#[test]
fn of_two_workers_of_one_name_the_first_ends() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let (queue, graph) = (fleet.client(), tree("g", 12));
    queue.submit(&single("job")).unwrap();
    let stop = AtomicBool::new(false);
    let work = slow(Duration::ZERO);
    let serve = |queue: &FleetQueue| {
        let limits = Limits { worker: "one name".into(), jobs: 2, memory_bytes: 1000 };
        queue.enter(&limits.worker).unwrap();
        Worker::new(queue, &*work, limits, &|_| {}, &stop).serve(Until::Stopped)
    };
    let clients = [fleet.client(), fleet.client()];
    thread::scope(|scope| {
        let first = scope.spawn(|| serve(&clients[0]));
        wait_until("the first works", || work.total() == 1);
        let second = scope.spawn(|| serve(&clients[1]));
        let error = first.join().unwrap().unwrap_err();
        assert!(matches!(&error, QueueError::NameTaken { worker } if worker == "one name"), "{error}");
        assert_eq!(run(&queue, &graph).unwrap(), right_result(&graph), "the second works");
        stop.store(true, Ordering::Relaxed);
        second.join().unwrap().unwrap();
    });
}

#[test]
fn of_two_coordinators_one_ends() {
    let fleet = Fleet::new();
    let link = [fleet.link("one"), fleet.link("two")];
    // Opened before either listens, so that neither sees the other.
    let open = |index: usize| {
        let folder = fleet.folder.path().join(index.to_string());
        Arc::new(Coordinator::open(&folder, patient(), Arc::new(ByRedoing), &link[index], &fleet.lane).unwrap())
    };
    let both = [open(0), open(1)];
    let stop = Arc::new(AtomicBool::new(false));
    let threads = both.map(|coordinator| {
        let stop = stop.clone();
        thread::spawn(move || coordinator.serve(&stop))
    });
    wait_until("one of them ends", || threads.iter().any(|thread| thread.is_finished()));
    thread::sleep(Duration::from_secs(2));
    assert_eq!(threads.iter().filter(|thread| thread.is_finished()).count(), 1, "and the other serves");
    fleet.client().submit(&single("job")).unwrap();
    stop.store(true, Ordering::Relaxed);
    let ended = threads.map(|thread| thread.join().unwrap());
    assert_eq!(ended.iter().filter(|ended| matches!(ended, Err(CoordinatorError::Taken { .. }))).count(), 1);
    assert_eq!(ended.iter().filter(|ended| ended.is_ok()).count(), 1);
}

#[test]
fn a_verdict_that_is_lost_is_asked_for() {
    let fleet = Fleet::new();
    let job = spec(JobKind::Chunk, "job", vec![]);
    let (id, batch, inputs, fence) = (job.id(), "g".to_owned(), vec![], Fence(1));
    let lease = Lease { id, batch, job, inputs, fence, attempt: 1, alone: false };
    let output = b"a result";
    let artifact = ArtifactRef::of(output);
    // A coordinator that says no verdict, and has judged when it is asked the second time.
    let coordinate = async |client: async_nats::Client| {
        let subject = |what: &str| subject(&fleet.lane, what);
        let (name, subjects) = (format!("{}-results", bucket(&fleet.lane)), vec![subject("result")]);
        let results = jetstream::stream::Config { name, subjects, ..Default::default() };
        jetstream::new(client.clone()).create_stream(results).await.unwrap();
        let (mut asked, mut looked) = (client.subscribe(subject("ask")).await.unwrap(), 0);
        while looked < 2 {
            let message = asked.next().await.unwrap();
            let answer = match wire::decode_question(&message.payload).unwrap().question {
                Question::Policy => Answer::Policy(patient()),
                Question::Result { job } => {
                    assert_eq!(job, lease.id);
                    looked += 1;
                    Answer::Result((looked == 2).then_some(artifact))
                }
                other => panic!("{other:?}"),
            };
            client.publish(message.reply.unwrap(), wire::encode(&answer).into()).await.unwrap();
        }
        client.flush().await.unwrap();
    };
    thread::scope(|scope| {
        scope.spawn(|| by_another_program(&fleet, coordinate));
        let completion = fleet.client().complete(&lease, output, effort()).unwrap();
        assert_eq!(completion, Completion::Accepted { artifact, late: false });
    });
}

#[test]
fn answers_go_to_inboxes_only() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let queue = fleet.client();
    queue.submit(&single("job")).unwrap();
    by_another_program(&fleet, async |client| {
        let mut heard = client.subscribe("elsewhere").await.unwrap();
        let subject = |what: &str| subject(&fleet.lane, what);
        for (number, bytes) in
            [b"{}".to_vec(), br#"{"version":1,"id":1,"question":"policy"}"#.to_vec()].iter().enumerate()
        {
            client.publish_with_reply(subject("ask"), "elsewhere", bytes.clone().into()).await.unwrap();
            let greeting = format!("sheaf.{}.hello", fleet.lane.fleet());
            client.publish_with_reply(greeting, "elsewhere", vec![number as u8].into()).await.unwrap();
        }
        client.flush().await.unwrap();
        let silence = tokio::time::timeout(Duration::from_secs(1), heard.next()).await;
        assert!(silence.is_err(), "{silence:?}");
    });
    assert!(queue.claim(&capability("a")).unwrap().is_some());
}

#[test]
fn what_others_put_into_the_bucket_stops_nothing() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&tree("g", 2)).unwrap();
    let lease = claim(&*queue);
    let output = right(&lease.job, &lease.inputs);
    let artifact = ArtifactRef::of(&output);
    by_another_program(&fleet, async |client| {
        let bucket = bucket(&fleet.lane);
        let jetstream = jetstream::new(client);
        let name = |hash: String| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, hash);
        let junk = name("junk".into());
        let endless = name(ArtifactRef::of(b"endless").hash.to_string());
        let size = format!(
            r#"{{"name":"{}","bucket":"{bucket}","nuid":"x","size":18446744073709551615,"chunks":1,"mtime":"2026-01-01T00:00:00Z"}}"#,
            ArtifactRef::of(b"endless").hash
        );
        for (subject, bytes) in [
            (format!("$O.{bucket}.M.{junk}"), "no JSON".to_owned()),
            (format!("$O.{bucket}.M.{endless}"), size),
            // What the result will be stored under.
            (format!("$O.{bucket}.C.{}", artifact.hash), "not it".to_owned()),
        ] {
            jetstream.publish(subject, bytes.into()).await.unwrap().await.unwrap();
        }
    });
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { .. }));
    let swept = queue.sweep(Duration::ZERO).unwrap();
    assert_eq!((swept.bytes, swept.kept > 0), (u64::MAX, true), "{swept:?}");
    assert!(queue.claim(&capability("a")).unwrap().is_some());
}

#[test]
fn a_worker_whose_results_are_refused_gets_no_more_jobs() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    queue.submit(&tree("g", 8)).unwrap();
    for _ in 0..3 {
        let lease = claim(&*queue);
        let lie = queue.complete(&lease, b"wrong", effort()).unwrap();
        assert!(matches!(lie, Completion::Refused { verdict: Verdict::Again { .. }, .. }), "{lie:?}");
    }
    let error = queue.claim(&capability("a")).unwrap_err();
    assert!(matches!(&error, QueueError::Suspended { worker } if worker == "a"), "{error}");
    assert!(queue.claim(&capability("b")).unwrap().is_some(), "others go on");
    queue.enter("a").unwrap();
    assert!(queue.claim(&capability("a")).unwrap().is_some(), "a new beginning is a new chance");
}

#[test]
fn a_liar_among_honest_workers_does_not_stop_a_batch() {
    let fleet = Fleet::new();
    let _serving = fleet.serve(patient());
    let (queue, graph) = (fleet.client(), tree("g", 12));
    let liar = fleet.client();
    let stop = AtomicBool::new(false);
    let lies = Mutex::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let work = Toy::with(|job: &JobSpec, inputs: &[Vec<u8>]| {
                let mut wrong = right(job, inputs);
                wrong[0] ^= 1;
                Ok(wrong)
            });
            let limits = Limits { worker: "liar".into(), jobs: 2, memory_bytes: 1000 };
            let served = Worker::new(&liar, &work, limits, &|_| {}, &stop).serve(Until::Stopped);
            assert!(matches!(served, Err(QueueError::Suspended { .. })), "{served:?}");
            *lies.lock().unwrap() = work.total();
        });
        wait_until("the graph", || queue.submit(&graph).is_ok());
        wait_until("the liar's end", || *lies.lock().unwrap() > 0);
        let honest = slow(Duration::ZERO);
        let _workers = Workers::start(&fleet, 2, &honest);
        assert_eq!(run(&queue, &graph).unwrap(), right_result(&graph));
    });
    let lies = lies.into_inner().unwrap();
    assert!((3..=5).contains(&lies), "{lies} lies: three in a row, and what ran beside the third");
}

#[test]
fn a_lane_has_one_coordinator() {
    let fleet = Fleet::new();
    let serving = fleet.serve(patient());
    fleet.client();
    let (folder, link) = (tempfile::tempdir().unwrap(), fleet.link("second"));
    let second = || Coordinator::open(folder.path(), patient(), Arc::new(ByRedoing), &link, &fleet.lane);
    assert!(matches!(second(), Err(CoordinatorError::Taken { .. })));
    drop(serving);
    assert!(second().is_ok());
}

#[test]
fn lanes_side_by_side_do_not_see_each_others_jobs() {
    let old = Fleet::new();
    let mut new = Fleet::new();
    new.lane = Lane::new(old.lane.fleet(), "next-version").unwrap();
    let (_old_serving, _new_serving) = (old.serve(patient()), new.serve(patient()));
    let (old_queue, new_queue) = (old.client(), new.client());
    let (old_graph, new_graph) = (tree("old", 6), tree("new", 6));
    old_queue.submit(&old_graph).unwrap();
    assert!(new_queue.claim(&capability("new worker")).unwrap().is_none());

    let mut seen = lanes(&old.link("anyone"), old.lane.fleet()).unwrap();
    seen.sort_by(|a, b| a.lane.cmp(&b.lane));
    let ready: Vec<_> = seen.iter().map(|lane| (lane.lane.as_str(), lane.outlook.ready.len())).collect();
    assert_eq!(ready, [("lane", 1), ("next-version", 0)], "a worker can say which jobs it does not get");

    let (old_work, new_work) = (slow(Duration::ZERO), slow(Duration::ZERO));
    let (_a, _b) = (Workers::start(&old, 1, &old_work), Workers::start(&new, 1, &new_work));
    assert_eq!(run(&new_queue, &new_graph).unwrap(), right_result(&new_graph));
    assert_eq!(run(&old_queue, &old_graph).unwrap(), right_result(&old_graph));
    assert!(old_work.begun.lock().unwrap().iter().all(|label| label.starts_with("old")));
    assert!(new_work.begun.lock().unwrap().iter().all(|label| label.starts_with("new")));
}

#[test]
fn a_coordinator_restored_from_a_backup_gets_the_graph_again() {
    let mut fleet = Fleet::new();
    let serving = fleet.serve(patient());
    let (queue, graph, work) = (fleet.client(), tree("g", 6), slow(Duration::from_millis(30)));
    let _workers = Workers::start(&fleet, 1, &work);
    let serving = thread::scope(|scope| {
        let following = scope.spawn(|| run(&queue, &graph));
        wait_until("the first results", || {
            queue.progress(graph.root()).is_ok_and(|progress| progress.done >= 3 && !progress.is_done())
        });
        // A backup from before the batch: the records are gone, what is in the store is not, and neither are workers.
        let held = claim(&queue);
        drop(serving);
        fleet.folder = tempfile::tempdir().unwrap();
        let serving = fleet.serve(patient());
        wait_until("the graph", || queue.progress(graph.root()).is_ok());
        assert!(!queue.renew(&held).unwrap(), "a lease of before is none of today's");
        assert_eq!(following.join().unwrap().unwrap(), right_result(&graph));
        serving
    });
    drop(serving);
}

#[test]
fn a_claim_that_waits_is_answered_when_patience_ends() {
    let fleet = Fleet::new();
    let queue = fleet.open(patient());
    let nothing = Capability { abilities: BTreeSet::new(), ..capability("a") };
    queue.submit(&single("job")).unwrap();
    let start = Instant::now();
    assert!(queue.claim_within(&nothing, Duration::from_millis(400)).unwrap().is_none());
    assert!((400..5000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[test]
fn user_and_password_of_the_url_are_sent() {
    let server = NatsServer::start_with(&["--user", "worker", "--pass", "secret7"]);
    let connect = |login: &str| {
        let url = format!("nats://{login}127.0.0.1:{}", server.port());
        Link::connect(&LinkOptions { url, name: "test".into(), ..LinkOptions::default() })
    };
    connect("worker:secret7@").unwrap();
    for wrong in ["", "worker:other@", "other:secret7@"] {
        let Err(error) = connect(wrong) else { panic!("{wrong:?} was let in") };
        assert!(error.to_string().contains("authorization violation"), "{error}");
        assert!(!error.to_string().contains("secret7"), "{error}");
    }
}
