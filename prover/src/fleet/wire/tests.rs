use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::digest::CircuitDigest;
use crate::job::{Input, JobKind};
use crate::queue::{Cause, JobState, JobStatus};

fn artifact() -> ArtifactRef {
    ArtifactRef::of(b"a")
}

fn hold() -> Hold {
    Hold { job: JobId([3; 32]), fence: Fence(u64::MAX) }
}

fn job() -> JobSpec {
    JobSpec {
        kind: JobKind::Lift,
        circuit: CircuitDigest([7; 32]),
        inputs: vec![Input::Job(JobId([1; 32])), Input::Artifact(artifact())],
        payload: vec![0, 255],
        memory_bytes: u64::MAX,
        priority: 2,
        label: "lift \"0\"\n".into(),
    }
}

fn questions() -> Vec<Question> {
    let ability = Ability { kind: JobKind::Chunk, circuit: CircuitDigest([7; 32]) };
    let capability = Capability {
        worker: "a".into(),
        abilities: BTreeSet::from([ability]),
        memory_bytes: 1,
        idle: true,
        graph: Some(JobId([2; 32])),
        turn: 3,
        holds: Some(vec![Fence(1)]),
    };
    let failure = Failure { cause: Cause::Transient, reason: "no space".into() };
    let (job, root, worker) = (JobId([4; 32]), JobId([5; 32]), "a".to_owned());
    vec![
        Question::Policy,
        Question::Submit { graph: artifact() },
        Question::Claim { capability, patience: Duration::from_millis(1500) },
        Question::Renew { hold: hold() },
        Question::Fail { hold: hold(), failure },
        Question::Release { hold: hold() },
        Question::Leave { worker: worker.clone() },
        Question::Enter { worker },
        Question::DamagedInput { hold: hold(), index: 1, artifact: artifact() },
        Question::Retry { job },
        Question::Result { job },
        Question::DamagedResult { job, artifact: artifact() },
        Question::Progress { root },
        Question::Graphs,
        Question::Jobs { root, from: 500 },
        Question::Outlook,
        Question::Settle { root },
        Question::Sweep { grace: Duration::from_secs(600) },
    ]
}

/// One of each answer that holds more than numbers.
fn answers() -> Vec<Answer> {
    let effort = Effort { worker: "a".into(), seconds: 0.1 + 0.2, cpu_seconds: 1e-9 };
    let jobs = [
        JobState::Waiting,
        JobState::Leased { worker: "a".into(), fence: Fence(1 << 40) },
        JobState::Done { artifact: artifact(), effort },
        JobState::SetAside { bundle: "/a/b".into() },
    ];
    let status = |state| JobStatus {
        id: JobId([1; 32]),
        kind: JobKind::Join,
        circuit: CircuitDigest([7; 32]),
        label: "join".into(),
        memory_bytes: 1 << 30,
        state,
        attempts: 2,
        failures: vec![Failure { cause: Cause::Expired, reason: "late".into() }],
    };
    let graph = GraphStatus {
        root: JobId([1; 32]),
        label: "batch 1".into(),
        deadline_ms: u64::MAX,
        transactions: 3,
        progress: Progress { total: 4, set_aside: vec![JobId([1; 32])], ..Progress::default() },
        jobs: jobs.into_iter().map(status).collect(),
    };
    let ability = Ability { kind: JobKind::Wrap, circuit: CircuitDigest([7; 32]) };
    let refusals = [
        Refusal::MissingArtifact { label: "a".into(), artifact: artifact() },
        Refusal::Unchecked { ability, next: "b".into() },
        Refusal::Suspended { worker: "w".into() },
        Refusal::NameTaken { worker: "w".into() },
    ];
    let leased = Leased {
        id: job().id(),
        batch: "batch 1".into(),
        job: job(),
        inputs: vec![artifact()],
        fence: Fence(7),
        attempt: 1,
        alone: true,
    };
    let mut answers = vec![
        Answer::Leased(Some(Box::new(leased))),
        Answer::Leased(None),
        Answer::Verdict(Verdict::SetAside { bundle: "/a".into() }),
        Answer::Jobs(Box::new(graph.clone())),
        Answer::Graphs(vec![graph]),
        Answer::Outlook(Outlook { ready: vec![(ability, 3)], ..Outlook::default() }),
    ];
    answers.extend(refusals.map(Answer::Refused));
    answers
}

#[test]
fn messages_survive_the_way() {
    for (id, question) in questions().into_iter().enumerate() {
        let id = QuestionId(u128::MAX - id as u128);
        let sent = Envelope { version: VERSION, id, question };
        let got = decode_question(&encode(&sent)).unwrap();
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
    }
    for sent in answers() {
        let got: Answer = decode(&encode(&sent)).unwrap();
        assert_eq!(format!("{got:?}"), format!("{sent:?}"));
    }
    let effort = Effort { worker: "a".into(), seconds: 1.5, cpu_seconds: 2.5 };
    let sent = Handed { version: VERSION, hold: hold(), artifact: artifact(), effort };
    assert_eq!(format!("{:?}", decode_handed(&encode(&sent)).unwrap()), format!("{sent:?}"));
    let refused = ResultVerdict::Completion(Completion::Refused { reason: "r".into(), verdict: Verdict::Stale });
    let got: ResultVerdict = decode(&encode(&refused)).unwrap();
    assert_eq!(format!("{got:?}"), format!("{refused:?}"));
}

/// What the fuzzer starts from is one of each message, as it is sent today; a difference here is a new protocol.
#[test]
fn seeds_of_the_fuzzer_are_the_messages() {
    let effort = Effort { worker: "a".into(), seconds: 1.5, cpu_seconds: 2.5 };
    let handed = Handed { version: VERSION, hold: hold(), artifact: artifact(), effort };
    let graph = SubmittedGraph { label: "g".into(), deadline_ms: 7, transactions: 3, jobs: vec![job()] };
    let lane =
        LaneSummary { lane: "0a1b".into(), version: "1.2.3".into(), instance: u128::MAX, outlook: Outlook::default() };
    let completion = Completion::Refused { reason: "r".into(), verdict: Verdict::Stale };
    let refused = ResultVerdict::Completion(completion);
    let mut messages = vec![encode(&handed), encode(&graph), encode(&lane), encode(&refused)];
    let asked = |question| encode(&Envelope { version: VERSION, id: QuestionId(1), question });
    messages.extend(questions().into_iter().map(asked));
    messages.extend(answers().iter().map(encode));

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/fleet_message");
    for (number, message) in messages.iter().enumerate() {
        let seed = folder.join(format!("{number:02}.json"));
        if std::env::var_os("SHEAF_REGENERATE").is_some() {
            fs::write(&seed, message).unwrap();
        }
        let kept = fs::read(&seed).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&kept), String::from_utf8_lossy(message), "{}", seed.display());
    }
}

#[test]
fn another_version_is_told_from_garbage() {
    let sent = Envelope { version: VERSION + 1, id: QuestionId(1), question: Question::Policy };
    assert!(matches!(decode_question(&encode(&sent)), Err(WireError::Version { got }) if got == VERSION + 1));
    assert!(matches!(decode_question(b"{\"version\":1}"), Err(WireError::Malformed(_))));
}

#[test]
fn no_change_of_a_byte_panics() {
    let mut random = StdRng::seed_from_u64(1);
    for question in questions() {
        let bytes = encode(&Envelope { version: VERSION, id: QuestionId(1), question });
        for _ in 0..2000 {
            let mut changed = bytes.clone();
            let at = random.gen_range(0..changed.len());
            changed[at] = random.gen();
            changed.truncate(random.gen_range(0..=changed.len()));
            let _ = decode_question(&changed);
        }
    }
}

#[test]
fn what_is_too_long_is_refused_or_cut() {
    let claim = |worker: String, patience| {
        let Some(Question::Claim { capability, .. }) =
            questions().into_iter().find(|question| matches!(question, Question::Claim { .. }))
        else {
            panic!("there is one above");
        };
        let question = Question::Claim { capability: Capability { worker, ..capability }, patience };
        decode_question(&encode(&Envelope { version: VERSION, id: QuestionId(1), question }))
    };
    assert!(matches!(claim("w".repeat(201), Duration::ZERO), Err(WireError::TooLong { got: 201, most: 200, .. })));
    let Question::Claim { patience, .. } = claim("w".into(), Duration::MAX).unwrap().question else {
        panic!("it is a claim");
    };
    assert_eq!(patience, LONGEST_PATIENCE);

    let failure = Failure { cause: Cause::Transient, reason: "ü".repeat(1000) };
    let question = Question::Fail { hold: hold(), failure };
    let got = decode_question(&encode(&Envelope { version: VERSION, id: QuestionId(1), question })).unwrap();
    let Question::Fail { failure, .. } = got.question else { panic!("it is a failure") };
    assert_eq!(failure.reason, "ü".repeat(500) + " …");

    let graph = |job| SubmittedGraph { label: "g".into(), deadline_ms: 0, transactions: 0, jobs: vec![job] };
    assert!(decode_graph(&encode(&graph(job()))).is_ok());
    let large = JobSpec { payload: vec![200; LONGEST_JOB_BYTES], ..job() };
    assert!(matches!(decode_graph(&encode(&graph(large))), Err(WireError::TooLong { what: "a job", .. })));

    let effort = Effort { worker: "a".into(), seconds: -1.0, cpu_seconds: 1e300 };
    let handed = Handed { version: VERSION, hold: hold(), artifact: artifact(), effort };
    let Effort { seconds, cpu_seconds, .. } = decode_handed(&encode(&handed)).unwrap().effort;
    assert_eq!((seconds, cpu_seconds), (0.0, LONGEST_EFFORT_S));
}

#[test]
fn pages_cover_a_graph_and_fit_a_message() {
    let Some(Answer::Jobs(graph)) = answers().into_iter().find(|answer| matches!(answer, Answer::Jobs(_))) else {
        panic!("there is one above");
    };
    let mut graph = *graph;
    graph.jobs = graph.jobs.into_iter().cycle().take(3000).collect();
    graph.jobs[7].label = "x".repeat(2 * PAGE_BYTES);
    graph.progress.set_aside = vec![JobId([1; 32]); 50_000];
    let mut got = Vec::new();
    loop {
        let page = page(graph.clone(), got.len());
        if page.jobs.is_empty() {
            break;
        }
        let bytes = encode(&Answer::Jobs(Box::new(page.clone()))).len();
        assert!(bytes < 1 << 20 || page.jobs.len() == 1, "{bytes} bytes");
        got.extend(page.jobs);
    }
    assert_eq!(got, graph.jobs);
}
